package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sandwich/units"
)

func newKill(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "kill -s SIG NAME...", Short: "Send a signal to a project's main process", Args: cobra.ArbitraryArgs}
	all := allFlag(cmd)
	name := cmd.Flags().StringP("signal", "s", "TERM", "the signal: a name such as HUP, or a number")
	everyone := cmd.Flags().Bool("workers", false, "send it to all processes of the service, workers included")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		signal, err := signalOf(*name)
		if err != nil {
			return err
		}
		names, err := t.enabledProjects("kill", args, *all)
		if err != nil {
			return err
		}
		return t.onEach(cmd.Context(), "kill", names, func(ctx context.Context, h *host, name string) error {
			if err := h.systemd.Kill(ctx, units.Service(name), signal, *everyone); err != nil {
				return fmt.Errorf("%w\nhint: sandwich status %s", err, name)
			}
			return nil
		})
	}
	_ = cmd.RegisterFlagCompletionFunc("signal", cobra.FixedCompletions(
		[]string{"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "TTIN", "TTOU", "WINCH"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// signalOf reads HUP, SIGHUP, hup or 1.
func signalOf(text string) (syscall.Signal, error) {
	if n, err := strconv.Atoi(text); err == nil && n > 0 && n <= 64 {
		return syscall.Signal(n), nil
	}
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(text), "SIG")
	if signal := unix.SignalNum(name); signal != 0 {
		return signal, nil
	}
	return 0, usageError("there is no signal %q\nhint: sandwich kill -s HUP NAME", text)
}
