package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// manyProjects have one, two, ... twenty hosts, with names of every length.
func manyProjects(n int) []entry {
	entries := make([]entry, n)
	for i := range entries {
		e := entry{Name: fmt.Sprintf("client-%s%d", strings.Repeat("x", i%30), i), State: stateRunning, Closed: i%50 == 0}
		for host := range i%20 + 1 {
			e.Domains = append(e.Domains, fmt.Sprintf("host-%d.%s.example", host, e.Name))
		}
		entries[i] = e
	}
	return entries
}

func TestAListOfFiveHundredProjectsFitsTheTerminal(t *testing.T) {
	entries := manyProjects(500)
	for _, width := range []int{100, 120, 200} {
		var out bytes.Buffer
		(&terminal{stdout: &out}).table([]string{"PROJECT", "STATE", "DOMAINS"}, listRows(entries, width))
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 501 {
			t.Fatalf("%d lines", len(lines))
		}
		state := strings.Index(lines[0], "STATE")
		for i, line := range lines[1:] {
			if !strings.HasPrefix(line, entries[i].Name+" ") || !strings.HasPrefix(line[state:], "running") {
				t.Errorf("the columns are not below each other: %q", line)
			}
			// One host name is there always, however long.
			if len(line) > width && strings.Contains(line, ".example ") && !strings.Contains(line, " and ") {
				t.Errorf("%d columns hold %q", width, line)
			}
		}
	}
}

func TestAListThatNobodyLooksAtLeavesNothingOut(t *testing.T) {
	for i, row := range listRows(manyProjects(500), 0) {
		if got := len(strings.Fields(row[2])); got != i%20+1 {
			t.Errorf("%s has %d hosts: %s", row[0], got, row[2])
		}
	}
}

func TestWordsThatDoNotFitAreCounted(t *testing.T) {
	words := []string{"one", "two", "three", "four"}
	for width, want := range map[int]string{
		0: "one, two, three, four", 21: "one, two, three, four", 20: "one, two and 2 more", 19: "one, two and 2 more", 18: "one and 3 more", 1: "one and 3 more",
	} {
		if got := fitting(words, ", ", width); got != want {
			t.Errorf("%d: %q, want %q", width, got, want)
		}
	}
	if got := fitting(words[:1], ", ", 1); got != "one" {
		t.Errorf("%q", got)
	}
}
