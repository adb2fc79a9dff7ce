package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sandwich/test/jsonschema"
	"sandwich/units/apply"
	"sandwich/units/why"
)

// shipped is the schema as the package has it.
func shipped(t *testing.T) map[string]any {
	t.Helper()
	stdout, _, code := said(t, "schema")
	var got map[string]any
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || code != 0 {
		t.Fatalf("%v, exit code %d", err, code)
	}
	return got["$defs"].(map[string]any)
}

func TestWhatIsPrintedIsAsTheSchemaSays(t *testing.T) {
	defs, now := shipped(t), time.Now()
	for verb, samples := range map[string][]any{
		"status":       {[]status{}, []status{{Name: "x", State: stateRunning, Since: &now, Domains: []string{"x.example"}, Workers: 2, P95: 0.1, Drift: []string{"y"}, Deploy: &deployed{Release: "/r/1", Time: now, By: "alice"}}, {State: stateFailed, Domains: []string{}}}},
		"list":         {[]entry{{Name: "x", State: stateStopped, Domains: []string{}}}},
		"check":        {[]mistake{{Severity: "error", Summary: "s", File: "/x", Line: 1, Column: 1}}},
		"doctor":       {[]mistake{{Severity: "warning", Summary: "s", Project: "x"}}},
		"why":          {[]answer{{Name: "x", State: stateFailing, Causes: []why.Cause{{Kind: "k", Says: "s", Evidence: []string{"e"}, Remedy: "r", Next: []string{"n"}}}}}},
		"plan":         {[]planned{{Plan: apply.Plan{Project: "x", Steps: []apply.Step{{Project: "x", Verb: apply.Write, Object: "o", Why: "w"}}, Notes: []string{"n"}}, Diff: "d"}}},
		"jobs":         {[]job{{Name: "x.y@1", State: stateWaiting, Next: &now}}},
		"idle":         {[]rested{{State: stateListening}}},
		"tls status":   {[]certificate{{}}},
		"tls plan":     {tlsPlan{}},
		"proxy status": {proxyStatus{State: "active", Since: &now, Routes: []proxyRoute{{Name: "x", Domains: []string{}}}}},
		"top":          {[]topRow{{Name: "x", P95: 0.1, Closed: true}}, []topRow{}},
		"version":      {"1.0"},
	} {
		for _, sample := range samples {
			var out bytes.Buffer
			if err := (&terminal{stdout: &out}).json(outputs[verb].key, sample); err != nil {
				t.Fatal(err)
			}
			var value any
			if err := json.Unmarshal(out.Bytes(), &value); err != nil {
				t.Fatal(err)
			}
			for _, problem := range jsonschema.Problems(defs[verb].(map[string]any), value, verb) {
				t.Error(problem)
			}
		}
	}
}

func TestTheSchemaRefusesWhatIsNotInIt(t *testing.T) {
	def := shipped(t)["list"].(map[string]any)
	for _, wrong := range []string{
		`{"format_version":1}`, `{"format_version":2,"projects":[]}`, `{"format_version":1,"projects":[{"name":5,"state":"running","enabled":true,"domains":[]}]}`,
		`{"format_version":1,"projects":[{"name":"x","state":"odd","enabled":true,"domains":[]}]}`, `{"format_version":1,"projects":[{"name":"x","state":"running","enabled":true,"domains":[],"more":1}]}`,
	} {
		var value any
		if err := json.Unmarshal([]byte(wrong), &value); err != nil {
			t.Fatal(err)
		}
		if len(jsonschema.Problems(def, value, "list")) == 0 {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestALineOfALogIsAsTheSchemaSays(t *testing.T) {
	var out bytes.Buffer
	(&terminal{stdout: &out}).entry(logEntry{Time: time.Now(), Source: "x", Level: "info", Message: "m", PID: "1"}, logOptions{asJSON: true})
	var value any
	if err := json.Unmarshal(out.Bytes(), &value); err != nil {
		t.Fatal(err)
	}
	for _, problem := range jsonschema.Problems(shipped(t)["logs"].(map[string]any), value, "logs") {
		t.Error(problem)
	}
}

func TestTheSchemaHasEveryVerbThatPrintsJSON(t *testing.T) {
	defs := shipped(t)
	var verbs []string
	eachVerb(newRoot(&terminal{}), func(verb string, cmd *cobra.Command) {
		if cmd.Flags().Lookup("json") != nil {
			verbs = append(verbs, verb)
		}
	})
	for _, verb := range verbs {
		if defs[verb] == nil {
			t.Errorf("sandwich %s --json is not in the schema", verb)
		}
	}
	for verb := range defs {
		if !slices.Contains(verbs, verb) {
			t.Errorf("the schema has %q, which prints no JSON", verb)
		}
	}
	if len(verbs) < 14 {
		t.Errorf("only %s print JSON", strings.Join(verbs, ", "))
	}
}

// eachVerb visits what a person can type, "tls status" for one that stands below another.
func eachVerb(root *cobra.Command, visit func(verb string, cmd *cobra.Command)) {
	for _, cmd := range root.Commands() {
		if cmd.Name() == "hook" {
			continue // units type it
		}
		eachVerb(cmd, visit)
		if !cmd.HasSubCommands() {
			visit(strings.TrimPrefix(cmd.CommandPath(), "sandwich "), cmd)
		}
	}
}

// flagsOf are the names of a verb's own flags.
func flagsOf(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return names
}
