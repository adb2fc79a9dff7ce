package main

import (
	"os"
	"os/exec"
	"strconv"

	"github.com/spf13/cobra"

	"sandwich/units"
)

func newLogs(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "logs NAME|NAME.WORKER|NAME.TIMER",
		Short:             "Show what a project, systemd and the proxy say about it",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completeParts,
	}
	follow := cmd.Flags().BoolP("follow", "f", false, "go on showing new lines")
	lines := cmd.Flags().IntP("lines", "n", 100, "how many lines")
	since := cmd.Flags().String("since", "", "only lines since then, as journalctl understands it")
	request := cmd.Flags().String("request", "", "only lines of the request with this id")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		options := journalOptions(*follow, *asJSON, *lines, *since)
		if isPart(args[0]) {
			matches, err := partMatches(parsePart(args[0]))
			if err != nil {
				return err
			}
			return t.journalctl(cmd, append(options, matches...))
		}
		names, err := known(args)
		if err != nil {
			return err
		}
		return t.journalctl(cmd, append(options, journalMatches(names[0], *request)...))
	}
	return cmd
}

func journalOptions(follow, asJSON bool, lines int, since string) []string {
	options := []string{"--no-pager", "--all", "--lines=" + strconv.Itoa(lines), "--output=short-iso"}
	if asJSON {
		options[len(options)-1] = "--output=json"
	}
	if follow {
		options = append(options, "--follow")
	}
	if since != "" {
		options = append(options, "--since="+since)
	}
	return options
}

// journalMatches select the project's own lines, PID 1's about its units (a field UNIT= from
// anybody else is not trusted) and the proxy's about it.
func journalMatches(name, request string) []string {
	proxy := []string{"_SYSTEMD_UNIT=sandwich-proxy.service", "SANDWICH_PROJECT=" + name}
	if request != "" {
		return append(proxy, "SANDWICH_REQUEST_ID="+request)
	}
	// Every process of the project, whatever it is, lives in its slice.
	matches := []string{"_SYSTEMD_SLICE=" + units.Slice(name), "+"}
	for _, unit := range append([]string{units.Service(name), units.NextService(name), units.Socket(name)}, partUnits(name)...) {
		matches = append(matches, "_PID=1", "UNIT="+unit, "+")
	}
	for _, unit := range []string{units.ReleaseService(name), units.GateService(name)} {
		matches = append(matches, "_PID=1", "UNIT="+unit, "+")
	}
	// Who deployed it is told by root.
	matches = append(matches, "_UID=0", "SANDWICH_PROJECT="+name, "+")
	return append(matches, proxy...)
}

// partUnits are the services of a project's workers and timers.
func partUnits(project string) []string {
	names, _ := workers(project)
	for _, name := range partNames(project) {
		if p := (part{project: project, name: name}); p.isTimer() {
			names = append(names, units.TimerService(project, name), units.TimerFailure(project, name))
		}
	}
	return names
}

// partMatches select what a worker or a timer's command says, and PID 1 about it.
func partMatches(p part) ([]string, error) {
	services, err := p.services()
	if err != nil {
		return nil, err
	}
	if p.isTimer() {
		services = append(services, units.TimerFailure(p.project, p.name))
	}
	var matches []string
	for _, unit := range services {
		matches = append(matches, "_SYSTEMD_UNIT="+unit, "+", "_PID=1", "UNIT="+unit, "+")
	}
	return matches[:len(matches)-1], nil
}

// journalctl reads the journal, with the caller's own access rights.
func (t *terminal) journalctl(cmd *cobra.Command, args []string) error {
	journal := exec.CommandContext(cmd.Context(), "journalctl", args...)
	journal.Stdout, journal.Stderr = t.stdout, t.stderr
	journal.Cancel = func() error { return journal.Process.Signal(os.Interrupt) }
	err := journal.Run()
	if cmd.Context().Err() != nil {
		return nil // Ctrl-C is how following ends
	}
	return err
}
