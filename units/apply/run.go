package apply

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sandwich/units"
)

// Runner carries plans out.
type Runner struct {
	Dirs    Dirs
	Systemd Systemd
	Proxy   Proxy
	// Replace restarts a project's own service without a gap; nil restarts it like any unit.
	Replace func(ctx context.Context, project string) error
	// Probe waits until the project answers for the domain through the proxy.
	Probe func(ctx context.Context, project, domain string) error
	// Report is told of each step before it is done, from several goroutines; what it gives is
	// called after.
	Report func(Step) (done func())
	// Parallel bounds how many projects start at the same time; 0 is 1.
	Parallel int
}

// run is one plan on its way.
type run struct {
	plan Plan
	done []Step
	err  error
}

// Run carries out exactly the plans, with one reload of systemd for all of them. A project whose
// steps fail is put back to what it was; the others go on. The result has the error of each
// project that failed.
func (r *Runner) Run(ctx context.Context, plans []Plan) map[string]error {
	runs := make([]*run, len(plans))
	for i, plan := range plans {
		runs[i] = &run{plan: plan}
	}
	r.inTurn(runs, func(one *run) {
		before, _ := one.plan.split()
		r.carryOut(ctx, one, before)
	})
	r.reload(ctx, runs)
	r.inTurn(runs, func(one *run) {
		_, after := one.plan.split()
		r.carryOut(ctx, one, after)
	})
	r.rollBack(context.WithoutCancel(ctx), runs)
	return failures(runs)
}

// split parts the steps before the reload of systemd from those after it. A plan without a
// reload has only the latter.
func (p Plan) split() (before, after []Step) {
	for i, step := range p.Steps {
		if step.Verb == Reload {
			return p.Steps[:i], p.Steps[i+1:]
		}
	}
	return nil, p.Steps
}

func objects(steps []Step) (names []string) {
	for _, step := range steps {
		names = append(names, step.Object)
	}
	return names
}

func (r *Runner) carryOut(ctx context.Context, one *run, steps []Step) {
	for len(steps) > 0 {
		if one.err = context.Cause(ctx); one.err != nil {
			return
		}
		batch := together(steps)
		steps = steps[len(batch):]
		done := r.Report(batch[0])
		// A step that fails half-way is rolled back too: a service that did not start is
		// still being tried again by systemd.
		one.done = append(one.done, batch...)
		one.err = r.doBatch(ctx, batch)
		done()
		if one.err != nil {
			return
		}
	}
}

// together is the first step and those after it that are done with it: copies of workers end side
// by side, each may take as long as its task.
func together(steps []Step) []Step {
	n := 1
	for n < len(steps) && steps[n].Verb == steps[0].Verb && isInstance(steps[0].Object) && isInstance(steps[n].Object) {
		n++
	}
	return steps[:n]
}

func (r *Runner) doBatch(ctx context.Context, steps []Step) error {
	if len(steps) == 1 {
		return r.do(ctx, steps[0])
	}
	names := objects(steps)
	switch steps[0].Verb {
	case Start:
		return r.Systemd.Start(ctx, names...)
	case Stop:
		return r.stop(ctx, names...)
	case Restart:
		return r.Systemd.Restart(ctx, names...)
	}
	return fmt.Errorf("cannot %s %s together", steps[0].Verb, strings.Join(names, ", "))
}

func (r *Runner) do(ctx context.Context, s Step) error {
	unit := filepath.Base(s.Object)
	switch s.Verb {
	case Write:
		return writeFile(s.Object, s.New)
	case Remove:
		return r.remove(ctx, s.Object)
	case Enable:
		return r.Dirs.link(s.Links)
	case Disable:
		return unlink(s.Links)
	case Start:
		return r.Systemd.Start(ctx, unit)
	case Stop:
		return r.stop(ctx, unit)
	case Restart:
		return r.restart(ctx, s.Project, unit)
	case Serve:
		return r.serve(ctx, s.Project, s.New)
	case Forget:
		return r.serve(ctx, s.Project, nil)
	case Settings:
		return r.settings(ctx, s.Object, s.New)
	case Probe:
		return r.Probe(ctx, s.Project, s.Object)
	}
	return fmt.Errorf("cannot %s %s: no such step", s.Verb, s.Object)
}

