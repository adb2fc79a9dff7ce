package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"sandwich/proxy/route"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/project"
)

func newPlan(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan [NAME...]",
		Short: "Show what apply, or enable for a project that is not enabled, would change, restart and why",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("plan", args, *all || len(args) == 0, projectNames)
		if err != nil {
			return err
		}
		h, err := openHost(cmd.Context())
		if err != nil {
			return err
		}
		defer h.close()
		routes, err := h.served(cmd.Context(), names)
		if err != nil {
			return err
		}
		job, err := t.prepare(cmd.Context(), h, names, routes, func(name string) bool { return !enabled(name) })
		if err != nil {
			return err
		}
		if err := t.printPlans(job.plans, *asJSON); err != nil {
			return err
		}
		return job.exit(nil)
	}
	return cmd
}

// wantedOf renders what a completed project should be.
func wantedOf(p *project.Project, version int, start bool) (apply.Wanted, error) {
	files, err := units.Render(p, version)
	if err != nil {
		return apply.Wanted{}, fmt.Errorf("cannot write the units of %s: %w", p.Name, err)
	}
	compiled := units.Route(p)
	content, err := route.Encode(&compiled)
	if err != nil {
		return apply.Wanted{}, fmt.Errorf("cannot compile the route of %s: %w", p.Name, err)
	}
	return apply.Wanted{Name: p.Name, Domain: p.Domains[0], Units: files, Instances: units.Instances(p), Route: content, Start: start}, nil
}

// plansOf compares what projects should be with what is there. The error of a project is at its place.
func plansOf(ctx context.Context, h *host, wanted []apply.Wanted, served map[string]string) ([]apply.Plan, []error) {
	found, errs := apply.LookAll(ctx, apply.SystemDirs, manager{h.systemd}, wanted, served)
	plans := make([]apply.Plan, len(wanted))
	for i, one := range wanted {
		if errs[i] == nil {
			plans[i] = apply.Make(apply.SystemDirs, one, found[i])
		}
	}
	return plans, errs
}

// planned is a plan as --json shows it.
type planned struct {
	apply.Plan
	Diff string `json:"diff"`
}

func (t *terminal) printPlans(plans []apply.Plan, asJSON bool) error {
	if asJSON {
		list := make([]planned, 0, len(plans))
		for _, plan := range plans {
			list = append(list, planned{Plan: plan, Diff: diffs(plan)})
		}
		return t.json("plans", list)
	}
	for _, plan := range plans {
		t.printPlan(plan)
	}
	return nil
}

func (t *terminal) printPlan(plan apply.Plan) {
	switch {
	case len(plan.Steps) == 0:
		t.say("%s: nothing to do", plan.Project)
	case plan.Project == apply.Host || enabled(plan.Project):
		t.say("%s: sandwich apply would", plan.Project)
	default:
		t.say("%s: sandwich enable %s would", plan.Project, plan.Project)
	}
	for _, step := range plan.Steps {
		t.say("  - %s", step)
	}
	for _, note := range plan.Notes {
		t.say("  note: %s", note)
	}
	if text := diffs(plan); text != "" {
		t.say("\n%s", text)
	}
}

// diffs shows every file that the plan changes, as unified diffs.
func diffs(plan apply.Plan) string {
	var b strings.Builder
	for _, step := range plan.Steps {
		if step.Old == nil && step.New == nil {
			continue
		}
		b.Write(diff.Diff(diffName(step.Object, step.Old), step.Old, diffName(step.Object, step.New), step.New))
	}
	return b.String()
}

func diffName(path string, content []byte) string {
	if content == nil {
		return "/dev/null"
	}
	return filepath.Clean(path)
}
