package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/inventory"
	"sandwich/units/project"
)

func newManage(t *terminal) *cobra.Command {
	return sessionVerb(t, "manage NAME ARGS...", "Run a command of the project's manage.py, as the project and in its sandbox",
		cobra.MinimumNArgs(1), func(p *project.Project, manage string, args []string) []string {
			if manage == "" {
				return append([]string{p.Python, "-m", "django"}, args...)
			}
			return append([]string{p.Python, manage}, args...)
		})
}

func newRun(t *terminal) *cobra.Command {
	return sessionVerb(t, "run NAME -- CMD...", "Run any command, as the project and in its sandbox",
		cobra.MinimumNArgs(2), func(p *project.Project, _ string, args []string) []string {
			return units.Program(p, args)
		})
}

func newShell(t *terminal) *cobra.Command {
	return sessionVerb(t, "shell NAME", "Open a shell, as the project and in its sandbox",
		cobra.ExactArgs(1), func(*project.Project, string, []string) []string {
			return []string{"/bin/sh", "-c", `command -v bash >/dev/null && exec bash -i; exec sh -i`}
		})
}

// words makes the command of a session from the project, its manage.py ("": none) and what was typed.
type words func(p *project.Project, manage string, args []string) []string

// sessionVerb runs something beside a project's service. What comes after the name belongs to the
// command: flags of ours end there.
func sessionVerb(t *terminal, use, short string, args cobra.PositionalArgs, command words) *cobra.Command {
	verb, _, _ := strings.Cut(use, " ")
	cmd := &cobra.Command{Use: use, Short: short, Args: args, ValidArgsFunction: completeOneName}
	cmd.Flags().SetInterspersed(false)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := known(args[:1]); err != nil {
			return err
		}
		name := args[0]
		if !enabled(name) {
			return fmt.Errorf("cannot %s %s: it is not enabled\nhint: sandwich enable %s", verb, name, name)
		}
		if err := needRoot(verb); err != nil {
			return err
		}
		p, manage, err := describe(cmd.Context(), name)
		if err != nil {
			return err
		}
		rest := args[1:]
		if len(rest) > 0 && rest[0] == "--" {
			rest = rest[1:]
		}
		if p.EnvGuarded {
			if err := copyEnvironment(cmd.Context(), name, p.User, p.Group, p.EnvFile); err != nil {
				return err
			}
		}
		return t.session(cmd.Context(), name, command(p, manage, rest))
	}
	return cmd
}

// describe is what a project's file and tree say, without asking the project itself.
func describe(ctx context.Context, name string) (*project.Project, string, error) {
	found, err := inventory.Read(ctx, inventory.Options{ProjectsDir: projectsDir, HostFile: hostFile, Names: []string{name}})
	if err != nil {
		return nil, "", err
	}
	entry := found.Entries[0]
	if entry.Draft == nil || entry.Draft.Python == "" {
		return nil, "", &exitError{code: exitMistakes, err: fmt.Errorf("cannot read %s\nhint: sandwich check %s", entry.File, name)}
	}
	manage := filepath.Join(entry.Draft.Dir, "manage.py")
	if _, err := os.Stat(manage); err != nil {
		manage = ""
	}
	return entry.Draft, manage, nil
}

// session runs a command beside a project's service, at this terminal if there is one, and passes
// signals and the exit code on.
func (t *terminal) session(ctx context.Context, name string, args []string) error {
	h, err := openHost(ctx)
	if err != nil {
		return err
	}
	defer h.close()
	session := dbusctl.Session{
		Like: units.Service(name), Unit: "sandwich-" + name + ".run", Args: args,
		Files: [3]*os.File{os.Stdin, os.Stdout, os.Stderr},
	}
	screen, err := openScreen()
	if err != nil {
		return err
	}
	if screen != nil {
		defer screen.close()
		session.Terminal, session.Environment = screen.path(), screen.environment()
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	// The command decides what a signal means to it, so this one does not end before it.
	exit, err := h.systemd.RunSession(context.WithoutCancel(ctx), session, signals)
	if err != nil {
		return err
	}
	if code := exit.Code(); code != 0 {
		return &exitError{code: code}
	}
	return nil
}
