package main

import (
	"context"
	"errors"
	"strings"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/overlap"
)

// How much of a traceback is shown, and how far back it is looked for: in all of a run that failed
// to start, but only at the end of one that served before.
const (
	excerptLines = 15
	startLines   = 400
	serveLines   = 40
)

// failure prints why something could not be done to a project: the sentence, what the application
// said last, and the next command to type.
func (t *terminal) failure(ctx context.Context, name string, err error) {
	ctx = context.WithoutCancel(ctx)
	t.tell("error: %s: %v", name, err)
	defer t.leftBehind(name, err)
	var (
		job  *dbusctl.JobError
		kept *overlap.Kept
	)
	switch {
	case errors.As(err, &job) && job.State.InvocationID == "":
		t.tell("hint: sandwich why %s", name) // it never ran, so there is nothing that it said
	case errors.As(err, &job) && (job.Verb == "start" || job.Verb == "restart"):
		t.excerpt(ctx, name, job.Unit, job.State.InvocationID, startLines)
	case errors.As(err, &job):
		t.excerpt(ctx, name, job.Unit, job.State.InvocationID, serveLines)
	case errors.As(err, &kept):
		t.excerpt(ctx, name, units.NextService(name), "", serveLines)
	case !strings.Contains(err.Error(), hintMark):
		t.tell("hint: sandwich why %s", name)
	}
}

// excerpt prints the end of what a run of a unit said, from its traceback on if it has one.
func (t *terminal) excerpt(ctx context.Context, name, unit, invocation string, most int) {
	lines, journalErr := dbusctl.Journal(ctx, unit, invocation, most)
	if journalErr != nil {
		t.tell("%v, ignoring", journalErr)
	}
	for _, line := range dbusctl.Traceback(lines, excerptLines) {
		t.tell("  | %s", line)
	}
	t.tell("hint: sandwich logs %s, systemctl status %s", name, unit)
}

// leftBehind says what state a failure left, where it is not what systemd shows.
func (t *terminal) leftBehind(name string, err error) {
	var (
		rolledBack *apply.RolledBack
		kept       *overlap.Kept
		stranded   *overlap.Stranded
	)
	switch {
	case errors.As(err, &stranded):
		t.tell("Visitors are served by %s meanwhile; sandwich restart %s finishes the work.", units.NextService(name), name)
	case errors.As(err, &rolledBack):
		t.tell("%s is what it was before.", name)
	case errors.As(err, &kept):
		t.tell("The old generation of %s serves on as if nothing had been tried.", name)
	}
}
