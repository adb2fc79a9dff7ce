//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sandwich/test/load"
)

// Four projects on one machine: one that is stopped soon, one with a WebSocket open on it, one that is
// stopped late, and one that is never.
func TestAnIdleProjectIsStoppedAndServesItsNextVisitor(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		soon := &shop{Machine: m, name: "soon", class: "sync", settings: "idle {\n  after = \"3s\"\n}"}
		open := &shop{Machine: m, name: "open", class: "uvicorn", settings: soon.settings}
		late := &shop{Machine: m, name: "late", class: "sync", settings: "idle {\n  after = \"1h\"\n}"}
		never := &shop{Machine: m, name: "never", class: "sync"}
		m.open(soon, open, late, never)
		g := &stage{T: t, shop: soon}

		heard := m.Monitor("ProjectIdle")
		hangUp := g.keepOpen(open)
		g.until("soon is stopped", func() bool { return g.property(soon.service(), "ActiveState") == "inactive" })
		if state := g.property(open.service(), "ActiveState"); state != "active" {
			t.Errorf("a project with an open WebSocket is %s", state)
		}
		hangUp()
		g.until("open is stopped", func() bool { return g.property(open.service(), "ActiveState") == "inactive" })
		for _, s := range []*shop{late, never} {
			if state := g.property(s.service(), "ActiveState"); state != "active" {
				t.Errorf("%s is %s", s.name, state)
			}
		}
		g.until("the bus has told", func() bool { return strings.Contains(heard(), `"soon"`) && strings.Contains(heard(), `"open"`) })
		m.Run("sandwich", "status", "soon").wants(t, 0, "listening")
		m.Run("sandwich", "idle").wants(t, 0, "soon", "3s", "never")
		if _, err := soon.ask(); err != nil {
			t.Errorf("the next visitor: %v", err)
		}
		if rest := m.Run("systemctl", "--failed", "--quiet", "--no-legend"); strings.TrimSpace(rest.Stdout) != "" {
			t.Errorf("failed units:\n%s", rest.Stdout)
		}

		g.restsByHand(late)
		g.onlyWhatIsIdleCanBeStopped(late, never)
		g.keepsToTheBudget(late, never)
	})
}

// keepOpen holds a WebSocket of a project open until it is to hang up.
func (g *stage) keepOpen(s *shop) (hangUp func()) {
	g.Helper()
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		report, err := load.Sockets{URL: "http://127.0.0.1:80/ws", Host: s.host(), Count: 1, Dial: g.Dial}.Run(ctx)
		if err != nil || report.Echoed == 0 || len(report.Ended) > 0 {
			g.Errorf("the WebSocket: %v, %v", report, err)
		}
	}()
	g.until("the WebSocket is open", func() bool { return strings.Contains(g.must("sandwich", "idle", "--json").Stdout, `"in_flight": 1`) })
	return func() { end(); <-ended }
}

// Monitor gives what the proxy has told the bus of a signal since.
func (m *Machine) Monitor(member string) (heard func() string) {
	m.t.Helper()
	m.MustRun("systemd-run", "--quiet", "--collect", "--unit=monitor", "--property=StandardOutput=file:/run/heard",
		"busctl", "monitor", "--match=type='signal',interface='io.sandwich.Proxy1',member='"+member+"'")
	return func() string { return m.Run("cat", "/run/heard").Stdout }
}

