package main

import (
	"fmt"

	"sandwich/test/measure"
)

const header = `| work | server | CPU us/request (+-) | ratio to nginx | requests/s | MB/s | p99 ms | share of the host | memory |
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
		fmt.Printf("| %s | %s | %.1f (%.0f %%) | %.2f | %.0f | %.0f | %.1f | %.1f %% | %s |\n", w.name, name, of(name, costs), 100*measure.Spread(rounds, costs),
			of(name, main)/of("nginx", main), of(name, func(r result) float64 { return r.rate }),
			of(name, func(r result) float64 { return r.bytes / 1e6 }), of(name, func(r result) float64 { return r.p99.Seconds() * 1e3 }),
			of(name, func(r result) float64 { return r.share * 100 }), measure.Size(int64(of(name, memory))))
	}
}

func costs(r result) float64  { return float64(r.cpu.Nanoseconds()) / 1e3 }
func memory(r result) float64 { return float64(r.memory) }
