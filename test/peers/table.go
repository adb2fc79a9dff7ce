package main

import (
	"fmt"

	"sandwich/test/measure"
)

const header = `| work | server | CPU us/request (+-) | ratio to nginx | requests/s | MB/s | p99 ms | share of the work | memory |
|---|---|---:|---:|---:|---:|---:|---:|---:|`

func print(w work, results map[string][]result) {
	of := func(name string, figure func(result) float64) float64 {
		return measure.Middle(results[name], figure)
	}
	main := costs
	if w.name == "idle" {
		main = memory
	}
	for _, name := range serverNames {
		rounds := results[name]
		if len(rounds) == 0 {
			continue
		}
		fmt.Printf("| %s | %s | %.1f (%.0f %%) | %.2f | %.0f | %.0f | %.1f | %s | %s |\n", w.name, name, of(name, costs), 100*measure.Spread(rounds, costs),
			of(name, main)/of("nginx", main), of(name, func(r result) float64 { return r.rate }),
			of(name, func(r result) float64 { return r.bytes / 1e6 }), of(name, func(r result) float64 { return r.p99.Seconds() * 1e3 }),
			share(w, of(name, func(r result) float64 { return r.share })), measure.Size(int64(of(name, memory))))
	}
}

// share in words: where no application works all is the server's.
func share(w work, part float64) string {
	if w.name != "django" {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*part)
}

func costs(r result) float64  { return float64(r.cpu.Nanoseconds()) / 1e3 }
func memory(r result) float64 { return float64(r.memory) }