// restsByHand puts a project to sleep, under load: every visitor is served.
func (g *stage) restsByHand(s *shop) {
	g.Helper()
	report := g.UnderLoad(load.Load{Host: s.host(), Rate: 20}, func() {
		for range 2 {
			g.until("it sleeps", func() bool { return g.Machine.Run("sandwich", "idle", s.name).Code == 0 })
			g.until("it is awake", func() bool { return g.property(s.service(), "ActiveState") == "active" })
		}
	})
	wantNoFailure(g.T, report)
	g.must("sandwich", "idle", s.name)
	if state := g.property(s.service(), "ActiveState"); state != "inactive" {
		g.Errorf("put to sleep it is %s", state)
	}
	var shown struct {
		Projects []struct {
			Name  string  `json:"name"`
			State string  `json:"state"`
			After float64 `json:"idle_after_seconds"`
		}
	}
	if err := json.Unmarshal([]byte(g.must("sandwich", "idle", "--json").Stdout), &shown); err != nil || len(shown.Projects) != 4 ||
		shown.Projects[0].Name != s.name || shown.Projects[0].After != 3600 || shown.Projects[0].State != "listening" {
		g.Errorf("sandwich idle --json: %+v, %v", shown, err)
	}
	if _, err := s.ask(); err != nil {
		g.Errorf("the visitor after that: %v", err)
	}
}

// onlyWhatIsIdleCanBeStopped has the proxy's user, and others, try to stop what they may not.
func (g *stage) onlyWhatIsIdleCanBeStopped(idle, never *shop) {
	g.Helper()
	for _, unit := range []string{idle.service(), never.service(), "sandwich-proxy.service", "dbus.service"} {
		if r := g.As("sandwich-proxy", "systemctl", "--no-ask-password", "stop", unit); r.Code == 0 {
			g.Errorf("the proxy's user may stop %s", unit)
		}
	}
	ask := `import socket, sys
for name in sys.argv[1:]:
	c = socket.socket(socket.AF_UNIX); c.connect("/run/sandwich-proxy.rest.sock"); c.sendall(name.encode() + b"\n")
	try: print(c.recv(4096).decode())
	except ConnectionResetError: print("no answer") # to a name that was not read to its end`
	refused := []string{never.name, "proxy", "../routes/late", "late.service", strings.Repeat("x", 300)}
	if r := g.As("sandwich-proxy", append([]string{"python3", "-c", ask}, refused...)...); r.Code != 0 || strings.Contains(r.Stdout, "stopped") {
		g.Errorf("of %q the proxy's user has some stopped: %s%s", refused, r.Stdout, r.Stderr)
	}
	for _, s := range []*shop{idle, never} {
		if state := g.property(s.service(), "ActiveState"); state != "active" {
			g.Errorf("after all that %s is %s", s.name, state)
		}
	}
	if r := g.As(never.name, "python3", "-c", ask, idle.name); r.Code == 0 || !strings.Contains(r.Stderr, "PermissionError") {
		g.Errorf("a project may ask: %s %s", r.Stdout, r.Stderr)
	}
	if r := g.As("sandwich-proxy", "python3", "-c", ask, idle.name); !strings.Contains(r.Stdout, "stopped") {
		g.Errorf("the proxy's user may not have %s stopped: %s %s", idle.name, r.Stdout, r.Stderr)
	}
}

// keepsToTheBudget has all projects use more memory than they may, as the kernel would say it.
func (g *stage) keepsToTheBudget(late, never *shop) {
	g.Helper()
	g.Write("/run/memory/memory.current", "1000000000\n")
	g.Write("/run/memory/memory.stat", "inactive_file 0\n")
	g.Write("/etc/systemd/system/sandwich-proxy.service.d/memory.conf", "[Service]\nEnvironment=SANDWICH_MEMORY=/run/memory\n")
	g.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  memory_budget = \"500M\"\n}\n")
	g.must("sandwich", "apply")
	g.Shell("systemctl daemon-reload; systemctl restart sandwich-proxy")
	for _, s := range []*shop{late, never} {
		if _, err := s.ask(); err != nil {
			g.Error(err)
		}
	}
	begun := time.Now()
	g.until("late is stopped for its memory", func() bool { return g.property(late.service(), "ActiveState") == "inactive" })
	g.Logf("stopped for its memory after %s", time.Since(begun))
	if state := g.property(never.service(), "ActiveState"); state != "active" {
		g.Errorf("a project without an idle block is %s", state)
	}
	g.Write("/run/memory/memory.current", "1000\n")
	if _, err := late.ask(); err != nil {
		g.Errorf("the visitor after that: %v", err)
	}
}
