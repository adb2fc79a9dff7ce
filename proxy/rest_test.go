package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
)

// sleepy is a proxy whose projects may be stopped. Its clock is the bubble's.
type sleepy struct {
	*Server
	t       *testing.T
	stopped []string
	fails   string // the project that cannot be stopped
	memory  int64
}

// newSleepy has projects that are stopped after so many seconds without a request (0: never), all up.
func newSleepy(t *testing.T, after map[string]int) *sleepy {
	t.Helper()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "routes"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, seconds := range after {
		data, err := route.Encode(&route.Route{
			Version: route.Version, Name: name, Domains: []string{name + ".example"}, TimeoutMS: 1000,
			Upstream: route.Upstream{Network: "unix", Address: "/nowhere", Unit: "sandwich-" + name + ".service"},
			Next:     &route.Upstream{Network: "unix", Address: "/nowhere.next", Unit: "sandwich-" + name + ".next.service"},
			IdleMS:   int64(seconds) * 1000,
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "routes", name+".json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &sleepy{t: t}
	var err error
	p.Server, err = New(Config{
		Routes: filepath.Join(dir, "routes"), Spool: filepath.Join(dir, "spool"), Runtime: dir, Log: slog.New(slog.DiscardHandler),
		Rest: p.stop, Memory: func() (int64, error) { return p.memory, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Server.rest.presence.end)
	for name := range after {
		p.see(name, "active", "running")
	}
	return p
}

func (p *sleepy) see(name, active, sub string) {
	p.UnitSeen("sandwich-"+name+".service", active, sub, "success")
}

func (p *sleepy) stop(_ context.Context, name string) error {
	if name == p.fails {
		return errors.New("it cannot")
	}
	p.stopped = append(p.stopped, name)
	p.memory -= 100
	p.see(name, "inactive", "dead")
	return nil
}

func (p *sleepy) site(name string) *site { return p.current.Load().projects[name].site }

// visit is a request that comes and goes.
func (p *sleepy) visit(name string) {
	p.site(name).enter(0)
	p.site(name).leave()
}

// after lets time pass with a sweep at its end, and wants these projects to have been stopped, in
// this order, since the beginning.
func (p *sleepy) after(d time.Duration, stopped ...string) {
	p.t.Helper()
	time.Sleep(d)
	p.sweep(p.t.Context())
	if !slices.Equal(p.stopped, stopped) {
		p.t.Errorf("after another %s: stopped %q, want %q", d, p.stopped, stopped)
	}
}

func TestAProjectThatNobodyVisitsIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 60, "b": 0, "c": 90})
		p.after(59 * time.Second)
		p.after(time.Second, "a")
		if s := <-p.Signals(); s.Member != "ProjectIdle" || fmt.Sprint(s.Args) != "[a]" {
			t.Errorf("the bus is told %+v", s)
		}
		p.after(29*time.Second, "a")
		p.after(time.Second, "a", "c")
		p.after(time.Hour, "a", "c")
		p.see("a", "activating", "start")
		p.see("a", "active", "running") // somebody came
		p.after(59*time.Second, "a", "c")
		p.see("a", "active", "running") // told again, after a daemon-reload
		p.after(time.Second, "a", "c", "a")
	})
}

func TestItIsLookedAtRegularly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 60})
		ctx, end := context.WithTimeout(t.Context(), 60*time.Second+2*sweepPause)
		defer end()
		p.sweeps(ctx)
		if !slices.Equal(p.stopped, []string{"a"}) {
			t.Errorf("stopped %q", p.stopped)
		}
	})
}

func TestARequestPutsTheStopOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 60})
		time.Sleep(50 * time.Second)
		p.visit("a")
		p.after(59 * time.Second)
		p.site("a").enter(0) // a WebSocket, or a request that is held
		p.after(time.Hour)
		p.site("a").leave()
		p.after(59 * time.Second)
		p.after(time.Second, "a")
	})
}

func TestOnlyAServiceInItsSteadyStateIsStopped(t *testing.T) {
	for name, prepare := range map[string]func(*sleepy){
		"held":      func(p *sleepy) { p.Hold("a", 2*time.Hour) },
		"switched":  func(p *sleepy) { p.Switch("a", "next") },
		"starting":  func(p *sleepy) { p.see("a", "activating", "start") },
		"reloading": func(p *sleepy) { p.see("a", "reloading", "reload") },
		"failed":    func(p *sleepy) { p.see("a", "failed", "failed") },
		"unknown":   func(p *sleepy) { p.UnitsUnseen() },
		"draining":  func(p *sleepy) { p.site("a").gate.pass(&stay{}, false); p.site("a").gate.switchTo(nextGeneration) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newSleepy(t, map[string]int{"a": 60})
				prepare(p)
				p.after(time.Hour)
			})
		})
	}
}

// The process before this one may have requests that this one does not know of.
func TestNothingIsStoppedWhileAnotherProcessFinishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 60})
		other, err := newPresence(p.conf.Runtime)
		if err != nil {
			t.Fatal(err)
		}
		p.after(time.Hour)
		other.end()
		p.after(time.Second, "a")
	})
}

func TestWhatCannotBeStoppedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 60, "b": 70})
		p.fails = "a"
		p.after(80*time.Second, "b")
		p.fails = ""
		p.after(59*time.Second, "b")
		p.after(time.Second, "b", "a")
	})
}

func TestTheLongestUnvisitedIsStoppedForTheMemoryOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 3600, "b": 3600, "c": 3600, "d": 3600, "never": 0})
		p.Server.rest.budget.Store(250)
		for _, name := range strings.Fields("c a d b") {
			time.Sleep(time.Minute)
			p.visit(name)
		}
		p.memory = 250
		p.after(time.Minute)
		p.memory = 460
		p.after(time.Second, "c", "a", "d")
		p.memory = 1000
		p.visit("b")
		p.after(budgetRest-time.Second, "c", "a", "d") // not between two pages
		p.after(time.Second, "c", "a", "d", "b")
		p.after(time.Hour, "c", "a", "d", "b")
	})
}

func TestNobodyIsStoppedInThePlaceOfTheLongestUnvisited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newSleepy(t, map[string]int{"a": 3600, "b": 3600})
		p.Server.rest.budget.Store(1)
		p.memory = 150
		time.Sleep(time.Minute)
		p.visit("b")
		p.fails = "a"
		p.after(time.Minute)
		p.fails = ""
		p.after(restAgain, "a", "b")
	})
}
