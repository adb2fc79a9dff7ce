package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"sandwich/test/measure"
)

// cost is what one run of something took.
type cost struct {
	wall time.Duration
	cpu  time.Duration // of the command and of the manager that it asks
	own  time.Duration // of it, the command's
}

// manager is the process that a command asks to do its work.
type manager struct{ pid int }

var systemd = manager{pid: 1}

// spend runs a command and gives what it cost. A command may exit with a code that says something of what
// it has found.
func (m manager) spend(ctx context.Context, name string, args ...string) (cost, error) {
	command := exec.CommandContext(ctx, name, args...)
	var said bytes.Buffer
	command.Stderr = &said
	before, began := measure.CPU(m.pid), time.Now()
	err := command.Run()
	c := cost{wall: time.Since(began)}
	if command.ProcessState == nil || command.ProcessState.ExitCode() != 0 && command.ProcessState.ExitCode() != stoppedCode {
		return c, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(said.String()))
	}
	c.own = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	c.cpu = c.own + measure.CPU(m.pid) - before
	return c, nil
}

// stoppedCode is how status exits, of sandwich and of supervisorctl alike, when something does not run.
const stoppedCode = 3

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

func wall(c cost) time.Duration { return c.wall }
func cpu(c cost) time.Duration  { return c.cpu }
func own(c cost) time.Duration  { return c.own }

// row prints the costs of one way of doing a work, beside those of the way that others are compared with.
func row(work, way string, rounds, first []cost) {
	fmt.Printf("| %s | %s | %s (%.0f %%) | %s | %s | %.2f | %.2f |\n", work, way,
		short(measure.Middle(rounds, wall)), 100*measure.Spread(rounds, wall), short(measure.Middle(rounds, cpu)), short(measure.Middle(rounds, own)),
		ratio(rounds, first, wall), ratio(rounds, first, cpu))
}

func ratio(rounds, first []cost, figure func(cost) time.Duration) float64 {
	return measure.Middle(rounds, figure).Seconds() / max(measure.Middle(first, figure).Seconds(), 1e-9)
}

func short(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f ms", d.Seconds()*1e3)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// costHeader heads rows.
const costHeader = `
| work | way | wall (+-) | CPU, manager included | of it the command's | wall ratio | CPU ratio |
|---|---|---:|---:|---:|---:|---:|`
