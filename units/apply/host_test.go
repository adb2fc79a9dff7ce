package apply

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// busyPorts is a systemd that cannot open the proxy's ports until a time.
type busyPorts struct {
	*fakeHost
	until time.Time
}

var errBusy = errors.New("cannot start sandwich-proxy.socket because a port is taken")

func (h *busyPorts) Restart(ctx context.Context, units ...string) error {
	return h.Start(ctx, units...)
}

func (h *busyPorts) Start(_ context.Context, units ...string) error {
	h.call("start " + strings.Join(units, " "))
	defer h.mu.Unlock()
	if units[0] == proxySocket && time.Now().Before(h.until) {
		return errBusy
	}
	return nil
}

// readdress carries out a change of addresses; the ports are taken for some time before.
func readdress(t *testing.T, taken time.Duration) (calls []string, took time.Duration, err error) {
	began := time.Now()
	h := &busyPorts{newFakeHost(t), began.Add(taken)}
	plan, err := MakeHost(h.dirs, HostWanted{Packets: []string{"443"}})
	if err != nil {
		t.Fatal(err)
	}
	r := &Runner{Dirs: h.dirs, Systemd: h, Proxy: h, Report: func(Step) func() { return func() {} }}
	err = r.Run(context.Background(), []Plan{plan})[Host]
	return h.calls, time.Since(began), err
}

func TestPortsThatTheLastProcessStillHasAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls, took, err := readdress(t, 3*time.Second)
		if err != nil || took > 4*time.Second {
			t.Errorf("after %s: %v", took, err)
		}
		if last := calls[len(calls)-1]; last != "start sandwich-proxy.service" {
			t.Errorf("the proxy is not started at the end: %v", calls)
		}
	})
}

func TestPortsThatAreAnothersAreGivenUpInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, took, err := readdress(t, time.Hour)
		var undone *RollBackError
		if !errors.As(err, &undone) || !errors.Is(err, errBusy) || took > 3*rebindLimit {
			t.Errorf("after %s: %v", took, err)
		}
	})
}

func TestNoProjectIsReplacedWhileTheProxyRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.mustApply(wanted(t, "x", "one"))
		changed := b.plan(wanted(t, "x", "two"))
		plan, err := MakeHost(b.host.dirs, HostWanted{Packets: []string{"443"}})
		if err != nil {
			t.Fatal(err)
		}
		h := &busyPorts{b.host, time.Now().Add(time.Second)}
		r := b.runner()
		r.Systemd = h
		var replaced time.Time
		r.Replace = func(context.Context, string) error { replaced = time.Now(); return nil }
		if failed := r.Run(context.Background(), []Plan{plan, changed}); len(failed) > 0 || replaced.Before(h.until) {
			t.Errorf("it is replaced %s before the proxy is back: %v", h.until.Sub(replaced), failed)
		}
	})
}
