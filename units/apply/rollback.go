package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sandwich/units/overlap"
)

// RolledBack is a failure after which the project is what it was before.
type RolledBack struct{ Cause error }

func (e *RolledBack) Error() string { return e.Cause.Error() }
func (e *RolledBack) Unwrap() error { return e.Cause }

// RollBackError is a failure after which the project could not be put back to what it was.
type RollBackError struct {
	Cause error // what failed first
	Err   error // why putting it back failed
}

func (e *RollBackError) Error() string {
	return fmt.Sprintf("%v; and it could not be put back to what it was: %v", e.Cause, e.Err)
}

func (e *RollBackError) Unwrap() []error { return []error{e.Cause, e.Err} }

// rollBack puts every failed project back to what it was before its plan, with one reload of
// systemd for all of them. Taking a project away is not rolled back: half gone, it is finished
// by the next disable.
func (r *Runner) rollBack(ctx context.Context, runs []*run) {
	ctx, cancel := context.WithTimeout(ctx, rollBackLimit)
	defer cancel()
	failed := slices.DeleteFunc(slices.Clone(runs), func(one *run) bool {
		return one.err == nil || one.plan.has(Forget) || len(one.done) == 0
	})
	errs := make([]error, len(failed))
	for i, one := range failed {
		errs[i] = r.undo(ctx, one, beforeReload)
	}
	if slices.ContainsFunc(failed, func(one *run) bool { return one.plan.has(Reload) }) {
		errs = append(errs, r.Systemd.DaemonReload(ctx))
	}
	for i, one := range failed {
		errs[i] = errors.Join(errs[i], r.undo(ctx, one, afterReload))
		if failure := errors.Join(errs[i], errors.Join(errs[len(failed):]...)); failure != nil {
			one.err = &RollBackError{Cause: one.err, Err: failure}
		} else {
			one.err = &RolledBack{Cause: one.err}
		}
	}
}

// undo does the opposite of each step, the last first.
func (r *Runner) undo(ctx context.Context, one *run, opposite func(*Runner, context.Context, *run, Step) error) error {
	var errs []error
	for _, step := range slices.Backward(one.done) {
		errs = append(errs, opposite(r, ctx, one, step))
	}
	return errors.Join(errs...)
}

// beforeReload takes back what must be gone, or there again, when systemd reads its files.
func beforeReload(r *Runner, ctx context.Context, one *run, s Step) error {
	switch s.Verb {
	case Serve:
		return r.serve(ctx, s.Project, s.Old)
	case Settings:
		return r.settings(ctx, s.Object, s.Old)
	case Start:
		return r.Systemd.Stop(ctx, filepath.Base(s.Object))
	case Enable:
		return unlink(s.Links)
	case Write, Remove:
		return r.restore(ctx, s)
	}
	return nil
}

func (r *Runner) restore(ctx context.Context, s Step) error {
	if s.Old != nil {
		// With its old time: a service that still runs from it is not older than its file.
		return errors.Join(writeFile(s.Object, s.Old), os.Chtimes(s.Object, time.Time{}, s.OldTime))
	}
	if !isUnit(s.Object) || isTemplate(s.Object) {
		return removeFile(s.Object)
	}
	// A slice stays active when the last service in it is gone: it is stopped with its file.
	unit := filepath.Base(s.Object)
	return errors.Join(r.Systemd.Stop(ctx, unit), removeFile(s.Object), r.Systemd.ResetFailed(ctx, unit))
}

// afterReload brings back what ran, from its old files.
func afterReload(r *Runner, ctx context.Context, one *run, s Step) error {
	switch s.Verb {
	case Restart:
		var kept *overlap.Kept
		if !one.plan.has(Write) || errors.As(one.err, &kept) {
			return nil // there is nothing older to go back to, or it never stopped
		}
		return r.restart(ctx, s.Project, s.Object)
	case Stop:
		return r.Systemd.Start(ctx, s.Object)
	case Disable:
		return r.Dirs.link(s.Links)
	}
	return nil
}
