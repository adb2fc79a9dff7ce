package dbusctl

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// StartShowing starts a unit that ends by itself, waits for its end, and gives every line that it
// writes meanwhile to show, as journald keeps it. When ctx ends first, the unit is stopped.
func (s *Systemd) StartShowing(ctx context.Context, unit string, show func(line string)) error {
	lines, err := newLines(ctx, "_SYSTEMD_UNIT="+unit)
	if err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- s.Start(ctx, unit) }()
	err = lines.until(ctx, done, show)
	if ctx.Err() != nil {
		_ = s.Stop(context.WithoutCancel(ctx), unit)
	}
	return err
}

// lines are those of the journal from now on that match.
type lines struct {
	match  string
	cursor string // of the last that was read
}

func newLines(ctx context.Context, match string) (*lines, error) {
	out, err := journalctl(ctx, "--lines=1")
	if err != nil {
		return nil, err
	}
	_, cursor := cutCursor(out)
	return &lines{match: match, cursor: cursor}, nil
}

// How often the journal is asked: often at first, for what takes a moment.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

func (l *lines) until(ctx context.Context, done <-chan error, show func(string)) error {
	pause := firstPause
	for {
		select {
		case err := <-done:
			// What a process wrote last may still be on its way. Only root may ask to wait.
			_ = exec.CommandContext(ctx, "journalctl", "--sync").Run()
			return errors.Join(err, l.read(context.WithoutCancel(ctx), show))
		case <-time.After(pause):
		}
		if err := l.read(ctx, show); err != nil && ctx.Err() == nil {
			return errors.Join(err, <-done)
		}
		pause = min(pause*3/2, lastPause)
	}
}

func (l *lines) read(ctx context.Context, show func(string)) error {
	args := []string{l.match}
	if l.cursor != "" {
		args = append(args, "--after-cursor="+l.cursor)
	}
	out, err := journalctl(ctx, args...)
	if err != nil {
		return err
	}
	text, cursor := cutCursor(out)
	for _, line := range text {
		show(line)
	}
	if cursor != "" {
		l.cursor = cursor
	}
	return nil
}

func journalctl(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	args = append([]string{"--no-pager", "--quiet", "--output=cat", "--all", "--show-cursor"}, args...)
	out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	return out, nil
}

// cutCursor parts the lines from the cursor that follows them. There is none when nothing matched.
func cutCursor(out []byte) (text []string, cursor string) {
	text = splitLines(out)
	if len(text) == 0 {
		return nil, ""
	}
	last := len(text) - 1
	if cursor, ok := strings.CutPrefix(text[last], "-- cursor: "); ok {
		return text[:last], cursor
	}
	return text, ""
}
