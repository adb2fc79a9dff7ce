// Command thousand measures what many projects cost: enable, apply, status, list, memory and cold starts,
// beside the bare calls to systemd and beside supervisor, in turns. It runs in a machine of test/lab, where
// it may do what it likes: test/scale boots one, installs sandwich and says how to run it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"

	"sandwich/test/measure"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "test/scale:", err)
		os.Exit(1)
	}
}

// run is a part that is started by itself, for what it costs to be seen, or the measurement.
func run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "application":
			return application()
		case "bare":
			return bare(ctx, args[1:])
		}
	}
	return measureAll(ctx, args)
}

func measureAll(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("test/scale", flag.ContinueOnError)
	rounds := flags.Int("rounds", 3, "how often everyone does each work")
	sizes := flags.String("sizes", "1,100,1000", "how many projects are enabled; the largest number is what the rest is measured with")
	alone := flags.Bool("alone", false, "without supervisor, which takes long to start a thousand programs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	m := &measurement{rounds: *rounds, alone: *alone}
	for _, text := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("a number of projects is no number: %w", err)
		}
		m.sizes = append(m.sizes, n)
	}
	m.most = slices.Max(m.sizes)
	chosen, err := measure.Choose(works, func(w work) string { return w.name }, flags.Args())
	if err != nil {
		return err
	}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	for _, w := range chosen {
		if err := w.measure(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
	}
	return m.clear(ctx)
}

// measurement is what all works share.
type measurement struct {
	rounds int
	alone  bool
	sizes  []int
	most   int
	there  int // how many projects are enabled now
}

// work is one kind of it.
type work struct {
	name    string
	measure func(ctx context.Context, m *measurement) error
}

// works, in the order in which they leave the machine as the next one likes it.
var works = []work{{"enable", enable}, {"memory", memory}, {"show", show}, {"apply", apply}, {"cold", cold}}
