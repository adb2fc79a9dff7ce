package main

import (
	"strings"
	"testing"
)

func TestAPersonChoosesByNumberOrValueOrNotAtAll(t *testing.T) {
	for typed, want := range map[string]string{"": "a", "\n": "a", "2\n": "b", "b\n": "b", "c.example\n": "c.example", "3\n": "3", "0\n": "0"} {
		if got := chosen(strings.NewReader(typed), []string{"a", "b"}); got != want {
			t.Errorf("%q: %q", typed, got)
		}
	}
}
