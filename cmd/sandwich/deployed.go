package main

import (
	"time"

	"sandwich/units/release"
)

// deployed is the deploy that brought what serves, as status shows it.
type deployed struct {
	Release string    `json:"release"`
	Time    time.Time `json:"time"`
	By      string    `json:"by,omitempty"`
}

// lastDeploy is nil for a project that was never deployed by sandwich.
func lastDeploy(name string) *deployed {
	history, err := release.Read(release.Dir, name)
	if err != nil {
		return nil // status tells what can be known
	}
	last := history.Serving()
	if last == nil {
		return nil
	}
	return &deployed{Release: last.Dir, Time: last.Time, By: last.By}
}

func (d deployed) line() string {
	text := d.Release + ", " + d.Time.Local().Format(time.DateTime) + " (" + ago(d.Time) + ")"
	if d.By != "" {
		text += ", by " + d.By
	}
	return text
}
