// Package jsonschema holds values against the part of JSON schema that the schema of sandwich uses. It
// leaves all else of JSON schema to others.
package jsonschema

import (
	"fmt"
	"slices"
	"strings"
)

// Problems are where a value, as encoding/json reads it, is not as a schema says; at is what the value is
// called in them.
func Problems(schema map[string]any, value any, at string) []string {
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
			problems = append(problems, Problems(schema["items"].(map[string]any), item, fmt.Sprintf("%s[%d]", at, i))...)
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
			problems = append(problems, Problems(sub, member, at+"."+name)...)
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
