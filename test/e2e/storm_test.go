//go:build e2e

package e2e

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"sandwich/test/load"
	"sandwich/units"
)

// scenarios are all of them, in the order of the table.
var scenarios = slices.Concat(restarts, spoiled, kills, proxies, failures)

// TestStorm plays every scenario on every Debian: short, or, with SANDWICH_STORM=long, long. What else is
// in its environment is for test/storm.
func TestStorm(t *testing.T) {
	all := &table{}
	t.Cleanup(func() {
		if err := all.print(); err != nil {
			t.Error(err)
		}
	})
	how, side := shortRun, (*testing.T).Parallel
	if os.Getenv("SANDWICH_STORM") == "long" {
		how = longRun
		if os.Getenv("SANDWICH_STORM_BOTH") == "" {
			// One machine at a time: the figures are to be the product's, not its neighbour's.
			side = func(*testing.T) {}
		}
	}
	if only, err := strconv.Atoi(os.Getenv("SANDWICH_STORM_CONNECTIONS")); err == nil {
		how.connections = []int{only}
	}
	side(t)
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			side(t)
			m := Boot(t, suite)
			m.Install()
			for _, class := range classes {
				t.Run(class, func(t *testing.T) { stormOf(t, m, class, how, all) })
			}
		})
	}
}

// stormOf plays the scenarios that a class of workers has. Each class has a project of its own.
func stormOf(t *testing.T, m *Machine, class string, how size, all *table) {
	m.during(t)
	s := &shop{Machine: m, name: "shop-" + class, class: class, imports: how.importing}
	if class == "uvicorn" {
		s.graceful = how.graceful
	}
	m.open(s)
	worst := map[int]float64{}
	for order, one := range scenarios {
		if one.hasClass(class, how) {
			t.Run(one.name, func(t *testing.T) {
				for _, connections := range how.connections {
					g := &stage{T: t, shop: s, size: how, scenario: one, connections: connections, quiet: worst}
					r := g.run()
					r.order = order
					all.add(r)
				}
			})
		}
	}
	m.close(s)
}

func (s scenario) hasClass(class string, how size) bool {
	if s.only {
		return slices.Contains(s.classes, class)
	}
	return how.long() || slices.Contains(s.classes, class) || len(s.classes) == 0 && class == "sync"
}

// during has failures of the machine's methods be those of a test.
func (m *Machine) during(t *testing.T) {
	before := m.t
	m.t = t
	t.Cleanup(func() { m.t = before })
}

// run plays the scenario, after a run without any event to compare with.
func (g *stage) run() row {
	g.during(g.T)
	if g.scenario.project != nil {
		g.shop = &shop{Machine: g.Machine, name: g.class + "-2", class: g.class, imports: g.importing}
		g.scenario.project(g.shop)
		g.open(g.shop)
		defer g.close(g.shop)
	}
	if g.class == "uvicorn" {
		g.sockets = &load.Sockets{URL: "http://127.0.0.1:80/ws", Host: g.host(), Count: 5, Dial: g.Dial}
	}
	g.compare()
	r := g.play()
	g.Logf("%s\n%s%s", g.Suite, header, r)
	if g.Failed() {
		g.Log(g.Journal("-n", "80", "-o", "short-precise", "--no-hostname", "-u", g.service(), "-u", units.NextService(g.name), "-u", "sandwich-proxy"))
	}
	return r
}

// compare measures the longest wait when nothing happens: what the machine itself is to blame for. A
// short run does so once for each class of workers.
func (g *stage) compare() {
	defer func() { g.worst = g.quiet[g.connections] }()
	if _, known := g.quiet[g.connections]; known && !g.long() {
		return
	}
	seen := g.underLoad(func() { <-time.After(g.control) })
	g.quiet[g.connections] = seen.Max
	if seen.Failed > 0 {
		g.Errorf("without any event %d of %d requests failed: %s", seen.Failed, seen.Sent, seen.FirstFailure)
	}
}
