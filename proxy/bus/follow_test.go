package bus_test

import (
	"context"
	"fmt"
	"log/slog"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sandwich/proxy/bus"
)

const (
	managerName = "org.freedesktop.systemd1.Manager"
	managerPath = "/org/freedesktop/systemd1"
)

// manager is a service manager that knows what it is told.
type manager struct {
	*testing.T
	conn       *dbus.Conn
	states     map[string]string // unit -> ACTIVE/SUB; absent is not found
	subscribed chan bool
	asked      chan []string
}

func newManager(t *testing.T, states map[string]string) *manager {
	t.Helper()
	m := &manager{T: t, states: states, subscribed: make(chan bool, 10), asked: make(chan []string, 10)}
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	m.conn = conn
	must(t, conn.ExportMethodTable(map[string]any{"Subscribe": m.subscribe, "ListUnitsByNames": m.list, "ListUnitsByPatterns": m.match, "GetUnit": m.get}, managerPath, managerName))
	m.own()
	return m
}

func (m *manager) own() {
	m.Helper()
	_, err := m.conn.RequestName("org.freedesktop.systemd1", 0)
	must(m, err)
}

func (m *manager) subscribe() *dbus.Error { m.subscribed <- true; return nil }

type unitRow struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

func (m *manager) list(names []string) ([]unitRow, *dbus.Error) {
	m.asked <- names
	var rows []unitRow
	for _, name := range names {
		row := unitRow{Name: name, Load: "not-found", Active: "inactive", Sub: "dead", Path: "/", JobPath: "/"}
		if state, ok := m.states[name]; ok {
			row.Load = "loaded"
			row.Active, row.Sub, _ = strings.Cut(state, "/")
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// match tells of what is in memory: all that a manager of these tests knows.
func (m *manager) match(_, patterns []string) ([]unitRow, *dbus.Error) {
	m.Helper()
	m.asked <- patterns
	var rows []unitRow
	for name := range m.states {
		if ok, _ := path.Match(patterns[0], name); ok {
			rows = append(rows, unitRow{Name: name, Load: "loaded", Path: "/", JobPath: "/"})
		}
	}
	return rows, nil
}

func (m *manager) get(name string) (dbus.ObjectPath, *dbus.Error) {
	m.asked <- []string{name}
	if m.states[name] == "" {
		return "", dbus.NewError("org.freedesktop.systemd1.NoSuchUnit", []any{name})
	}
	return "/", nil
}

// result tells the result of a service as systemd does.
func (m *manager) result(object, result string) {
	m.Helper()
	must(m, m.conn.Emit(dbus.ObjectPath(managerPath+"/unit/"+object), "org.freedesktop.DBus.Properties.PropertiesChanged",
		"org.freedesktop.systemd1.Service", map[string]any{"Result": result}, []string{}))
}

// emit tells a change as systemd does.
func (m *manager) emit(object, state string) {
	m.Helper()
	active, sub, _ := strings.Cut(state, "/")
	must(m, m.conn.Emit(dbus.ObjectPath(managerPath+"/unit/"+object), "org.freedesktop.DBus.Properties.PropertiesChanged",
		"org.freedesktop.systemd1.Unit", map[string]any{"ActiveState": active, "SubState": sub}, []string{}))
}

func (f *fake) wants(t *testing.T, lines ...string) {
	t.Helper()
	for _, want := range lines {
		select {
		case got := <-f.seen:
			if got != want {
				t.Errorf("the proxy was told %q, want %q", got, want)
			}
		case <-time.After(patience):
			t.Fatalf("the proxy was not told %q", want)
		}
	}
}

func (f *fake) serve(units ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved != nil {
		close(f.moved)
	}
	f.units, f.moved = units, make(chan struct{})
}

func TestTheProxyIsToldOfItsUnits(t *testing.T) {
	d := newDaemon(t)
	d.start()
	m := newManager(t, map[string]string{"sandwich-a.service": "active/running", "sandwich-b.service": "failed/failed"})
	f := &fake{seen: make(chan string, 100)}
	f.serve("sandwich-a.service", "sandwich-none.service")
	offer(t, f)
	f.wants(t, "sandwich-a.service active running")
	m.emit("sandwich_2da_2eservice", "deactivating/stop-sigterm")
	m.emit("ssh_2eservice", "failed/failed")
	m.emit("sandwich_2da_2eservice", "inactive/dead")
	m.emit("sandwich_2dnone_2eservice", "active/running")
	f.wants(t, "sandwich-a.service deactivating stop-sigterm", "sandwich-a.service inactive dead", "sandwich-none.service active running")
	if n := len(<-m.asked); n != 2 {
		t.Errorf("asked for %d units", n)
	}
	f.serve("sandwich-a.service", "sandwich-b.service")
	f.wants(t, "sandwich-b.service failed failed")
	if names := <-m.asked; len(names) != 1 {
		t.Errorf("asked for %v, want only the new one", names)
	}
}

func TestANextGenerationThatSleepsIsNotReadFromTheDisk(t *testing.T) {
	d := newDaemon(t)
	d.start()
	const one = "sandwich-p1.next.service"
	m := newManager(t, map[string]string{one: "active/running"})
	f := &fake{seen: make(chan string, 100)}
	var spares []string
	for i := range 20 {
		spares = append(spares, fmt.Sprintf("sandwich-p%d.next.service", i))
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if names := <-m.asked; !slices.Equal(names, want) {
			t.Errorf("%s: asked for %v, want %v", what, names, want)
		}
	}
	f.serve(spares...)
	offer(t, f)
	f.wants(t, one+" active running", "sandwich-p0.next.service inactive dead", "sandwich-p2.next.service inactive dead")
	expect("all", "*.next.service")
	expect("all", one)
	f.serve(append(spares, "sandwich-x.next.service")...)
	for got := ""; got != "sandwich-x.next.service inactive dead"; got = <-f.seen {
	}
	expect("a new one", "sandwich-x.next.service")
	if n := len(m.asked); n != 0 {
		t.Errorf("asked %d times more", n)
	}
}

func TestUnitsAreReadAgainWhenSystemdIsNew(t *testing.T) {
	d := newDaemon(t)
	d.start()
	m := newManager(t, map[string]string{"sandwich-a.service": "active/running"})
	f := &fake{seen: make(chan string, 100)}
	f.serve("sandwich-a.service")
	offer(t, f)
	f.wants(t, "sandwich-a.service active running")
	must(t, m.conn.Emit(managerPath, managerName+".Reloading", true))
	must(t, m.conn.Emit(managerPath, managerName+".Reloading", false))
	f.wants(t, "sandwich-a.service active running")
	_, err := m.conn.ReleaseName("org.freedesktop.systemd1")
	must(t, err)
	m.own()
	f.wants(t, "sandwich-a.service active running")
	if n := len(m.subscribed); n != 3 {
		t.Errorf("subscribed %d times, want 3", n)
	}
}

func TestWithoutABusNothingIsKnownOfUnits(t *testing.T) {
	d := newDaemon(t)
	d.start()
	newManager(t, map[string]string{"sandwich-a.service": "active/running"})
	f := &fake{seen: make(chan string, 100)}
	f.serve("sandwich-a.service")
	offer(t, f)
	f.wants(t, "sandwich-a.service active running")
	d.stop()
	f.wants(t, "unseen")
}

func TestSystemdMayComeLater(t *testing.T) {
	d := newDaemon(t)
	d.start()
	f := &fake{seen: make(chan string, 100)}
	f.serve("sandwich-a.service")
	offer(t, f).wait(t, "cannot follow units")
	newManager(t, map[string]string{"sandwich-a.service": "active/running"})
	f.wants(t, "unseen")
	for got := "unseen"; got == "unseen"; { // one for each attempt
		if got = <-f.seen; got != "unseen" && got != "sandwich-a.service active running" {
			t.Errorf("the proxy was told %q", got)
		}
	}
}

func TestTheNextProcessTakesTheName(t *testing.T) {
	d := newDaemon(t)
	d.start()
	old, next := &fake{calls: make(chan string, 10)}, &fake{calls: make(chan string, 10)}
	offer(t, old).wait(t, "owning")
	ctx, cancel := context.WithCancel(context.Background())
	ended, finish := context.WithCancel(context.Background())
	log := &logLines{lines: make(chan string, 100)}
	gone := make(chan struct{})
	go func() { bus.Run(ctx, ended, next, slog.New(slog.NewTextHandler(log, nil))); close(gone) }()
	log.wait(t, "owning")
	object := client(t)
	must(t, object.Call(bus.Name+".Apply", 0, "client-x").Err)
	if got := <-next.calls; got != "Apply client-x" {
		t.Errorf("call was %s", got)
	}
	cancel() // the name goes back to the one that waits for it
	for {
		must(t, object.Call(bus.Name+".Apply", 0, "client-y").Err)
		select {
		case <-next.calls:
			continue
		case got := <-old.calls:
			if got != "Apply client-y" {
				t.Errorf("call was %s", got)
			}
		}
		break
	}
	finish()
	<-gone
}

func TestTheProxyIsToldWhyAServiceEnded(t *testing.T) {
	d := newDaemon(t)
	d.start()
	m := newManager(t, map[string]string{"sandwich-a.service": "active/running"})
	f := &fake{seen: make(chan string, 100)}
	f.serve("sandwich-a.service")
	offer(t, f)
	f.wants(t, "sandwich-a.service active running")
	m.result("sandwich_2da_2eservice", "resources")
	m.emit("sandwich_2da_2eservice", "activating/auto-restart")
	m.result("ssh_2eservice", "signal")
	m.emit("sandwich_2da_2eservice", "activating/auto-restart")
	m.result("sandwich_2da_2eservice", "success")
	m.emit("sandwich_2da_2eservice", "active/running")
	f.wants(t, "sandwich-a.service activating auto-restart resources", "sandwich-a.service activating auto-restart resources",
		"sandwich-a.service active running success")
}
