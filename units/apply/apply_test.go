package apply

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
)

// bench plans and carries out against a fake host.
type bench struct {
	*testing.T
	host  *fakeHost
	probe error
}

func newBench(t *testing.T) *bench { return &bench{T: t, host: newFakeHost(t)} }

func (b *bench) plan(w Wanted) Plan {
	b.Helper()
	served := ""
	if content, ok := b.host.served[w.Name]; ok {
		served = route.Hash([]byte(content))
	}
	found, err := Look(context.Background(), b.host.dirs, b.host, w, served)
	if err != nil {
		b.Fatal(err)
	}
	return Make(b.host.dirs, w, found)
}

func (b *bench) runner() *Runner {
	return &Runner{
		Dirs: b.host.dirs, Systemd: b.host, Proxy: b.host, Parallel: 2, Report: func(Step) func() { return func() {} },
		Probe: func(context.Context, string, string) error { return b.probe },
	}
}

// apply brings projects to what is wanted and gives the errors by name.
func (b *bench) apply(list ...Wanted) map[string]error {
	b.Helper()
	var plans []Plan
	for _, w := range list {
		plans = append(plans, b.plan(w))
	}
	return b.runner().Run(context.Background(), plans)
}

func (b *bench) mustApply(list ...Wanted) {
	b.Helper()
	if failed := b.apply(list...); len(failed) > 0 {
		b.Fatal(failed)
	}
}

// state is everything that a person could see of the host.
func (b *bench) state() map[string]string {
	state := map[string]string{}
	for _, dir := range []string{b.host.dirs.Units, b.host.dirs.Routes} {
		paths, _ := filepath.Glob(filepath.Join(dir, "*"))
		hidden, _ := filepath.Glob(filepath.Join(dir, ".*"))
		for _, path := range append(paths, hidden...) {
			content, _ := os.ReadFile(path)
			state[path] = string(content)
		}
	}
	for unit, content := range b.host.runs {
		state["runs "+unit] = content
	}
	for unit := range b.host.enabled() {
		state["enabled "+unit] = "yes"
	}
	for project, content := range b.host.served {
		state["served "+project] = content
	}
	return state
}

func (b *bench) expectState(want map[string]string) {
	b.Helper()
	got := b.state()
	if !maps.Equal(got, want) {
		b.Errorf("the host is\n%s\nwant\n%s", keys(got), keys(want))
	}
}

func keys(state map[string]string) string {
	return strings.Join(slices.Sorted(maps.Keys(state)), "\n")
}

func gone(name string) Wanted { return Wanted{Name: name} }

func verbs(p Plan) string {
	var list []string
	for _, step := range p.Steps {
		list = append(list, string(step.Verb))
	}
	return strings.Join(list, " ")
}

func TestEnableDoesEverythingOnceAndThenNothing(t *testing.T) {
	b := newBench(t)
	w := wanted(t, "x", "one")
	want := "write write write write enable enable enable reload start start start serve probe"
	if got := verbs(b.plan(w)); got != want {
		t.Errorf("plan: %s\nwant: %s", got, want)
	}
	b.mustApply(w)
	if plan := b.plan(w); len(plan.Steps) > 0 {
		t.Errorf("a second plan has %v", plan.Steps)
	}
	if b.host.served["x"] != string(w.Route) {
		t.Errorf("the proxy serves %q", b.host.served["x"])
	}
}

func TestDisableLeavesNothing(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "other", "one"))
	before := b.state()
	b.mustApply(wanted(t, "x", "one"))
	plan := b.plan(gone("x"))
	if plan.Steps[0].Verb != Forget {
		t.Errorf("the route must go first: %s", verbs(plan))
	}
	b.mustApply(gone("x"))
	b.expectState(before)
	if plan := b.plan(gone("x")); len(plan.Steps) > 0 {
		t.Errorf("a second plan has %v", plan.Steps)
	}
}

func TestAChangedServiceIsRestartedWithTheReason(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	w := wanted(t, "x", "two")
	w.Start = false
	plan := b.plan(w)
	if got := verbs(plan); got != "write reload restart probe" {
		t.Errorf("plan: %s", got)
	}
	if !strings.Contains(plan.Steps[0].Why, "Description=") {
		t.Errorf("reason: %q", plan.Steps[0].Why)
	}
	b.mustApply(w)
	if !strings.Contains(b.host.runs["sandwich-x.service"], "two") {
		t.Error("the old service still runs")
	}
}

func TestAServiceThatIsBeingStartedBeginsAnewWhenItIsEnabled(t *testing.T) {
	b := newBench(t)
	w := wanted(t, "x", "one")
	b.mustApply(w)
	b.host.trying = "sandwich-x.service"
	if plan := b.plan(w); verbs(plan) != "restart probe" {
		t.Errorf("enable would %s", verbs(plan))
	}
	if w.Start = false; len(b.plan(w).Steps) > 0 {
		t.Errorf("apply would %s", verbs(b.plan(w)))
	}
}

func TestAChangedSocketIsRestartedToo(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	w := wanted(t, "x", "one")
	w.Units[1] = unit(t, "sandwich-x.socket", "elsewhere", true)
	if got := verbs(b.plan(w)); got != "write reload restart start probe" {
		t.Errorf("plan: %s", got)
	}
}

func TestApplyStartsNothingThatWasStopped(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	for _, unit := range []string{"sandwich-x.socket", "sandwich-x.service", "sandwich-x.target"} {
		_ = b.host.Stop(context.Background(), unit)
	}
	w := wanted(t, "x", "two")
	w.Start = false
	if got := verbs(b.plan(w)); got != "write reload" {
		t.Errorf("plan: %s", got)
	}
}

