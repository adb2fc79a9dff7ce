package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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
			for _, problem := range validate(defs[verb].(map[string]any), value, verb) {
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
		if len(validate(def, value, "list")) == 0 {
			t.Errorf("%s is taken", wrong)
		}
	}
}

// validate holds a value against the part of JSON schema that the schema uses.
func validate(schema map[string]any, value any, at string) []string {
	if want, ok := schema["const"]; ok && want != value {
		return []string{fmt.Sprintf("%s is %v, not %v", at, value, want)}
	}
	if enum, ok := schema["enum"].([]any); ok && !slices.Contains(enum, value) {
		return []string{fmt.Sprintf("%s is %v", at, value)}
	}
	if want, ok := schema["type"]; ok && !slices.Contains(strings.Fields(strings.Trim(fmt.Sprint(want), "[]")), kindOf(value)) && !(want == "number" && kindOf(value) == "integer") {
		return []string{fmt.Sprintf("%s is of type %s, not %v", at, kindOf(value), want)}
	}
	var problems []string
	switch v := value.(type) {
	case []any:
		for i, item := range v {
			problems = append(problems, validate(schema["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	case map[string]any:
		problems = append(problems, members(schema, v, at)...)
	}
	return problems
}

func members(schema map[string]any, value map[string]any, at string) (problems []string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, member := range value {
		if sub, ok := properties[name].(map[string]any); ok {
			problems = append(problems, validate(sub, member, at+"."+name)...)
		} else if schema["additionalProperties"] == false {
			problems = append(problems, at+" has "+name)
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			problems = append(problems, fmt.Sprintf("%s has no %s", at, name))
		}
	}
	return problems
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	}
	return "object"
}
