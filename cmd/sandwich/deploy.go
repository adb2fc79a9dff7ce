package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/overlap"
	"sandwich/units/release"
)

func newDeploy(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "deploy NAME",
		Short:             "Bring new code to a project's visitors: steps, checks, then a new generation; no visitor notices",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNames,
	}
	dir := cmd.Flags().String("release", "", "the release to deploy: a directory beside the current one; default: what the link leads to")
	hold := cmd.Flags().Bool("hold", false, "keep visitors waiting from the first step on, for at most proxy.hold")
	force := cmd.Flags().Bool("force", false, "deploy although migrations are not applied")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.deploying(cmd.Context(), "deploy", args[0], func(ctx context.Context, d *deploy) error {
			d.held, d.force = *hold, *force
			return d.forward(ctx, *dir)
		})
	}
	return cmd
}

func newRollback(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "rollback NAME",
		Short:             "Go back to the release before the current one",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeNames,
	}
	force := cmd.Flags().Bool("force", false, "go back although the database has migrations that the earlier release does not know")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.deploying(cmd.Context(), "rollback", args[0], func(ctx context.Context, d *deploy) error {
			d.force = *force
			return d.back(ctx)
		})
	}
	return cmd
}

// deploy is one deploy or rollback on its way.
type deploy struct {
	*terminal
	releases
	host    *host
	verb    string
	from    string // the release that serves now
	to      string // the one that shall
	held    bool   // visitors wait
	force   bool
	history release.History // after it
}

// deploying does what deploys a project: as root, and one at a time for each project. The lock of
// all commands is taken only for the change of generations: steps may take long.
func (t *terminal) deploying(ctx context.Context, verb, name string, do func(context.Context, *deploy) error) error {
	names, err := chooseEnabled(verb, []string{name}, false)
	if err != nil {
		return err
	}
	if err := needRoot(verb); err != nil {
		return err
	}
	unlock, err := apply.Lock(ctx, filepath.Join("/run/sandwich", "."+name+".deploy.lock"), "sandwich "+verb+" "+name, t.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	h, err := openHost(ctx)
	if err != nil {
		return err
	}
	defer h.close()
	d := &deploy{terminal: t, host: h, verb: verb}
	if d.releases, err = releasesOf(names[0]); err != nil {
		return err
	}
	if d.from, err = d.current(); err != nil {
		return err
	}
	return d.report(ctx, do(ctx, d))
}

// report writes down how it ended, and says why it failed.
func (d *deploy) report(ctx context.Context, err error) error {
	var (
		asked *exitError
		no    *refused
	)
	if errors.As(err, &asked) || d.to == "" {
		return err // nothing was tried
	}
	d.record(err)
	switch {
	case errors.As(err, &no):
		d.tell("error: %s: %v", d.project, err)
		d.tell("hint: sandwich logs %s shows the output again", d.project)
	case err != nil:
		d.failure(ctx, d.project, err)
	default:
		return nil
	}
	return &exitError{code: exitFailed}
}

// forward deploys a release, "" for the current one.
func (d *deploy) forward(ctx context.Context, dir string) error {
	d.to = d.from
	if dir != "" {
		to, err := d.find(dir)
		if err != nil {
			return err
		}
		d.to = to
	}
	history, err := release.Read(release.Dir, d.project)
	if err != nil {
		return err
	}
	if d.link != "" {
		d.history = history.Deployed(d.serving(ctx), release.Entry{Dir: d.to, Time: time.Now().UTC().Truncate(time.Second), By: actor()})
	}
	if err := d.waitForEarlierSteps(ctx); err != nil {
		return err
	}
	if d.held {
		if err := d.hold(ctx); err != nil {
			return err
		}
		defer d.letGo(context.WithoutCancel(ctx))
	}
	if err := d.prepare(ctx); err != nil {
		return err
	}
	return d.takeOver(ctx)
}

// back goes back to the release before the current one.
func (d *deploy) back(ctx context.Context) error {
	if d.link == "" {
		return fmt.Errorf("%s has no releases to go back to: its root is no symbolic link", d.project)
	}
	history, err := release.Read(release.Dir, d.project)
	if err != nil {
		return err
	}
	if d.to = history.Previous(d.from, release.There); d.to == "" {
		return fmt.Errorf("%s has no earlier release to go back to\nhint: sandwich deploy %s --release DIR", d.project, d.project)
	}
	d.history = history.BackTo(d.to)
	if err := d.waitForEarlierSteps(ctx); err != nil {
		return err
	}
	if err := d.gate(ctx, "SANDWICH_BACK_FROM="+d.from, "SANDWICH_BACK_TO="+d.to); err != nil {
		return err
	}
	return d.takeOver(ctx)
}

// serving is the release that the running service was started from, or the current one: somebody
// may have moved the link already.
func (d *deploy) serving(ctx context.Context) string {
	service, err := d.host.systemd.Unit(ctx, units.Service(d.project))
	if err != nil || service.MainPID == 0 {
		return d.from
	}
	if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", service.MainPID)); err == nil {
		if found := d.around(dir); found != "" {
			return found
		}
	}
	return d.from
}

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

