// Package release knows the releases of a project: which were deployed, and which of them a
// rollback goes back to. How a release comes to serve is left to the caller.
package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sandwich/units/apply"
)

// Dir is where the histories of projects are.
const Dir = "/var/lib/sandwich/releases"

// Entry is one deploy of a release.
type Entry struct {
	Dir       string    `json:"dir"`  // the release's directory, without symbolic links
	Time      time.Time `json:"time"` // when it was deployed
	By        string    `json:"by,omitempty"`
	Withdrawn bool      `json:"withdrawn,omitempty"` // a rollback went back behind it
}

// History is the deploys of a project, oldest first. It never holds a secret.
type History struct {
	Entries []Entry `json:"releases"`
}

func file(dir, project string) string { return filepath.Join(dir, project+".json") }

// Read reads the history of a project; one that was never deployed has an empty one.
func Read(dir, project string) (History, error) {
	var h History
	content, err := os.ReadFile(file(dir, project))
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &h)
	}
	if err != nil {
		return History{}, fmt.Errorf("cannot read the releases of %s: %w", project, err)
	}
	return h, nil
}

// longest is how many deploys are remembered.
const longest = 100

// Write replaces the history of a project as a whole.
func (h History) Write(dir, project string) error {
	h.Entries = h.Entries[max(0, len(h.Entries)-longest):]
	content, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return apply.WriteFile(file(dir, project), append(content, '\n'))
}

// Forget removes the history of a project.
func Forget(dir, project string) error { return apply.RemoveFile(file(dir, project)) }

// Deployed is the history with one more deploy. current is the release that serves before it: one
// that was never deployed by sandwich is remembered, too, so that a rollback can go back to it.
func (h History) Deployed(current string, e Entry) History {
	entries := slices.Clone(h.Entries)
	if current != "" && current != e.Dir && !slices.ContainsFunc(entries, func(old Entry) bool { return old.Dir == current }) {
		entries = append(entries, Entry{Dir: current, Time: e.Time})
	}
	return History{Entries: append(entries, e)}
}

// Serving is the deploy that serves, nil when there was none.
func (h History) Serving() *Entry {
	for _, e := range slices.Backward(h.Entries) {
		if !e.Withdrawn {
			return &e
		}
	}
	return nil
}

// Previous is the release that a rollback from current goes to: the last one deployed before it
// that was not withdrawn itself and is still there. It is "" when there is none.
func (h History) Previous(current string, there func(dir string) bool) string {
	last := len(h.Entries)
	for i, e := range h.Entries {
		if e.Dir == current && !e.Withdrawn {
			last = i
		}
	}
	for _, e := range slices.Backward(h.Entries[:last]) {
		if e.Dir != current && !e.Withdrawn && there(e.Dir) {
			return e.Dir
		}
	}
	return ""
}

// BackTo is the history after a rollback: what was deployed after the release is withdrawn.
func (h History) BackTo(dir string) History {
	entries := slices.Clone(h.Entries)
	for i := len(entries) - 1; i >= 0 && (entries[i].Dir != dir || entries[i].Withdrawn); i-- {
		entries[i].Withdrawn = true
	}
	return History{Entries: entries}
}

// Last are the newest different releases that are still there, newest first, at most so many.
// Withdrawn ones are among them: pages that they made are open in browsers, too.
func (h History) Last(most int, there func(dir string) bool) []string {
	var dirs []string
	for _, e := range slices.Backward(h.Entries) {
		if len(dirs) < most && !slices.Contains(dirs, e.Dir) && there(e.Dir) {
			dirs = append(dirs, e.Dir)
		}
	}
	return dirs
}

// There says whether a release's directory is still there.
func There(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}
