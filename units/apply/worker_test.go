package apply

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sandwich/units/unitfile"
)

// withWorkers adds a template, a target that wants so many copies of it, and a timer.
func withWorkers(t *testing.T, w Wanted, text string, count int, times string) Wanted {
	t.Helper()
	w.Units = slices.Clone(w.Units)
	name := "sandwich-" + w.Name
	var target unitfile.Unit
	target.Add("Unit", "Description", unitfile.Literal("everything"))
	w.Instances = nil
	for n := range count {
		instance := name + ".celery@" + strconv.Itoa(n+1) + ".service"
		w.Instances = append(w.Instances, instance)
		value, err := unitfile.UnitName(instance)
		if err != nil {
			t.Fatal(err)
		}
		target.Add("Unit", "Wants", value)
	}
	target.Add("Install", "WantedBy", unitfile.Literal("multi-user.target"))
	file, err := unitfile.Seal(name+".target", "/etc/sandwich/projects/x.hcl", &target)
	if err != nil {
		t.Fatal(err)
	}
	w.Units[3] = file
	w.Units = append(w.Units, unit(t, name+".celery@.service", text, false), unit(t, name+".clean.timer", times, true), unit(t, name+".clean.service", "clean", false))
	return w
}

// steps are a plan's, in words.
func steps(p Plan) (list []string) {
	for _, s := range p.Steps {
		list = append(list, string(s.Verb)+" "+s.Object[strings.LastIndex(s.Object, "/")+1:])
	}
	return list
}

func (b *bench) expectSteps(p Plan, want ...string) {
	b.Helper()
	if got := steps(p); !slices.Equal(got, want) {
		b.Errorf("the plan is\n%q\nwant\n%q", got, want)
	}
}

func TestEnableStartsWorkersAndTimers(t *testing.T) {
	b := newBench(t)
	w := withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily")
	b.mustApply(w)
	for _, name := range []string{"sandwich-x.celery@1.service", "sandwich-x.celery@2.service", "sandwich-x.clean.timer"} {
		if _, up := b.host.runs[name]; !up {
			t.Errorf("%s does not run", name)
		}
	}
	if _, up := b.host.runs["sandwich-x.clean.service"]; up {
		t.Error("what a timer starts was started")
	}
	if !b.host.enabled()["sandwich-x.clean.timer"] {
		t.Error("the timer is not started at boot")
	}
	if plan := b.plan(w); len(plan.Steps) > 0 {
		t.Errorf("a second plan has %q", steps(plan))
	}
}

func TestDisableTakesWorkersAndTimersAway(t *testing.T) {
	b := newBench(t)
	before := b.state()
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery", 3, "daily"))
	b.mustApply(gone("x"))
	b.expectState(before)
}

func TestMoreCopiesAreStartedAndTooManyStopped(t *testing.T) {
	b := newBench(t)
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery", 1, "daily"))
	more := withWorkers(t, wanted(t, "x", "one"), "celery", 3, "daily")
	more.Start = false
	b.expectSteps(b.plan(more), "write sandwich-x.target", "reload ", "start sandwich-x.celery@2.service", "start sandwich-x.celery@3.service")
	b.mustApply(more)
	_ = b.host.Start(context.Background(), "sandwich-x.celery@7.service") // by hand
	fewer := withWorkers(t, wanted(t, "x", "one"), "celery", 0, "daily")
	fewer.Start = false
	b.expectSteps(b.plan(fewer), "write sandwich-x.target", "stop sandwich-x.celery@1.service", "stop sandwich-x.celery@2.service",
		"stop sandwich-x.celery@3.service", "stop sandwich-x.celery@7.service", "reload ")
	b.mustApply(fewer)
	if _, up := b.host.runs["sandwich-x.celery@1.service"]; up {
		t.Error("a copy still runs")
	}
}

func TestOnlyWhatChangedIsRestarted(t *testing.T) {
	b := newBench(t)
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily"))
	worker := withWorkers(t, wanted(t, "x", "one"), "celery, other", 2, "daily")
	worker.Start = false
	b.expectSteps(b.plan(worker), "write sandwich-x.celery@.service", "reload ", "restart sandwich-x.celery@1.service", "restart sandwich-x.celery@2.service")
	b.mustApply(worker)
	web := withWorkers(t, wanted(t, "x", "two"), "celery, other", 2, "daily")
	web.Start = false
	b.expectSteps(b.plan(web), "write sandwich-x.service", "reload ", "restart sandwich-x.service", "probe x.example")
	b.mustApply(web)
	timer := withWorkers(t, wanted(t, "x", "two"), "celery, other", 2, "hourly")
	timer.Start = false
	b.expectSteps(b.plan(timer), "write sandwich-x.clean.timer", "reload ", "restart sandwich-x.clean.timer")
}

func TestAWorkerThatSomebodyStoppedStaysDown(t *testing.T) {
	b := newBench(t)
	w := withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily")
	w.Start = false
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily"))
	_ = b.host.Stop(context.Background(), "sandwich-x.celery@2.service")
	b.expectSteps(b.plan(w))
	changed := withWorkers(t, wanted(t, "x", "one"), "celery, other", 2, "daily")
	changed.Start = false
	b.expectSteps(b.plan(changed), "write sandwich-x.celery@.service", "reload ", "restart sandwich-x.celery@1.service")
}

func TestANewTimerOfAnEnabledProjectIsEnabledAndStarted(t *testing.T) {
	b := newBench(t)
	b.mustApply(wanted(t, "x", "one"))
	w := wanted(t, "x", "one")
	w.Start = false
	w.Units = append(w.Units, unit(t, "sandwich-x.clean.timer", "daily", true), unit(t, "sandwich-x.clean.service", "clean", false))
	b.expectSteps(b.plan(w), "write sandwich-x.clean.timer", "write sandwich-x.clean.service", "enable sandwich-x.clean.timer", "reload ", "start sandwich-x.clean.timer")
}

func TestCopiesOfAWorkerEndSideBySide(t *testing.T) {
	b := newBench(t)
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily"))
	b.host.calls = nil
	b.mustApply(withWorkers(t, wanted(t, "x", "one"), "celery, other", 2, "daily"))
	if !slices.Contains(b.host.calls, "stop sandwich-x.celery@1.service sandwich-x.celery@2.service") {
		t.Errorf("systemd was told to %q", b.host.calls)
	}
}

func TestAWorkerThatDoesNotStartPutsTheProjectBack(t *testing.T) {
	b := newBench(t)
	w := withWorkers(t, wanted(t, "x", "one"), "celery", 2, "daily")
	b.mustApply(w)
	state := b.state()
	if failed := b.apply(withWorkers(t, wanted(t, "x", "one"), "BROKEN", 3, "daily")); failed["x"] == nil {
		t.Error("it did not fail")
	}
	b.expectState(state)
}