func TestAFailedProjectIsPutBackAndTheOthersGoOn(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "good", "one"), wanted(t, "changed", "one"))
	failed := b.apply(wanted(t, "good", "two"), wanted(t, "changed", "BROKEN"), wanted(t, "new", "BROKEN"))
	if len(failed) != 2 || failed["changed"] == nil || failed["new"] == nil {
		t.Errorf("failed: %v", failed)
	}
	state := b.state()
	clean := newBench(t)
	clean.host.dirs = b.host.dirs
	b.mustApply(wanted(t, "good", "two"), wanted(t, "changed", "one"))
	b.expectState(state)
	for path := range state {
		if strings.Contains(path, "sandwich-new") {
			t.Errorf("%s is left of a project that failed", path)
		}
	}
}

func TestASiteThatDoesNotAnswerIsPutBack(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	before := b.state()
	b.probe = errors.New("503")
	if failed := b.apply(wanted(t, "x", "two")); failed["x"] == nil {
		t.Error("no error")
	}
	b.expectState(before)
}

func TestAUnitThatSystemdRejectsIsPutBack(t *testing.T) {
	b := newBench(t)
	failed := b.apply(wanted(t, "x", "REJECTED"))
	if failed["x"] == nil || !strings.Contains(failed["x"].Error(), "bad-setting") {
		t.Errorf("failed: %v", failed)
	}
	b.expectState(map[string]string{})
}

func TestOneReloadForManyProjects(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "a", "one"), wanted(t, "b", "one"), wanted(t, "c", "one"))
	reloads := 0
	for _, call := range b.host.calls {
		if call == "reload" {
			reloads++
		}
	}
	if reloads != 1 {
		t.Errorf("%d reloads", reloads)
	}
}

func TestADiskThatRefusesLeavesEverythingAsItWas(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	before := b.state()
	w := wanted(t, "x", "two")
	// A directory where the temporary file belongs stands for a disk that cannot be written.
	trap := filepath.Join(b.host.dirs.Routes, ".x.json.new", "full")
	w.Route = []byte(`{"name":"x","version":2}`)
	plan := b.plan(w)
	if err := os.MkdirAll(trap, 0o755); err != nil {
		t.Fatal(err)
	}
	failed := b.runner().Run(context.Background(), []Plan{plan})
	if failed["x"] == nil || !strings.Contains(failed["x"].Error(), b.host.dirs.route("x")) {
		t.Errorf("the error does not name the file: %v", failed["x"])
	}
	os.RemoveAll(filepath.Dir(trap))
	if got, want := b.state()["runs sandwich-x.service"], before["runs sandwich-x.service"]; got != want {
		t.Error("the new service still runs")
	}
}

func TestDriftIsSeen(t *testing.T) {
	b := newBench(t)
	w := wanted(t, "x", "one")
	b.mustApply(w)
	path := b.host.dirs.unit("sandwich-x.service")
	content, _ := os.ReadFile(path)
	if err := os.WriteFile(path, append(content, "# mine\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	plan := b.plan(w)
	if !strings.Contains(plan.Steps[0].Why, "edited by hand") {
		t.Errorf("plan: %v", plan.Steps)
	}
}

func TestAServiceOlderThanItsFileIsRestarted(t *testing.T) {
	b := newBench(t)
	w := wanted(t, "x", "one")
	b.mustApply(w)
	b.host.started["sandwich-x.service"] = time.Now().Add(-time.Hour)
	w.Start = false
	if got := verbs(b.plan(w)); got != "restart probe" {
		t.Errorf("plan: %s", got)
	}
}

func TestFilesOfOthersAreNeverTouched(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"not written by sandwich": func(path string) error { return os.WriteFile(path, []byte("[Unit]\n"), 0o644) },
		"is masked":               func(path string) error { return os.Symlink("/dev/null", path) },
		"symbolic link":           func(path string) error { return os.Symlink("/etc/shadow", path) },
		"not a regular file":      func(path string) error { return os.Mkdir(path, 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			path := b.host.dirs.unit("sandwich-x.service")
			if err := errors.Join(os.MkdirAll(b.host.dirs.Units, 0o755), make(path)); err != nil {
				t.Fatal(err)
			}
			_, err := Look(context.Background(), b.host.dirs, b.host, wanted(t, "x", "one"), "")
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("error: %v", err)
			}
		})
	}
}

// A command that is killed leaves the first steps done. The next one must finish the work from
// wherever that was.
func TestWhatAKilledCommandLeftIsFinishedByTheNext(t *testing.T) {
	for name, change := range map[string]struct{ before, after func(t *testing.T) Wanted }{
		"enable":  {nil, func(t *testing.T) Wanted { return wanted(t, "x", "one") }},
		"change":  {func(t *testing.T) Wanted { return wanted(t, "x", "one") }, func(t *testing.T) Wanted { return wanted(t, "x", "two") }},
		"disable": {func(t *testing.T) Wanted { return wanted(t, "x", "one") }, func(*testing.T) Wanted { return gone("x") }},
	} {
		t.Run(name, func(t *testing.T) {
			for k := 0; ; k++ {
				b := newBench(t)
				if change.before != nil {
					b.mustApply(change.before(t))
				}
				plan := b.plan(change.after(t))
				if k == len(plan.Steps) {
					break
				}
				for _, step := range plan.Steps[:k] {
					if err := b.step(step); err != nil {
						t.Fatal(err)
					}
				}
				b.mustApply(change.after(t))
				if plan := b.plan(change.after(t)); len(plan.Steps) > 0 {
					t.Errorf("killed after %d steps: %v is still to be done", k, plan.Steps)
				}
			}
		})
	}
}

func (b *bench) step(s Step) error {
	if s.Verb == Reload {
		return b.host.DaemonReload(context.Background())
	}
	return b.runner().do(context.Background(), s)
}
