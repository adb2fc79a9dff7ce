// Command sandwich is the program a person types: it parses, calls one function of the packages
// below, and prints. Facts go to stdout, all else to stderr.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// version is set when a package is built.
var version = "dev"

// Exit codes, as systemctl has them where it has them.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitNotRunning = 3
	exitNoProject  = 4
	exitMistakes   = 5
)

// exitError ends the program with a code. A nil err: everything is said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return fmt.Sprint(e.err) }
func (e *exitError) Unwrap() error { return e.err }

// usageError is a question asked wrongly.
func usageError(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "hook" {
		distrust()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if code, done := delegate(ctx, os.Args[1:], os.Stderr); done {
		os.Exit(code)
	}
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program; it gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "--version" {
		args = []string{"version"}
	}
	root := newRoot(&terminal{stdout: stdout, stderr: stderr})
	if len(args) > 0 && oldVerbs[args[0]] != "" {
		args = []string{oldVerb(args)}
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{code: exitFailed, err: err}
	}
	if exit.err != nil {
		fmt.Fprintln(stderr, "error:", withHint(exit, root, args))
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "Interrupted: what was begun is finished when the same command is given again; sandwich status shows what is there.")
	}
	return exit.code
}

func newRoot(t *terminal) *cobra.Command {
	root := &cobra.Command{
		Use:           "sandwich",
		Short:         "Serve many Django projects on one host with systemd and a front proxy",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownVerb,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		PersistentPreRun: audit,
	}
	root.SuggestionsMinimumDistance = 2
	root.CompletionOptions.DisableDefaultCmd = true
	root.DisableFlagsInUseLine = true
	root.SetHelpCommand(newHelp())
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError("%w\nhint: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		newInit(t),
		newCheck(t),
		newPlan(t),
		newApply(t),
		newEnable(t),
		newDisable(t),
		newStart(t),
		newStop(t),
		newRestart(t),
		newReload(t),
		newIdle(t),
		newKill(t),
		newManage(t),
		newRun(t),
		newShell(t),
		newStatus(t),
		newList(t),
		newLogs(t),
		newJobs(t), newScale(t), newDeploy(t), newRollback(t),
		newWhy(t), newDoctor(t),
		newFmt(t),
		newMaintenance(t),
		newTLS(t),
		newTop(t),
		newProxy(t),
		newVersion(t), newSchema(t),
		newCompletion(),
		newHook(t),
	)
	sayUsage(root.Commands())
	group(root)
	return root
}

// hintMark begins the line of an error that has the next command to type.
const hintMark = "hint: "

// withHint is an error with a next command to type, whoever made it.
func withHint(exit *exitError, root *cobra.Command, args []string) string {
	text := exit.err.Error()
	if strings.Contains(text, hintMark) {
		return text
	}
	if exit.code == exitUsage {
		command, _, _ := root.Find(args)
		return text + "\n" + hintMark + command.CommandPath() + " --help"
	}
	return text + "\n" + hintMark + "sandwich doctor"
}

// sayUsage makes wrong arguments of verbs exit with 2, and say what is taken.
func sayUsage(commands []*cobra.Command) {
	for _, command := range commands {
		sayUsage(command.Commands())
		if check := command.Args; check != nil {
			command.Args = func(cmd *cobra.Command, args []string) error {
				if check(cmd, args) != nil {
					return wrongArguments(cmd, args)
				}
				return nil
			}
		}
	}
}

func wrongArguments(cmd *cobra.Command, args []string) error {
	verb, path := strings.TrimPrefix(cmd.CommandPath(), "sandwich "), cmd.CommandPath()
	switch _, takes, some := strings.Cut(cmd.Use, " "); {
	case cmd.HasSubCommands():
		return usageError("there is no verb %q\nhint: %s --help", verb+" "+args[0], path)
	case some:
		return usageError("%s takes %s\nhint: %s --help", verb, takes, path)
	default:
		return usageError("%s takes no names\nhint: %s --help", verb, path)
	}
}

// oldVerbs are the habits of supervisorctl and where they live here.
var oldVerbs = map[string]string{
	"reread": "plan", "update": "apply", "tail": "logs", "maintail": "proxy status", "fg": "run", "signal": "kill",
	"tail -f": "logs -f", "avail": "list", "add": "enable", "remove": "disable", "clear": "journalctl --vacuum-time=1d",
}

// oldVerb is such a habit in one word: its names and options are supervisorctl's, too.
func oldVerb(args []string) string {
	if args[0] == "tail" && slices.Contains(args, "-f") {
		return "tail -f"
	}
	return args[0]
}

// helpFor is where a command is described.
func helpFor(command string) string {
	if strings.HasPrefix(command, "journalctl") {
		return "man journalctl"
	}
	return command + " --help"
}

func unknownVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if now, ok := oldVerbs[args[0]]; ok {
		if !strings.HasPrefix(now, "journalctl") {
			now = "sandwich " + now
		}
		return usageError("%s is a verb of supervisorctl: here it is %s\nhint: %s", args[0], now, helpFor(now))
	}
	hint := "sandwich --help"
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "sandwich " + near[0]
	}
	return usageError("there is no verb %q\nhint: %s", args[0], hint)
}
