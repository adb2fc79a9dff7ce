package main

import (
	"slices"
	"testing"
	"time"

	"sandwich/units/project"
)

func TestAPartIsNamedInManyWays(t *testing.T) {
	for arg, want := range map[string]part{
		"client-x.celery":                      {"client-x", "celery", 0},
		"client-x.celery@2":                    {"client-x", "celery", 2},
		"client-x.celery@*":                    {"client-x", "celery", 0},
		"sandwich-client-x.celery@12.service":  {"client-x", "celery", 12},
		"client-x.clearsessions":               {"client-x", "clearsessions", 0},
		"client-x.celery@x":                    {"client-x", "celery", -1},
		"client-x.celery@0":                    {"client-x", "celery", -1},
		"client-x.celery@-3":                   {"client-x", "celery", -1},
		"client-x.celery@2147483648000000000x": {"client-x", "celery", -1},
	} {
		if got := parsePart(arg); got != want {
			t.Errorf("%s: %+v", arg, got)
		}
	}
	projects, parts := apart([]string{"b", "a.x@2", "a.x@2", "a"})
	if !slices.Equal(projects, []string{"b", "a"}) || !slices.Equal(parts, []string{"a.x@2"}) {
		t.Errorf("%q %q", projects, parts)
	}
}

func TestScaleIsANumberOrDefault(t *testing.T) {
	web, worker := part{project: "x"}, part{project: "x", name: "celery"}
	for text, want := range map[string]int{"3": 3, "default": asTheFileSays, "512": 512} {
		if n, err := web.count(text); n != want || err != nil {
			t.Errorf("%s: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"0", "-1", "513", "many", ""} {
		if n, err := web.count(text); err == nil {
			t.Errorf("%s is %d", text, n)
		}
	}
	if n, err := worker.count("0"); n != 0 || err != nil {
		t.Error("no copy at all cannot be asked for")
	}
	scale := worker.scaled(web.scaled(project.Scale{}, 4), 2)
	if scale.Web != 4 || scale.Workers["celery"] != 2 {
		t.Errorf("%+v", scale)
	}
	scale = web.scaled(worker.scaled(scale, asTheFileSays), asTheFileSays)
	if scale.Web != 0 || len(scale.Workers) != 0 {
		t.Errorf("%+v", scale)
	}
}

func TestAJobsStateIsOneWord(t *testing.T) {
	for _, c := range []struct {
		timer, service string
		want           state
	}{
		{"active", "activating", stateRunning}, {"active", "failed", stateFailed}, {"active", "inactive", stateWaiting},
		{"inactive", "inactive", stateStopped}, {"inactive", "activating", stateRunning},
	} {
		if got := timerState(c.timer, c.service); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	now := time.Now()
	for _, c := range []struct {
		job  job
		want string
	}{
		{job{Result: "exit-code", Exit: 2}, "exit status 2"}, {job{Result: "success"}, "success"},
		{job{Since: &now, Restarts: 3}, "3 automatic restarts"}, {job{}, ""},
	} {
		if got := c.job.result(); got != c.want {
			t.Errorf("%+v: %q", c.job, got)
		}
	}
}

func TestCopiesAreSortedByNumber(t *testing.T) {
	got := unique([]string{"x@10.service", "x@2.service", "x@1.service", "x@2.service"})
	if !slices.Equal(got, []string{"x@1.service", "x@2.service", "x@10.service"}) {
		t.Errorf("%q", got)
	}
}
