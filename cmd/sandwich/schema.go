package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// outputs is what --json prints, by verb: the key beside format_version, and what stands under it.
var outputs = map[string]struct {
	key   string
	value any
}{
	"status":       {"projects", []status{}},
	"list":         {"projects", []entry{}},
	"check":        {"diagnostics", []mistake{}},
	"doctor":       {"diagnostics", []mistake{}},
	"why":          {"why", []answer{}},
	"plan":         {"plans", []planned{}},
	"jobs":         {"jobs", []job{}},
	"idle":         {"projects", []rested{}},
	"tls status":   {"certificates", []certificate{}},
	"tls plan":     {"plan", tlsPlan{}},
	"proxy status": {"proxy", proxyStatus{}},
	"top":          {"projects", []topRow{}},
	"version":      {"version", ""},
}

// lines is what --json prints where it prints an object a line, by verb: such output has no end.
var lines = map[string]any{"logs": logEntry{}}

// newSchema prints what programs may rely on. The package has it as a file, so it is not shown.
func newSchema(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the schema of all JSON output", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			t.mu.Lock()
			defer t.mu.Unlock()
			encoder := json.NewEncoder(t.stdout)
			encoder.SetIndent("", "  ")
			return encoder.Encode(schema())
		},
	}
}

// object is a part of a JSON schema (json-schema.org, draft 2020-12).
type object = map[string]any

// schema describes the output of each verb under $defs. It is made from the types that are printed,
// so that it cannot say anything else.
func schema() object {
	defs := object{}
	for verb, output := range outputs {
		defs[verb] = object{
			"type": "object", "required": []string{"format_version", output.key}, "additionalProperties": false,
			"properties": object{
				"format_version": object{"const": formatVersion},
				output.key:       schemaOf(reflect.TypeOf(output.value)),
			},
		}
	}
	for verb, line := range lines {
		defs[verb] = schemaOf(reflect.TypeOf(line))
	}
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"title":   "What sandwich prints with --json, by verb; logs: each line",
		"$defs":   defs,
	}
}

var (
	moment = reflect.TypeFor[time.Time]()
	fixed  = map[reflect.Type][]state{reflect.TypeFor[state](): {
		stateRunning, stateStarting, stateStopping, stateFailing, stateFailed, stateListening, stateStopped, stateNotEnabled, stateWaiting,
	}}
)

// schemaOf says what a Go type becomes in JSON.
func schemaOf(t reflect.Type) object {
	if enum, ok := fixed[t]; ok {
		return object{"enum": enum}
	}
	switch {
	case t == moment:
		return object{"type": "string", "format": "date-time"}
	case t.Kind() == reflect.Pointer:
		return schemaOf(t.Elem())
	case t.Kind() == reflect.Slice:
		return object{"type": []string{"array", "null"}, "items": schemaOf(t.Elem())}
	case t.Kind() == reflect.Map:
		return object{"type": []string{"object", "null"}, "additionalProperties": schemaOf(t.Elem())}
	case t.Kind() == reflect.Struct:
		return schemaOfStruct(t)
	case t.Kind() == reflect.String:
		return object{"type": "string"}
	case t.Kind() == reflect.Bool:
		return object{"type": "boolean"}
	case t.Kind() == reflect.Float64:
		return object{"type": "number"}
	}
	return object{"type": "integer"}
}

func schemaOfStruct(t reflect.Type) object {
	properties, required := object{}, []string{}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || name == "" || field.Anonymous {
			continue
		}
		properties[name] = schemaOf(field.Type)
		if !strings.Contains(options, "omitempty") {
			required = append(required, name)
		}
	}
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}
