package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
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
	names, err := t.enabledProjects(verb, []string{name}, false)
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
	d.history = history.Deployed(d.serving(ctx), release.Entry{Dir: d.to, Time: time.Now().UTC().Truncate(time.Second), By: actor()})
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
		return fmt.Errorf("%s has no releases to go back to: its root is no symbolic link\nhint: sandwich deploy %s brings the code that is there; for releases have root lead through a link, such as /srv/%s/current -> releases/1", d.project, d.project, d.project)
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
