package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// journalArgs ask journalctl(1), which brings the caller's access rights with it.
func journalArgs(s logSource, o logOptions, more ...string) []string {
	args := append([]string{"--no-pager", "--quiet", "--all", "--output=json", "--priority=" + strconv.Itoa(o.level)}, more...)
	for i, matches := range s.matches {
		if i > 0 {
			args = append(args, "+")
		}
		args = append(args, matches...)
	}
	return args
}

// readJournal gives the entries that are there. Those of a request are looked for twice: the proxy
// has its id in a field, the application may have it in what it says.
func readJournal(ctx context.Context, s logSource, o logOptions) ([]logEntry, error) {
	var more []string
	if o.lines > 0 {
		more = append(more, "--lines="+strconv.Itoa(o.lines))
	}
	if !o.since.IsZero() {
		more = append(more, "--since=@"+strconv.FormatInt(o.since.Unix(), 10))
	}
	if !o.until.IsZero() {
		more = append(more, "--until=@"+strconv.FormatInt(o.until.Unix()+1, 10))
	}
	if o.request == "" {
		return journalEntries(ctx, journalArgs(s, o, more...), o)
	}
	said, err := journalEntries(ctx, journalArgs(s, o, append(more, "--case-sensitive=yes", `--grep=\Q`+o.request+`\E`)...), o)
	if err != nil {
		return nil, err
	}
	field := logSource{matches: [][]string{{"_SYSTEMD_UNIT=" + proxyService, "SANDWICH_REQUEST_ID=" + o.request}}}
	noted, err := journalEntries(ctx, journalArgs(field, o, more...), o)
	for _, e := range noted {
		if !slices.ContainsFunc(said, func(have logEntry) bool { return have.cursor == e.cursor }) && slices.Contains(s.access, e.Project) {
			said = append(said, e)
		}
	}
	return said, err
}

func journalEntries(ctx context.Context, args []string, o logOptions) (entries []logEntry, err error) {
	err = journal(ctx, args, func(e logEntry) {
		if o.wants(e) {
			entries = append(entries, e)
		}
	})
	return entries, err
}

// followJournal gives the entries after a cursor as they come, until ctx ends.
func followJournal(ctx context.Context, s logSource, o logOptions, cursor string, each func(logEntry)) error {
	from := "--lines=0"
	if cursor != "" {
		from = "--after-cursor=" + cursor
	}
	err := journal(ctx, journalArgs(s, o, "--follow", from), each)
	if ctx.Err() != nil {
		return nil // Ctrl-C is how following ends
	}
	return err
}

func lastCursor(entries []logEntry) string {
	var last logEntry
	for _, e := range entries {
		if !e.Time.Before(last.Time) {
			last = e
		}
	}
	return last.cursor
}

func journal(ctx context.Context, args []string, each func(logEntry)) error {
	cmd := exec.CommandContext(ctx, "journalctl", args...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if e, ok := parseJournal(line); ok {
			each(e)
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 1 { // 1: nothing was found
		return fmt.Errorf("cannot read the journal: %w", err)
	}
	return nil
}

// parseJournal reads an entry of journalctl --output=json.
func parseJournal(line []byte) (logEntry, bool) {
	var fields map[string]any
	if json.Unmarshal(line, &fields) != nil {
		return logEntry{}, false
	}
	usec, err := strconv.ParseInt(fieldText(fields["__REALTIME_TIMESTAMP"]), 10, 64)
	if err != nil {
		return logEntry{}, false
	}
	e := logEntry{
		Time: time.UnixMicro(usec), Message: fieldText(fields["MESSAGE"]), PID: fieldText(fields["_PID"]), cursor: fieldText(fields["__CURSOR"]),
		Source: fieldText(fields["SYSLOG_IDENTIFIER"]), RequestID: fieldText(fields["SANDWICH_REQUEST_ID"]), Unit: fieldText(fields["_SYSTEMD_UNIT"]),
		Level: "info",
	}
	if n, err := strconv.Atoi(fieldText(fields["PRIORITY"])); err == nil && n >= 0 && n < len(levels) {
		e.Level = levels[n]
	}
	if of := fieldText(fields["UNIT"]); of != "" && e.PID == "1" {
		e.Unit = of
	}
	if e.Source == "" {
		e.Source = fieldText(fields["_COMM"])
	}
	e.Project = fieldText(fields["SANDWICH_PROJECT"])
	if rest, ok := strings.CutPrefix(e.Unit, "sandwich-"); ok && e.Project == "" {
		e.Project, _, _ = strings.Cut(rest, ".")
	}
	return e, true
}

// fieldText is a field's value: journalctl writes bytes that are no text as a list of numbers, and
// several values of one field as a list of them.
func fieldText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var b []byte
		for _, one := range v {
			n, ok := one.(float64)
			if !ok {
				return fieldText(one)
			}
			b = append(b, byte(n))
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return ""
}
