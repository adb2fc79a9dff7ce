package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
)

// waitForEarlierSteps waits for what a deploy that was killed has left running: half a migration is
// worse than a late one.
func (d *deploy) waitForEarlierSteps(ctx context.Context) error {
	for _, unit := range []string{units.ReleaseService(d.project), units.GateService(d.project)} {
		state, err := d.host.systemd.ActiveState(ctx, unit)
		if err != nil {
			return err
		}
		if state == "activating" {
			d.tell("%s: the steps of an earlier deploy still run, waiting for them", d.project)
			_ = d.host.systemd.StartShowing(ctx, unit, d.output)
		}
		if err := d.host.systemd.ResetFailed(ctx, unit); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

// prepare runs the steps in the release, then the gate. Neither changes anything that serves.
func (d *deploy) prepare(ctx context.Context) error {
	if d.steps {
		d.tell("%s: running the steps in %s", d.project, d.to)
		if err := d.run(ctx, units.ReleaseService(d.project)); err != nil {
			return err
		}
	}
	if d.force {
		return d.gate(ctx, "SANDWICH_UNMIGRATED=1")
	}
	return d.gate(ctx)
}

// gate asks the release whether it may serve.
func (d *deploy) gate(ctx context.Context, more ...string) error {
	d.tell("%s: checking %s", d.project, d.to)
	err := d.run(ctx, units.GateService(d.project), more...)
	var job *dbusctl.JobError
	if errors.As(err, &job) && job.State.ExitStatus == gateMigrations && d.verb == "rollback" && d.force {
		d.tell("%s: going back regardless", d.project)
		return nil
	}
	if job != nil && job.State.ExitStatus == gateMigrations {
		return &refused{said: "migrations stand against " + d.to, err: err}
	}
	if job != nil {
		return &refused{said: d.to + " may not serve", err: err}
	}
	return err
}

// gateMigrations is the exit status of the gate for migrations that stand against a release.
const gateMigrations = 3

// refused is what a step or the gate ended with. What it said is on the terminal already.
type refused struct {
	said string
	err  error
}

func (e *refused) Error() string { return e.said + "; nothing that serves has changed" }
func (e *refused) Unwrap() error { return e.err }

// run carries out a service of the deploy in the release.
func (d *deploy) run(ctx context.Context, unit string, more ...string) error {
	file := units.NewRelease(d.project)
	if err := apply.WriteFile(file, d.environment(d.to, more...)); err != nil {
		return err
	}
	defer os.Remove(file)
	err := d.host.systemd.StartShowing(ctx, unit, d.output)
	if err == nil {
		return nil
	}
	// What it said is kept in the journal; that it failed is nothing to alarm anybody with later.
	after := context.WithoutCancel(ctx)
	command, how, asking := d.host.systemd.FailedCommand(after, unit)
	err = errors.Join(err, d.host.systemd.ResetFailed(after, unit))
	if asking == nil && len(command) > 0 {
		return &refused{said: fmt.Sprintf("the step %q %s", strings.Join(d.plainly(command), " "), how), err: err}
	}
	return &refused{said: err.Error(), err: err}
}

// plainly is a command as the project file has it: without what keeps it in its release.
func (d *deploy) plainly(command []string) []string {
	if d.link != "" && len(command) > 3 {
		command = command[3:]
	}
	if len(command) > 1 && strings.HasSuffix(command[1], ".py") {
		command = append([]string{filepath.Base(command[1])}, command[2:]...)
	}
	return command
}

func (d *deploy) output(line string) { d.tell("  | %s", line) }