// hold keeps visitors waiting, and lets those who are being served finish.
func (d *deploy) hold(ctx context.Context) error {
	compiled, err := compiledRoute(d.project)
	if err != nil {
		return err
	}
	limit := time.Duration(compiled.HoldMS) * time.Millisecond
	d.tell("%s: visitors wait, for at most %s", d.project, limit)
	if err := d.host.proxy.Hold(ctx, d.project, limit); err != nil {
		return err
	}
	return front{d.host.proxy}.Drain(ctx, d.project, min(compiled.Drain(), limit))
}

func (d *deploy) letGo(ctx context.Context) {
	if !d.held {
		return
	}
	d.held = false
	if err := d.host.proxy.Release(ctx, d.project); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		d.tell("%v, ignoring: visitors wait no longer than proxy.hold", err)
	}
}

// takeOver brings visitors to the release, then the workers.
func (d *deploy) takeOver(ctx context.Context) error {
	err := d.changing(ctx, d.verb, func(h *host) error { return d.switchOver(ctx, h) })
	if err != nil {
		return err
	}
	d.letGo(ctx)
	d.say("%s: %s serves", d.project, d.to)
	if names, err := workers(d.project); err == nil && len(names) > 0 {
		defer d.slow(d.project + ": restart workers")()
		return restartWorkers(ctx, d.host, d.project)
	}
	return nil
}

// switchOver changes the generations. The link is moved while the next generation, which began in
// the new release, serves: until then a crash brings the old release back, from then on the new.
func (d *deploy) switchOver(ctx context.Context, h *host) error {
	if err := openSocket(ctx, h, d.project); err != nil {
		return err
	}
	undo, err := d.publish(ctx, h)
	if err != nil {
		return err
	}
	if err := d.generations(ctx, h); err != nil {
		if now, _ := d.current(); d.link == "" || now == d.from {
			err = errors.Join(err, undo(context.WithoutCancel(ctx)))
		}
		return err
	}
	return d.probeProject(ctx, h, d.project)
}

func (d *deploy) generations(ctx context.Context, h *host) error {
	p, twice, err := overlapping(d.project)
	if err != nil {
		return err
	}
	if !twice {
		return d.atOnce(ctx, h)
	}
	unlock, err := lockGenerations(ctx, d.project, "sandwich "+d.verb, d.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	next := units.NextRelease(d.project)
	defer os.Remove(next)
	replacer := d.replacer(h)
	if err := replacer.Finish(ctx, p); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return err
	}
	if d.link != "" {
		if err := apply.WriteFile(next, d.environment(d.to)); err != nil {
			return err
		}
	}
	state, err := h.systemd.ActiveState(ctx, units.Service(d.project))
	if err != nil {
		return err
	}
	if state != "active" {
		return d.atOnce(ctx, h) // nobody is served who could notice
	}
	p.Page, replacer.Probe = d.health, overlap.ProbePage(d.health)
	replacer.Renew = func(ctx context.Context) error { return d.renew(ctx, h) }
	err = replacer.Replace(ctx, p)
	if errors.Is(err, dbusctl.ErrNoProxy) {
		return d.atOnce(ctx, h)
	}
	return err
}

