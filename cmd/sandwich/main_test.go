package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sandwich/dbusctl"
)

// said runs the program with arguments and gives what it printed and its exit code.
func said(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return out.String(), err.String(), code
}

func TestAskingWronglyExitsWith2AndSaysWhatToType(t *testing.T) {
	for args, want := range map[string]string{
		"nosuchverb":         `there is no verb "nosuchverb"`,
		"restrat":            "sandwich restart",
		"restart":            "sandwich restart NAME, or --all",
		"restart --all x":    "exclude each other",
		"init":               "sandwich init --help",
		"list --nosuchflag":  "sandwich list --help",
		"logs":               "sandwich logs NAME",
		"proxy":              "sandwich proxy status",
		"reread":             "sandwich plan",
		"update":             "sandwich apply",
		"tail":               "sandwich logs",
		"tail -f client-x":   "tail -f is a verb of supervisorctl: here it is sandwich logs -f",
		"tail client-x":      "tail is a verb of supervisorctl: here it is sandwich logs",
		"fmt --all x":        "exclude each other",
		"top --all x":        "exclude each other",
		"tls status --all x": "exclude each other",
	} {
		stdout, stderr, code := said(t, strings.Fields(args)...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
}

func TestFactsGoToStandardOutputAlone(t *testing.T) {
	if stdout, stderr, code := said(t, "version"); stdout != "sandwich dev\n" || stderr != "" || code != 0 {
		t.Errorf("%q %q %d", stdout, stderr, code)
	}
	stdout, _, _ := said(t, "version", "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || got["format_version"] != 1.0 || got["version"] != "dev" {
		t.Errorf("%s: %v", stdout, err)
	}
}

func TestAMissingProjectExitsWith4(t *testing.T) {
	if _, stderr, code := said(t, "status", "no-such-project"); code != exitNoProject || !strings.Contains(stderr, "sandwich init") {
		t.Errorf("%d %s", code, stderr)
	}
}

func TestAStateIsOneWord(t *testing.T) {
	for _, c := range []struct {
		enabled              bool
		service, sub, socket string
		want                 state
	}{
		{true, "active", "running", "active", stateRunning},
		{true, "reloading", "reload", "active", stateRunning},
		{true, "activating", "start", "active", stateStarting},
		{true, "activating", "auto-restart", "active", stateFailing},
		{true, "deactivating", "stop-sigterm", "active", stateStopping},
		{true, "failed", "failed", "active", stateFailed},
		{true, "inactive", "dead", "active", stateListening},
		{true, "inactive", "dead", "inactive", stateStopped},
		{false, "", "", "", stateNotEnabled},
	} {
		if got := stateOf(c.enabled, c.service, c.sub, c.socket); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestAProjectIsNamedAfterItsDirectory(t *testing.T) {
	for dir, want := range map[string]string{
		"/srv/client-x": "client-x", "/srv/Client_X": "client-x", "/srv/client.example.com": "client-example-com", "/srv/_x_": "x", "/": "",
	} {
		if got := nameFor(dir); got != want {
			t.Errorf("%s: %q", dir, got)
		}
	}
}

func TestDiagnosticsAsJSONHoldNoExpression(t *testing.T) {
	list := mistakes(hcl.Diagnostics{{
		Severity: hcl.DiagError, Summary: "wrong", Subject: &hcl.Range{Filename: "x.hcl", Start: hcl.Pos{Line: 3, Column: 2}},
		EvalContext: &hcl.EvalContext{},
	}})
	text, err := json.Marshal(list)
	if want := `[{"severity":"error","summary":"wrong","detail":"","file":"x.hcl","line":3,"column":2}]`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
}

func TestTheTimeOfNearlyAllRequestsIsReadFromTheirCounts(t *testing.T) {
	bounds := []time.Duration{time.Millisecond, time.Second, time.Minute}
	for _, c := range []struct {
		counts []uint64
		want   time.Duration
	}{
		{nil, 0}, {[]uint64{0, 0, 0, 0}, 0}, {[]uint64{100, 0, 0, 0}, time.Millisecond}, {[]uint64{94, 6, 0, 0}, time.Second}, {[]uint64{95, 5, 0, 0}, time.Millisecond}, {[]uint64{1, 1, 1, 97}, 0},
	} {
		if got := quantile(0.95, c.counts, bounds); got != c.want {
			t.Errorf("%v: %v", c.counts, got)
		}
	}
}

func TestAServiceSaysHowManyWorkersItHas(t *testing.T) {
	for text, want := range map[string]int{"2 of 3 workers have loaded x.wsgi": 3, "": 0, "ready": 0} {
		if got := workersOf(text); got != want {
			t.Errorf("%q: %d", text, got)
		}
	}
}

func TestAnInterruptedCommandSaysHowThingsStand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"status", "no-such-project"}, &out, &errs); code == 0 || !strings.Contains(errs.String(), "sandwich status shows") {
		t.Errorf("%d %s", code, errs.String())
	}
}

func TestAServiceThatHasEndedSaysNothing(t *testing.T) {
	service := dbusctl.Unit{ActiveState: "active", MainPID: 7, StatusText: "3 of 3 workers have loaded x.wsgi"}
	if s := statusOf("no-such-project", service, dbusctl.Unit{}, dbusctl.Route{}); s.Text != service.StatusText || s.Workers != 3 {
		t.Errorf("%q, %d workers", s.Text, s.Workers)
	}
	service.ActiveState, service.MainPID = "failed", 0
	if s := statusOf("no-such-project", service, dbusctl.Unit{}, dbusctl.Route{}); s.Text != "" || s.Workers != 0 {
		t.Errorf("%q, %d workers", s.Text, s.Workers)
	}
}
