package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"sandwich/units"
)

// logOptions is what is to be shown.
type logOptions struct {
	follow       bool
	lines        int // 0: all
	since, until time.Time
	level        int // as syslog(3) counts: the higher the less important
	request      string
	asJSON       bool
}

func newLogs(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:               "logs [NAME|NAME.WORKER|NAME.TIMER]...",
		Short:             "Show what projects, their visitors, systemd and the proxy say about them, by time",
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeParts,
	}
	var o logOptions
	all := cmd.Flags().Bool("all", false, "every project")
	cmd.Flags().BoolVarP(&o.follow, "follow", "f", false, "go on showing new lines")
	cmd.Flags().IntVarP(&o.lines, "lines", "n", 100, "how many lines; all since a time unless given")
	since := cmd.Flags().String("since", "", "only lines since then: 1h, yesterday, 15:04, 2006-01-02 15:04:05")
	until := cmd.Flags().String("until", "", "only lines until then")
	level := cmd.Flags().String("level", "debug", "only lines as important as emerg, alert, crit, err, warning, notice, info")
	cmd.Flags().StringVar(&o.request, "request", "", "only lines of the request with this id, of every project unless named")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.asJSON = *asJSON
		if err := o.read(cmd, *since, *until, *level, time.Now()); err != nil {
			return err
		}
		sources, err := t.logSources(args, *all || len(args) == 0 && o.request != "")
		if err != nil {
			return err
		}
		return t.logs(cmd.Context(), sources, o)
	}
	return cmd
}

func (o *logOptions) read(cmd *cobra.Command, since, until, level string, now time.Time) error {
	var err error
	if o.since, err = parseWhen(since, now); err != nil {
		return err
	}
	if o.until, err = parseWhen(until, now); err != nil {
		return err
	}
	if o.level = slices.Index(levels, level); o.level < 0 {
		return usageError("there is no level %q\nhint: sandwich logs --level with one of %s", level, strings.Join(levels, ", "))
	}
	if !cmd.Flags().Changed("lines") && (since != "" || until != "" || o.request != "") {
		o.lines = 0
	}
	if o.follow && until != "" {
		return usageError("--follow and --until exclude each other\nhint: sandwich logs --help")
	}
	if o.lines < 0 || strings.ContainsAny(o.request, " \n\"\\") {
		return usageError("there are no %d lines, and no request %q\nhint: sandwich logs --help", o.lines, o.request)
	}
	return nil
}

// levels are the priorities of syslog(3), by number.
var levels = []string{"emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"}

// logSource is where lines of the named come from.
type logSource struct {
	matches [][]string // of the journal, each a list of alternatives
	access  []string   // projects whose access logs are read
}

// logSources are those of projects, or of parts of them.
func (t *terminal) logSources(args []string, all bool) (logSource, error) {
	var s logSource
	names, parts := args, []string(nil)
	if !all {
		names = slices.DeleteFunc(slices.Clone(args), isPart)
		parts = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return !isPart(arg) })
	}
	if len(parts) == 0 || all {
		var err error
		if names, err = t.projects("logs", names, all, projectNames); err != nil {
			return s, err
		}
	} else if _, err := known(names); err != nil {
		return s, err
	}
	s.access = names
	for _, arg := range parts {
		matches, err := partMatches(parsePart(arg))
		if err != nil {
			return s, err
		}
		s.matches = append(s.matches, matches)
	}
	for _, name := range names {
		s.matches = append(s.matches, journalMatches(name))
	}
	return s, nil
}

// journalMatches select the project's own lines, PID 1's about its units (a field UNIT= from
// anybody else is not trusted) and the proxy's about it.
func journalMatches(name string) []string {
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
	return append(matches, "_SYSTEMD_UNIT=sandwich-proxy.service", "SANDWICH_PROJECT="+name)
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

// logEntry is one line, wherever it comes from.
type logEntry struct {
	Time      time.Time `json:"time"`
	Project   string    `json:"project,omitempty"`
	Source    string    `json:"source"` // who says it: an identifier of the journal, or "access"
	Level     string    `json:"level"`
	RequestID string    `json:"request_id,omitempty"`
	Unit      string    `json:"unit,omitempty"`
	PID       string    `json:"pid,omitempty"`
	Message   string    `json:"message"`

	cursor string // of the journal
}

func (o logOptions) wants(e logEntry) bool {
	switch {
	case slices.Index(levels, e.Level) > o.level,
		!o.since.IsZero() && e.Time.Before(o.since),
		!o.until.IsZero() && e.Time.After(o.until):
		return false
	}
	return o.request == "" || e.RequestID == o.request || strings.Contains(e.Message, o.request)
}

// logs shows what there is, and then what comes.
func (t *terminal) logs(ctx context.Context, s logSource, o logOptions) error {
	entries, err := readJournal(ctx, s, o)
	if err != nil {
		return err
	}
	cursor := lastCursor(entries)
	var tails []*accessTail
	refused := false
	for _, name := range s.access {
		tail := newAccessTail(name)
		lines, err := tail.read(o)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.tell("warning: the access log of %s is left out: %v", name, err)
			refused = refused || errors.Is(err, fs.ErrPermission)
		}
		entries = append(entries, lines...)
		tails = append(tails, tail)
	}
	if refused {
		t.tell("hint: sudo sandwich %s", strings.Join(os.Args[1:], " "))
	}
	slices.SortStableFunc(entries, func(a, b logEntry) int { return a.Time.Compare(b.Time) })
	if o.lines > 0 && len(entries) > o.lines {
		entries = entries[len(entries)-o.lines:]
	}
	for _, e := range entries {
		t.entry(e, o)
	}
	if !o.follow {
		return nil
	}
	return t.followLogs(ctx, s, o, cursor, tails)
}

// followLogs shows each line when it comes, until ctx ends.
func (t *terminal) followLogs(ctx context.Context, s logSource, o logOptions, cursor string, tails []*accessTail) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var all sync.WaitGroup
	for _, tail := range tails {
		all.Go(func() { tail.follow(ctx, func(e logEntry) { t.entryIf(e, o) }) })
	}
	err := followJournal(ctx, s, o, cursor, func(e logEntry) { t.entryIf(e, o) })
	cancel()
	all.Wait()
	return err
}

func (t *terminal) entryIf(e logEntry, o logOptions) {
	if o.wants(e) {
		t.entry(e, o)
	}
}

// entry prints one line. What could move the cursor of a terminal is printed as an escape.
func (t *terminal) entry(e logEntry, o logOptions) {
	if o.asJSON {
		if line, err := json.Marshal(e); err == nil {
			t.say("%s", line)
		}
		return
	}
	who := e.Source
	if e.PID != "" {
		who += "[" + e.PID + "]"
	}
	t.say("%s %s: %s", e.Time.Local().Format("2006-01-02T15:04:05.000-07:00"), who, visible(e.Message))
}

func visible(s string) string {
	if !strings.ContainsFunc(s, isControl) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if isControl(c) {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func isControl(c rune) bool {
	return c < ' ' && c != '\t' && c != '\n' || c == 0x7f || c >= 0x80 && c < 0xa0
}
