// Command peers has nginx, HAProxy, Caddy and sandwich-proxy do the same work on this machine, in turns,
// and prints what it cost each. test/bench builds and installs what it needs and says how to run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"sandwich/test/measure"
)

func main() {
	programs := flag.String("programs", "dist/bench", "`directory` of sandwich-proxy and caddy")
	rounds := flag.Int("rounds", 3, "how often everyone does each work")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *programs, *rounds, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "test/bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, programs string, rounds int, wanted []string) error {
	chosen, err := measure.Choose(works, func(w work) string { return w.name }, wanted)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := prepare(ctx, dir, programs)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Println(header)
	for _, w := range chosen {
		results, err := s.play(ctx, w, rounds)
		if err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		print(w, results)
	}
	return nil
}
