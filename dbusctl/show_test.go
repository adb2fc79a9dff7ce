package dbusctl

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestEachLineIsShownOnce(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	fakeJournalctl(t, "cat "+log+" 2>/dev/null")
	l := newLines("X=y")
	var shown []string
	for _, content := range []string{"", "a\n", "a\n", "a\nb\nc\n"} {
		if err := os.WriteFile(log, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := l.read(t.Context(), func(line string) { shown = append(shown, line) }); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(shown, []string{"a", "b", "c"}) {
		t.Errorf("%q", shown)
	}
}

// fakeJournalctl puts a program in place of journalctl that fails in a way of its own.
func fakeJournalctl(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "journalctl"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
}

func TestAJournalThatCannotBeReadIsNoFailureOfWhatRuns(t *testing.T) {
	for script, want := range map[string]int{"exit 1": 0, "echo broken >&2; exit 1": 1} {
		fakeJournalctl(t, script)
		l, done := newLines("X=y"), make(chan error, 1)
		done <- nil
		var shown []string
		if err := l.until(t.Context(), done, func(line string) { shown = append(shown, line) }); err != nil || len(shown) != want {
			t.Errorf("%s: %v, %q", script, err, shown)
		}
	}
}