// renew gives the service itself the new release, while the next generation has the visitors.
func (d *deploy) renew(ctx context.Context, h *host) error {
	d.letGo(ctx)
	if err := d.move(d.to); err != nil {
		return err
	}
	return h.systemd.Restart(ctx, units.Service(d.project))
}

// atOnce restarts the only generation there is, and goes back when it does not come up.
func (d *deploy) atOnce(ctx context.Context, h *host) error {
	if err := d.move(d.to); err != nil {
		return err
	}
	err := h.systemd.Restart(ctx, units.Service(d.project))
	if err == nil || d.link == "" || d.to == d.from {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, d.move(d.from), h.systemd.Restart(ctx, units.Service(d.project)))
}

// move has the link lead to a release.
func (d *deploy) move(to string) error {
	if d.link == "" {
		return nil
	}
	if now, err := d.current(); err != nil || now == to {
		return err
	}
	tree, err := d.tree()
	if err != nil {
		return err
	}
	return apply.MoveLink(d.link, tree, to)
}

// publish writes down the deploy and has the proxy serve the static files of the new release beside
// those of the old one, before the first page asks for them. undo takes both back.
func (d *deploy) publish(ctx context.Context, h *host) (undo func(context.Context) error, err error) {
	if d.link == "" {
		return func(context.Context) error { return nil }, nil
	}
	before, err := release.Read(release.Dir, d.project)
	if err != nil {
		return nil, err
	}
	if err := d.history.Write(release.Dir, d.project); err != nil {
		return nil, err
	}
	old, err := d.serveFiles(ctx, h, d.history)
	undo = func(ctx context.Context) error {
		err := before.Write(release.Dir, d.project)
		if old != nil {
			err = errors.Join(err, d.serveRoute(ctx, h, old))
		}
		return err
	}
	if err != nil {
		return nil, errors.Join(err, undo(context.WithoutCancel(ctx)))
	}
	return undo, nil
}

// serveFiles compiles the route for the releases of a history; it gives the old route, nil when
// nothing had to change.
func (d *deploy) serveFiles(ctx context.Context, h *host, history release.History) (old []byte, err error) {
	path := filepath.Join(apply.SystemDirs.Routes, d.project+".json")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route: %w", err)
	}
	compiled, err := route.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route of %s: %w", d.project, err)
	}
	for i := range compiled.Static {
		compiled.Static[i].Earlier = d.earlier(compiled.Static[i].Root, history.Last(earlierReleases, release.There))
	}
	changed, err := route.Encode(compiled)
	if err != nil {
		return nil, fmt.Errorf("cannot compile the route of %s: %w", d.project, err)
	}
	if string(changed) == string(content) {
		return nil, nil
	}
	return content, d.serveRoute(ctx, h, changed)
}

func (d *deploy) serveRoute(ctx context.Context, h *host, content []byte) error {
	if err := apply.WriteFile(filepath.Join(apply.SystemDirs.Routes, d.project+".json"), content); err != nil {
		return err
	}
	if err := h.proxy.Apply(ctx, d.project); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return err
	}
	return nil
}

// record writes into the journal who brought which release to visitors, or could not.
func (d *deploy) record(failure error) {
	result := "done"
	message := fmt.Sprintf("%s: %s of %s by %s", d.project, d.verb, d.to, actor())
	if failure != nil {
		result = "failed"
		message += " failed: " + failure.Error()
	}
	if err := dbusctl.Note(message, map[string]string{
		"SANDWICH_PROJECT": d.project, "SANDWICH_EVENT": d.verb, "SANDWICH_RESULT": result,
		"SANDWICH_RELEASE": d.to, "SANDWICH_RELEASE_BEFORE": d.from, "SANDWICH_BY": actor(),
	}); err != nil {
		d.tell("%v, ignoring", err)
	}
}

func compiledRoute(name string) (*route.Route, error) {
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Routes, name+".json"))
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route: %w", err)
	}
	return route.Decode(content)
}
