//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"

	"sandwich/units"
)

// steady is the state that everything must end in: the project's own service serves, alone.
func (g *stage) steady() {
	g.Helper()
	g.answers()
	g.settled()
}

// settled is steady when it must not take a further request for it.
func (g *stage) settled() {
	g.Helper()
	for unit, want := range map[string]string{
		g.service(): "active", units.NextService(g.name): "inactive", units.NextSocket(g.name): "inactive",
	} {
		if state := g.property(unit, "ActiveState"); state != want {
			g.Errorf("in the end %s is %s", unit, state)
		}
	}
	if upstream := g.upstream(); upstream != "main" {
		g.Errorf("in the end the proxy sends requests to %q", upstream)
	}
}

// upstream is the generation that the proxy sends requests to.
func (g *stage) upstream() string {
	said := g.Machine.Run("busctl", "--json=short", "call", "io.sandwich.Proxy1", "/io/sandwich/Proxy1", "io.sandwich.Proxy1", "Status")
	var status struct {
		Data []map[string]map[string]struct{ Data any }
	}
	if err := json.Unmarshal([]byte(said.Stdout), &status); err != nil || len(status.Data) != 1 {
		return strings.TrimSpace(said.Stderr)
	}
	return fmt.Sprint(status.Data[0][g.name]["upstream"].Data)
}
