package dbusctl

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// StartShowing starts a unit that ends by itself, waits for its end, and gives every line that it
// writes meanwhile to show, as journald keeps it. When ctx ends first, the unit is stopped.
func (s *Systemd) StartShowing(ctx context.Context, unit string, show func(line string)) error {
	lines := newLines("_SYSTEMD_UNIT=" + unit)
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx, unit) }()
	err := lines.until(ctx, done, show)
	if ctx.Err() != nil {
		_ = s.Stop(context.WithoutCancel(ctx), unit)
	}
	return err
}

// lines are those of the journal from now on that match. They are counted: "--after-cursor" of
// systemd 252 loses the first line that matches.
type lines struct {
	match string
	since time.Time
	shown int
}

func newLines(match string) *lines { return &lines{match: match, since: time.Now()} }

// How often the journal is asked: often at first, for what takes a moment.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

func (l *lines) until(ctx context.Context, done <-chan error, show func(string)) error {
	pause, told := firstPause, false
	// What the journal does not give is no failure of what runs: it can be looked at later.
	read := func(ctx context.Context) {
		if err := l.read(ctx, show); err != nil && ctx.Err() == nil && !told {
			told = true
			show(err.Error() + ", ignoring: not all of the output is shown here")
		}
	}
	for {
		select {
		case err := <-done:
			// What a process wrote last may still be on its way. Only root may ask to wait.
			_ = exec.CommandContext(ctx, "journalctl", "--sync").Run()
			read(context.WithoutCancel(ctx))
			return err
		case <-time.After(pause):
		}
		read(ctx)
		pause = min(pause*3/2, lastPause)
	}
}

func (l *lines) read(ctx context.Context, show func(string)) error {
	out, err := journalctl(ctx, "--since=@"+strconv.FormatInt(l.since.Unix(), 10), l.match)
	if err != nil {
		return err
	}
	text := splitLines(out)
	for _, line := range text[min(l.shown, len(text)):] {
		show(line)
	}
	l.shown = max(l.shown, len(text))
	return nil
}

func journalctl(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	args = append([]string{"--no-pager", "--quiet", "--output=cat", "--all"}, args...)
	out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && len(exit.Stderr) == 0 {
		return out, nil // there is no such line yet
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	return out, nil
}
