package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/release"
)

func newApply(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "apply [NAME...]",
		Short: "Carry out what plan shows for projects that are enabled",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.enabledProjects("apply", args, *all || len(args) == 0)
		if err != nil {
			return err
		}
		return t.carryOut(cmd.Context(), "apply", names, false)
	}
	return cmd
}

func newEnable(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "enable NAME...",
		Short: "Write a project's units, start it, serve it, and have it start at boot",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("enable", args, *all, projectNames)
		if err != nil {
			return err
		}
		return t.carryOut(cmd.Context(), "enable", names, true)
	}
	return cmd
}

// carryOut reads the projects, plans and runs, all under the lock, so that what is planned is
// what is found when it is done.
func (t *terminal) carryOut(ctx context.Context, verb string, names []string, start bool) error {
	return t.changing(ctx, verb, func(h *host) error { return t.carryOutOn(ctx, h, verb, names, start) })
}

func (t *terminal) carryOutOn(ctx context.Context, h *host, verb string, names []string, start bool) error {
	routes, err := h.served(ctx, names)
	if err != nil {
		return err
	}
	if err := t.finish(ctx, h, names, routes); err != nil {
		return err
	}
	job, err := t.prepare(ctx, h, names, routes, func(string) bool { return start })
	if err != nil {
		return err
	}
	failed := t.run(ctx, h, job.plans)
	for _, plan := range job.plans {
		t.outcome(ctx, verb, plan, failed[plan.Project])
	}
	return job.exit(failed)
}

// run carries plans out, with a line for each step that takes long.
func (t *terminal) run(ctx context.Context, h *host, plans []apply.Plan) map[string]error {
	runner := &apply.Runner{
		Dirs: apply.SystemDirs, Systemd: manager{h.systemd}, Proxy: h.proxy,
		Replace: func(ctx context.Context, name string) error { return t.restart(ctx, h, name) },
		Probe:   func(ctx context.Context, name, domain string) error { return t.probe(ctx, h, name, domain) }, Report: t.reportStep, Parallel: sideBySide,
	}
	return runner.Run(ctx, plans)
}

func (t *terminal) reportStep(step apply.Step) (done func()) {
	if step.Project == "" {
		return t.slow(step.String())
	}
	return t.slow(step.Project + ": " + step.String())
}

// outcome says what became of one plan.
func (t *terminal) outcome(ctx context.Context, verb string, plan apply.Plan, err error) {
	switch {
	case err != nil:
		t.failure(ctx, plan.Project, err)
	case plan.Project == apply.Host:
		if len(plan.Steps) > 0 {
			t.say("the proxy has its new settings")
		}
	case verb == "scale": // it says itself to what
	case len(plan.Steps) == 0:
		t.say("%s: nothing to do", plan.Project)
	case verb == "enable":
		t.say("%s: enabled, http://%s/ answers", plan.Project, compiledDomains(plan.Project)[0])
	default:
		t.say("%s: %d steps done", plan.Project, len(plan.Steps))
	}
}

func newDisable(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "disable NAME...",
		Short: "Stop serving a project and take its units away; its project file stays",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	purge := cmd.Flags().Bool("purge", false, "remove its project file too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("disable", args, *all, enabledNames)
		if err != nil {
			return err
		}
		return t.takeAway(cmd.Context(), names, *purge)
	}
	return cmd
}

// takeAway disables projects. It reads no project file: a project whose file is broken or gone
// can still be disabled.
func (t *terminal) takeAway(ctx context.Context, names []string, purge bool) error {
	return t.changing(ctx, "disable", func(h *host) error { return t.takeAwayOn(ctx, h, names, purge) })
}

func (t *terminal) takeAwayOn(ctx context.Context, h *host, names []string, purge bool) error {
	plans, err := t.goodbyes(ctx, h, names)
	if err != nil {
		return err
	}
	failed := t.run(ctx, h, plans)
	for _, name := range names {
		if failed[name] == nil {
			failed[name] = errors.Join(apply.SystemDirs.RemoveMaintenance(name), apply.RemoveFile(units.EnvCopy(name)), t.goodbye(name, purge))
		}
		if failed[name] != nil {
			t.failure(ctx, name, failed[name])
			err = &exitError{code: exitFailed}
		}
	}
	return err
}

func (t *terminal) goodbyes(ctx context.Context, h *host, names []string) ([]apply.Plan, error) {
	routes, err := h.served(ctx, names)
	if err != nil {
		return nil, err
	}
	wanted := make([]apply.Wanted, len(names))
	for i, name := range names {
		wanted[i] = apply.Wanted{Name: name}
	}
	plans, errs := plansOf(ctx, h, wanted, hashes(routes))
	return plans, errors.Join(errs...)
}

func (t *terminal) goodbye(name string, purge bool) error {
	file := filepath.Join(projectsDir, name+".hcl")
	if !purge {
		t.say("%s: disabled; its project file %s stays", name, file)
		return nil
	}
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("cannot remove %s: %w", file, err)
	}
	t.say("%s: disabled, %s removed", name, file)
	return errors.Join(release.Forget(release.Dir, name), apply.RemoveFile(scaleFile(name)))
}
