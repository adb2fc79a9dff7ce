//go:build e2e

package e2e

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// row is what became of one scenario.
type row struct {
	order               int
	scenario, class     string
	suite               string
	connections, events int
	seen                *result
	control             float64
	failed              bool // it is not what it should be
	notes               []string
}

// table collects rows; it is safe for concurrent use.
type table struct {
	mu   sync.Mutex
	rows []row
}

func (g *stage) row(seen *result) row {
	return row{
		scenario: g.scenario.name, class: g.class, suite: g.Suite, connections: g.connections, events: g.count(),
		seen: seen, control: g.worst, failed: g.Failed(), notes: g.notes,
	}
}

func (t *table) add(r row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
}

const header = `| scenario | worker | Debian | connections | events | requests | failed | p50 ms | p99 ms | worst ms | control worst ms | longest gap ms | WebSockets | verdict |
|---|---|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---|---|
`

// String is the table in Markdown, in an order that does not depend on what was quicker.
func (t *table) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	slices.SortStableFunc(t.rows, func(a, b row) int {
		return cmp.Or(a.order-b.order, slices.Index(classes, a.class)-slices.Index(classes, b.class),
			strings.Compare(a.suite, b.suite), a.connections-b.connections)
	})
	var all strings.Builder
	all.WriteString(header)
	for _, r := range t.rows {
		all.WriteString(r.String())
	}
	return all.String()
}

func (r row) String() string {
	verdict, seen := "as promised", r.seen
	if r.failed {
		verdict = "BROKEN"
	}
	failed := fmt.Sprint(seen.Failed)
	if seen.Failed > 0 {
		failed += " (" + tally(seen.Kinds) + ")"
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %d | %d | %s | %.0f | %.0f | %.0f | %.0f | %.0f | %s | %s |\n",
		r.scenario, r.class, r.suite, r.connections, r.events, seen.Sent, failed, seen.P50, seen.P99, seen.Max, r.control, seen.Gap,
		r.sockets(), strings.Join(append([]string{verdict}, r.notes...), "; "))
}

func (r row) sockets() string {
	if r.seen.sockets == nil {
		return ""
	}
	return strings.TrimSuffix(fmt.Sprintf("%d opened; %s", r.seen.sockets.Opened, tally(r.seen.sockets.Ended)), "; ")
}

// print writes the table to the file that SANDWICH_STORM_TABLE names, or to the standard output.
func (t *table) print() error {
	path := os.Getenv("SANDWICH_STORM_TABLE")
	if path == "" {
		fmt.Print(t)
		return nil
	}
	return os.WriteFile(path, []byte(t.String()), 0o644)
}