// stop also forgets how copies of workers ended: no file is there that could be asked for it.
func (r *Runner) stop(ctx context.Context, names ...string) error {
	err := r.Systemd.Stop(ctx, names...)
	for _, name := range names {
		if isInstance(name) {
			err = errors.Join(err, r.Systemd.ResetFailed(ctx, name))
		}
	}
	return err
}

func (r *Runner) remove(ctx context.Context, path string) error {
	if !isUnit(path) {
		return removeFile(path)
	}
	if isTemplate(path) {
		return removeFile(path)
	}
	return errors.Join(removeFile(path), r.Systemd.ResetFailed(ctx, filepath.Base(path)))
}

func (r *Runner) restart(ctx context.Context, project, unit string) error {
	if r.Replace != nil && unit == units.Service(project) {
		return r.Replace(ctx, project)
	}
	if unit == proxySocket {
		return r.rebind(ctx)
	}
	return r.Systemd.Restart(ctx, unit)
}

// serve writes or removes the route and tells the proxy. The file comes first: it is what a
// proxy that starts meanwhile reads.
func (r *Runner) serve(ctx context.Context, project string, content []byte) error {
	path := r.Dirs.route(project)
	if content == nil {
		return errors.Join(removeFile(path), r.Proxy.Forget(ctx, project))
	}
	if err := writeFile(path, content); err != nil {
		return err
	}
	return r.Proxy.Apply(ctx, project)
}

// reload has systemd read the files of all plans at once, then looks whether it likes them: it
// answers "done" to a reload with a broken unit present.
func (r *Runner) reload(ctx context.Context, runs []*run) {
	wanted := false
	for _, one := range runs {
		wanted = wanted || one.plan.has(Reload)
	}
	if !wanted {
		return
	}
	defer r.Report(Step{Verb: Reload})()
	err := r.Systemd.DaemonReload(ctx)
	var names []string
	for _, one := range runs {
		names = append(names, one.written()...)
	}
	states, listErr := r.Systemd.Listed(ctx, names)
	for _, one := range runs {
		if one.err == nil && one.plan.has(Reload) {
			one.err = errors.Join(err, listErr)
		}
		if one.err == nil && one.plan.has(Reload) {
			one.err = r.loaded(ctx, one.written(), states)
		}
	}
}

// written are the units whose files are new. A template has no state; that of an instance tells whether it
// can be read.
func (one *run) written() (names []string) {
	for _, step := range one.done {
		if step.Verb == Write && isUnit(step.Object) {
			names = append(names, strings.Replace(filepath.Base(step.Object), "@.", "@1.", 1))
		}
	}
	return names
}

func (r *Runner) loaded(ctx context.Context, names []string, states map[string]UnitState) error {
	for _, name := range names {
		if states[name].LoadState == "loaded" {
			continue
		}
		why, err := r.Systemd.Units(ctx, []string{name})
		if err != nil {
			return err
		}
		if state := why[name]; state.LoadState != "loaded" {
			return fmt.Errorf("cannot use %s: systemd says %s: %s", r.Dirs.unit(fileOf(name)), state.LoadState, state.LoadError)
		}
	}
	return nil
}

// inTurn runs f for every run that has not failed. The proxy comes first and alone: a project must not be
// replaced while it restarts.
func (r *Runner) inTurn(runs []*run, f func(*run)) {
	for _, proxy := range []bool{true, false} {
		r.each(runs, func(one *run) {
			if one.err == nil && proxy == (one.plan.Project == Host) {
				f(one)
			}
		})
	}
}

// each runs f for every run, a bounded number side by side.
func (r *Runner) each(runs []*run, f func(*run)) {
	room := make(chan struct{}, max(r.Parallel, 1))
	var all sync.WaitGroup
	for _, one := range runs {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			f(one)
		})
	}
	all.Wait()
}

func failures(runs []*run) map[string]error {
	failed := map[string]error{}
	for _, one := range runs {
		if one.err != nil {
			failed[one.plan.Project] = one.err
		}
	}
	return failed
}

// rollBackLimit bounds how long putting things back may take.
const rollBackLimit = 2 * time.Minute
