package overlap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// world is systemd, the proxy and the application of one project.
type world struct {
	active   map[string]string // unit -> state; absent is inactive
	upstream string
	status   map[string]int // address -> answer to the probe
	fail     string         // the call that fails
	dies     string         // the unit that does not stay up
	cancel   func()         // called instead of the call named by killAt
	killAt   int
	log      []string
}

func newWorld() *world {
	return &world{
		active: map[string]string{"sandwich-x.service": "active", "sandwich-x.socket": "active"}, upstream: Main,
		status: map[string]int{"main": 200, "next": 200}, killAt: -1,
	}
}

var errBroken = errors.New("broken")

func (w *world) call(words ...string) error {
	if len(w.log) == w.killAt {
		w.cancel()
		return context.Canceled
	}
	text := strings.Join(words, " ")
	w.log = append(w.log, text)
	if text == w.fail {
		return errBroken
	}
	return nil
}

func (w *world) Start(_ context.Context, units ...string) error {
	if err := w.call("start", units[0]); err != nil {
		w.active[units[0]] = "failed"
		return err
	}
	w.active[units[0]] = "active"
	return nil
}

func (w *world) Stop(_ context.Context, units ...string) error {
	delete(w.active, units[0])
	return w.call("stop", units[0])
}

func (w *world) Restart(_ context.Context, units ...string) error {
	if err := w.call("restart", units[0]); err != nil {
		return err
	}
	w.active[units[0]] = "active"
	return nil
}

func (w *world) ResetFailed(context.Context, string) error { return nil }

func (w *world) ActiveState(_ context.Context, unit string) (string, error) {
	if state, ok := w.active[unit]; ok {
		return state, nil
	}
	return "inactive", nil
}

func (w *world) StaysActive(_ context.Context, unit string, _ time.Duration) error {
	if unit == w.dies {
		return errBroken
	}
	return nil
}

func (w *world) Upstream(context.Context, string) (string, error) { return w.upstream, nil }

func (w *world) Switch(_ context.Context, _, upstream string) error {
	if err := w.call("switch", upstream); err != nil {
		return err
	}
	w.upstream = upstream
	return nil
}

func (w *world) Drain(context.Context, string, time.Duration) error { return w.call("drain") }

func (w *world) replacer() *Replacer {
	return &Replacer{
		Systemd: w, Proxy: w, Report: func(string, string) func() { return func() {} },
		Probe: func(_ context.Context, a Address, _ string) (int, error) { return w.status[a.Address], nil },
	}
}

var shop = Project{Name: "x", Domain: "x.example", Main: Address{"unix", "main"}, Next: Address{"unix", "next"}}

// steady fails the test unless only the project's own service runs and gets the requests.
func (w *world) steady(t *testing.T) {
	t.Helper()
	if len(w.active) != 2 || w.active["sandwich-x.service"] != "active" || w.upstream != Main {
		t.Errorf("not the steady state: %v, requests go to %s", w.active, w.upstream)
	}
}

func TestReplaceGoesToTheNextGenerationAndBack(t *testing.T) {
	w := newWorld()
	if err := w.replacer().Replace(context.Background(), shop); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"start sandwich-x.next.socket", "start sandwich-x.next.service", "switch next", "drain",
		"restart sandwich-x.service", "switch main", "drain", "stop sandwich-x.next.socket", "stop sandwich-x.next.service",
	}
	if !slices.Equal(w.log, want) {
		t.Errorf("got  %q\nwant %q", w.log, want)
	}
	w.steady(t)
}

func TestAServiceThatIsReloadingIsNotRestarted(t *testing.T) {
	w := newWorld()
	w.active["sandwich-x.service"] = "reloading"
	r := w.replacer()
	r.Renew = func(context.Context) error { return w.call("hang up") }
	if err := r.Replace(context.Background(), shop); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(w.log, "restart sandwich-x.service") || !slices.Contains(w.log, "hang up") {
		t.Errorf("got %q", w.log)
	}
}

func TestABrokenNextGenerationNeverServes(t *testing.T) {
	for name, prepare := range map[string]func(*world){
		"it does not start":      func(w *world) { w.fail = "start sandwich-x.next.service" },
		"it answers 500":         func(w *world) { w.status["next"] = 500 },
		"it ends after READY":    func(w *world) { w.dies = "sandwich-x.next.service" },
		"the proxy is not there": func(w *world) { w.fail = "switch next" },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			prepare(w)
			err := w.replacer().Replace(context.Background(), shop)
			var kept *Kept
			if !errors.As(err, &kept) {
				t.Errorf("error: %v", err)
			}
			if slices.Contains(w.log, "restart sandwich-x.service") {
				t.Error("the old generation was restarted")
			}
			w.steady(t)
		})
	}
}

func TestAFrontPageThatAlwaysFailedMayGoOnFailing(t *testing.T) {
	w := newWorld()
	w.status = map[string]int{"main": 500, "next": 500}
	if err := w.replacer().Replace(context.Background(), shop); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatDoesNotRunIsSimplyRestarted(t *testing.T) {
	w := newWorld()
	w.active["sandwich-x.service"] = "activating"
	if err := w.replacer().Replace(context.Background(), shop); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.log, []string{"restart sandwich-x.service"}) {
		t.Errorf("%q", w.log)
	}
	w.steady(t)
}

// A command that is killed while the service restarts leaves it starting, with the next generation
// in its place.
func TestAServiceThatStartsWhileTheNextGenerationServesIsFinished(t *testing.T) {
	w := newWorld()
	w.active = map[string]string{
		"sandwich-x.service": "activating", "sandwich-x.socket": "active",
		"sandwich-x.next.service": "active", "sandwich-x.next.socket": "active",
	}
	w.upstream = Next
	if err := w.replacer().Replace(context.Background(), shop); err != nil {
		t.Fatal(err)
	}
	w.steady(t)
}

func TestAServiceThatDoesNotComeBackLeavesTheNextGenerationServing(t *testing.T) {
	w := newWorld()
	w.fail = "restart sandwich-x.service"
	err := w.replacer().Replace(context.Background(), shop)
	var stranded *Stranded
	if !errors.As(err, &stranded) || w.upstream != Next || w.active["sandwich-x.next.service"] != "active" {
		t.Errorf("error %v, requests go to %s, units %v", err, w.upstream, w.active)
	}
	w.fail = ""
	if err := w.replacer().Finish(context.Background(), shop); err != nil {
		t.Error(err)
	}
	w.steady(t)
}

// A command that is killed stops at any call. The next one must come to the steady state.
func TestAKilledReplacementIsFinishedByTheNext(t *testing.T) {
	for k := 0; ; k++ {
		w := newWorld()
		one := &replacement{Replacer: w.replacer(), project: shop}
		ctx, cancel := context.WithCancel(context.Background())
		w.cancel, w.killAt = cancel, k
		if one.walk(ctx, append(one.bringNext(), one.bringMain()...)) == nil {
			break
		}
		w.killAt = -1
		if w.active["sandwich-"+map[string]string{Main: "x", Next: "x.next"}[w.upstream]+".service"] != "active" {
			t.Errorf("killed at call %d: nobody serves", k)
		}
		if err := w.replacer().Replace(context.Background(), shop); err != nil {
			t.Errorf("killed at call %d: %v", k, err)
		}
		w.steady(t)
	}
}
