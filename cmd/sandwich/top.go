package main

import (
	"cmp"
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"sandwich/dbusctl"
)

// sample is what is known of all projects at one moment.
type sample struct {
	at     time.Time
	routes map[string]dbusctl.Route
	usage  map[string]usage
	proxy  dbusctl.ProxySummary
}

// topRow is what one project did between two samples.
type topRow struct {
	Name     string  `json:"name"`
	Requests float64 `json:"requests_per_second"`
	P50      float64 `json:"p50_seconds"`
	P95      float64 `json:"p95_seconds"`
	Errors   float64 `json:"errors_per_second"` // answers with a status from 500
	InFlight uint32  `json:"in_flight"`
	Held     uint32  `json:"held"`
	Workers  int     `json:"workers"`
	Memory   uint64  `json:"memory_bytes"`
	CPU      float64 `json:"cpu_percent"` // of one core
	Sent     float64 `json:"sent_bytes_per_second"`
	Closed   bool    `json:"maintenance,omitempty"`
}

// topOrders are what rows can be sorted by, largest first but for names.
var topOrders = map[string]func(a, b topRow) int{
	"name":   func(a, b topRow) int { return 0 },
	"req":    func(a, b topRow) int { return cmp.Compare(b.Requests, a.Requests) },
	"p95":    func(a, b topRow) int { return cmp.Compare(b.P95, a.P95) },
	"errors": func(a, b topRow) int { return cmp.Compare(b.Errors, a.Errors) },
	"flight": func(a, b topRow) int { return cmp.Compare(b.InFlight, a.InFlight) },
	"memory": func(a, b topRow) int { return cmp.Compare(b.Memory, a.Memory) },
	"cpu":    func(a, b topRow) int { return cmp.Compare(b.CPU, a.CPU) },
}

func newTop(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "top [NAME...]", Short: "Show live what each project does; once when there is no terminal", Args: cobra.ArbitraryArgs}
	all := allFlag(cmd)
	order := cmd.Flags().String("sort", "req", "sort by "+strings.Join(slices.Sorted(maps.Keys(topOrders)), ", "))
	every := cmd.Flags().Duration("interval", time.Second, "the time between two looks")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if topOrders[*order] == nil {
			return usageError("there is no order %q\nhint: sandwich top --sort with one of %s", *order, strings.Join(slices.Sorted(maps.Keys(topOrders)), ", "))
		}
		if *every < 100*time.Millisecond {
			return usageError("--interval %s is too short to count in\nhint: sandwich top --interval 1s", *every)
		}
		if err := either("top", *all, args); err != nil {
			return err
		}
		if _, err := known(args); err != nil {
			return err
		}
		proxy, err := dbusctl.ConnectProxy()
		if err != nil {
			return err
		}
		defer proxy.Close()
		top := &top{look: func(ctx context.Context) (sample, error) { return takeSample(ctx, proxy) }, names: args, order: *order, every: *every}
		out, isFile := t.stdout.(*os.File)
		if !*asJSON && isFile && term.IsTerminal(int(out.Fd())) && term.IsTerminal(int(os.Stdin.Fd())) {
			return top.live(cmd.Context(), os.Stdin, out)
		}
		return t.topOnce(cmd.Context(), top, *asJSON)
	}
	return cmd
}

func takeSample(ctx context.Context, proxy *dbusctl.Proxy) (sample, error) {
	s := sample{at: time.Now(), usage: map[string]usage{}}
	var err error
	if s.routes, err = proxy.Status(ctx); err != nil {
		return s, err
	}
	if s.proxy, err = proxy.Summary(ctx); err != nil {
		return s, err
	}
	root := cgroups()
	for name := range s.routes {
		s.usage[name] = usageOf(root, name)
	}
	return s, nil
}

// top compares each sample with the one before.
type top struct {
	look   func(context.Context) (sample, error)
	names  []string // empty: all
	order  string
	every  time.Duration
	before sample
	after  sample
}

// next waits for the time between two looks and looks again.
func (p *top) next(ctx context.Context) error {
	if p.before.routes == nil {
		first, err := p.look(ctx)
		if err != nil {
			return err
		}
		p.after = first
	}
	select {
	case <-time.After(p.every):
	case <-ctx.Done():
		return ctx.Err()
	}
	now, err := p.look(ctx)
	if err != nil {
		return err
	}
	p.before, p.after = p.after, now
	return nil
}

func (p *top) rows() []topRow {
	var rows []topRow
	seconds := p.after.at.Sub(p.before.at).Seconds()
	for _, name := range slices.Sorted(maps.Keys(p.after.routes)) {
		if len(p.names) == 0 || slices.Contains(p.names, name) {
			rows = append(rows, p.row(name, seconds))
		}
	}
	slices.SortStableFunc(rows, topOrders[p.order])
	return rows
}

func (p *top) row(name string, seconds float64) topRow {
	now, then := p.after.routes[name], p.before.routes[name]
	if now.Requests < then.Requests {
		then = dbusctl.Route{} // the proxy has started anew
	}
	rate := func(now, then uint64) float64 { return float64(now-min(then, now)) / seconds }
	took := slices.Clone(now.Durations)
	for i := range min(len(took), len(then.Durations)) {
		took[i] -= min(then.Durations[i], took[i])
	}
	use := p.after.usage[name]
	return topRow{
		Name: name, Requests: rate(now.Requests, then.Requests), Errors: rate(now.Failed, then.Failed), Sent: rate(now.Sent, then.Sent),
		P50: quantileOf(took, p.after.proxy.Bounds, 0.50), P95: quantileOf(took, p.after.proxy.Bounds, 0.95),
		InFlight: now.InFlight, Held: now.Held, Closed: now.Maintenance, Workers: use.workers, Memory: use.memory,
		CPU: max(0, (use.cpu-p.before.usage[name].cpu).Seconds()/seconds*100),
	}
}

// quantileOf is the time, in seconds, that a part of what was counted did not take longer than. Within a
// bucket all are taken to be spread evenly; what is beyond the last bound is at the bound.
func quantileOf(counts []uint64, bounds []time.Duration, q float64) float64 {
	var all uint64
	for _, n := range counts {
		all += n
	}
	if all == 0 || len(counts) != len(bounds)+1 {
		return 0
	}
	wanted, seen, low := q*float64(all), 0.0, 0.0
	for i, bound := range bounds {
		n := float64(counts[i])
		if seen+n >= wanted && n > 0 {
			return low + (bound.Seconds()-low)*(wanted-seen)/n
		}
		seen, low = seen+n, bound.Seconds()
	}
	return low
}

func (t *terminal) topOnce(ctx context.Context, p *top, asJSON bool) error {
	if err := p.next(ctx); err != nil {
		return err
	}
	rows := p.rows()
	if asJSON {
		if rows == nil {
			rows = []topRow{}
		}
		return t.json("projects", rows)
	}
	if len(rows) == 0 && len(p.names) > 0 {
		t.tell("None of them is enabled.\nhint: sandwich enable %s", p.names[0])
		return nil
	}
	if len(rows) == 0 {
		t.tell("%s", noneWords(projectNames()))
		return nil
	}
	cells := [][]string{topHeader}
	for _, row := range rows {
		cells = append(cells, row.cells())
	}
	for _, line := range aligned(cells, t.width()) {
		t.say("%s", line)
	}
	return nil
}
