package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"sandwich/units"
)

// sideBySide is how many projects are started or restarted at the same time by one command.
const sideBySide = 4

func newStart(t *terminal) *cobra.Command {
	return serviceVerb(t, "start", "Start a project and wait until it answers", func(ctx context.Context, h *host, name string) error {
		if err := openSocket(ctx, h, name); err != nil {
			return err
		}
		if err := startAnew(ctx, h, units.Service(name)); err != nil {
			return err
		}
		if err := h.systemd.Start(ctx, units.Target(name)); err != nil {
			return err
		}
		return t.probeProject(ctx, h, name)
	})
}

// startAnew starts a service, and one that is being started from the beginning: whoever repaired a
// project that fails again and again wants the new code, not the end of an attempt with the old one.
func startAnew(ctx context.Context, h *host, service string) error {
	state, err := h.systemd.ActiveState(ctx, service)
	if err != nil {
		return err
	}
	if state == "activating" {
		return h.systemd.Restart(ctx, service)
	}
	return h.systemd.Start(ctx, service)
}

func newStop(t *terminal) *cobra.Command {
	return serviceVerb(t, "stop", "Stop a project: its visitors get 503", func(ctx context.Context, h *host, name string) error {
		// The socket first: the next visitor would start the service again.
		if err := h.systemd.Stop(ctx, units.Socket(name)); err != nil {
			return err
		}
		return h.systemd.Stop(ctx, units.Service(name), units.Target(name))
	})
}

func newRestart(t *terminal) *cobra.Command {
	var good sync.Map // the projects whose web service is new
	cmd := serviceVerb(t, "restart", "Replace a project by a new generation of itself, then its workers; no visitor notices", func(ctx context.Context, h *host, name string) error {
		if err := t.restart(ctx, h, name); err != nil {
			return err
		}
		if err := t.probeProject(ctx, h, name); err != nil {
			return err
		}
		good.Store(name, true)
		return nil
	})
	web := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := web(cmd, args)
		return errors.Join(err, t.workersToo(cmd.Context(), &good))
	}
	return cmd
}

func newReload(t *terminal) *cobra.Command {
	return serviceVerb(t, "reload", "Load a project's code again in the same main process; no visitor notices", func(ctx context.Context, h *host, name string) error {
		if err := h.systemd.ReloadUnit(ctx, units.Service(name)); err != nil {
			return err
		}
		return t.probeProject(ctx, h, name)
	})
}

// past are the words a verb is reported with.
var past = map[string]string{
	"start": "started", "stop": "stopped", "restart": "restarted", "reload": "reloaded",
	"restart workers": "workers restarted", "kill": "signal sent", "idle": "sleeps until its next visitor comes",
}

func serviceVerb(t *terminal, verb, short string, do func(context.Context, *host, string) error) *cobra.Command {
	cmd := &cobra.Command{Use: verb + " NAME...", Short: short, Args: cobra.ArbitraryArgs}
	all := allFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		projects, parts := apart(args)
		if *all && len(parts) > 0 {
			return usageError("--all and names exclude each other\nhint: sandwich %s --all", verb)
		}
		if *all || len(projects) > 0 || len(parts) == 0 {
			names, err := t.enabledProjects(verb, projects, *all)
			if err != nil {
				return err
			}
			if err := t.onEach(cmd.Context(), verb, names, do); err != nil {
				return err
			}
		}
		return t.onParts(cmd.Context(), verb, parts)
	}
	cmd.ValidArgsFunction = completeParts
	return cmd
}

// onParts does something with workers and timers. It takes no lock: systemd itself keeps two jobs
// of a unit apart, and what is waited for may take as long as a task does.
func (t *terminal) onParts(ctx context.Context, verb string, parts []string) error {
	for _, name := range parts {
		if _, err := parsePart(name).services(); err != nil {
			return err
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return t.unlocked(ctx, verb, func(h *host) error {
		return t.eachOf(ctx, h, verb, parts, func(ctx context.Context, h *host, name string) error { return onPart(ctx, h, verb, name) })
	})
}

// workersToo restarts the workers of projects whose web service is new by now.
func (t *terminal) workersToo(ctx context.Context, good *sync.Map) error {
	var projects []string
	good.Range(func(name, _ any) bool {
		if names, err := workers(name.(string)); err != nil || len(names) > 0 {
			projects = append(projects, name.(string))
		}
		return true
	})
	slices.Sort(projects)
	if len(projects) == 0 {
		return nil
	}
	return t.unlocked(ctx, "restart", func(h *host) error {
		return t.eachOf(ctx, h, "restart workers", projects, restartWorkers)
	})
}

// onEach does something with each project, a few side by side, and reports each. One that fails
// does not keep the others from being done.
func (t *terminal) onEach(ctx context.Context, verb string, names []string, do func(context.Context, *host, string) error) error {
	return t.changing(ctx, verb, func(h *host) error { return t.eachOf(ctx, h, verb, names, do) })
}

func (t *terminal) eachOf(ctx context.Context, h *host, verb string, names []string, do func(context.Context, *host, string) error) error {
	var failed atomic.Int32
	for names := range slices.Chunk(names, sideBySide) {
		var all sync.WaitGroup
		for _, name := range names {
			all.Go(func() {
				if t.one(ctx, h, verb, name, do) != nil {
					failed.Add(1)
				}
			})
		}
		all.Wait()
	}
	if failed.Load() > 0 {
		return &exitError{code: exitFailed}
	}
	return nil
}

func (t *terminal) one(ctx context.Context, h *host, verb, name string, do func(context.Context, *host, string) error) error {
	done := t.slow(name + ": " + verb)
	err := do(ctx, h, name)
	done()
	if err != nil {
		t.failure(ctx, name, err)
		return err
	}
	t.say("%s: %s", name, past[verb])
	return nil
}
