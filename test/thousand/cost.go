package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
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
	before, began := m.cpu(), time.Now()
	err := command.Run()
	c := cost{wall: time.Since(began)}
	if command.ProcessState == nil || command.ProcessState.ExitCode() != 0 && command.ProcessState.ExitCode() != stoppedCode {
		return c, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(said.String()))
	}
	c.own = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	c.cpu = c.own + m.cpu() - before
	return c, nil
}

// stoppedCode is how status exits, of sandwich and of supervisorctl alike, when something does not run.
const stoppedCode = 3

func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// cpu is the processor time of all threads of the manager, in nanoseconds, while /proc/PID/stat counts
// hundredths of a second.
func (m manager) cpu() (sum time.Duration) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", m.pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		ns, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ns, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

// middle is the median of one figure of all rounds.
func middle(rounds []cost, figure func(cost) time.Duration) time.Duration {
	all := make([]time.Duration, len(rounds))
	for i, one := range rounds {
		all[i] = figure(one)
	}
	slices.Sort(all)
	if len(all) == 0 {
		return 0
	}
	return all[len(all)/2]
}

// spread is how far the rounds are from the median, as a part of it.
func spread(rounds []cost, figure func(cost) time.Duration) float64 {
	least, most := figure(rounds[0]), figure(rounds[0])
	for _, one := range rounds {
		least, most = min(least, figure(one)), max(most, figure(one))
	}
	return (most - least).Seconds() / 2 / max(middle(rounds, figure).Seconds(), 1e-9)
}

func wall(c cost) time.Duration { return c.wall }
func cpu(c cost) time.Duration  { return c.cpu }
func own(c cost) time.Duration  { return c.own }

// row prints the costs of one way of doing a work, beside those of the way that others are compared with.
func row(work, way string, rounds, first []cost) {
	fmt.Printf("| %s | %s | %s (%.0f %%) | %s | %s | %.2f | %.2f |\n", work, way,
		short(middle(rounds, wall)), 100*spread(rounds, wall), short(middle(rounds, cpu)), short(middle(rounds, own)),
		ratio(rounds, first, wall), ratio(rounds, first, cpu))
}

func ratio(rounds, first []cost, figure func(cost) time.Duration) float64 {
	return middle(rounds, figure).Seconds() / max(middle(first, figure).Seconds(), 1e-9)
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
