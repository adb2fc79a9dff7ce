package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/unitfile"
)

// part is a worker or a timer of a project, as a person names it: NAME.WORKER, NAME.WORKER@2 or
// NAME.TIMER. A project's own name has no dot.
type part struct {
	project, name string
	number        int // of a worker's copy; 0 means all of them
}

// isPart says whether an argument names a worker or a timer rather than a project.
func isPart(arg string) bool { return strings.Contains(arg, ".") }

func parsePart(arg string) part {
	project, rest, _ := strings.Cut(strings.TrimSuffix(arg, ".service"), ".")
	name, number, numbered := strings.Cut(rest, "@")
	p := part{project: strings.TrimPrefix(project, "sandwich-"), name: name}
	if numbered {
		p.number, _ = strconv.Atoi(number)
		p.number = max(p.number, -1)
		if p.number == 0 && number != "*" && number != "" {
			p.number = -1
		}
	}
	return p
}

func (p part) String() string {
	if p.name == "" {
		return p.project
	}
	if p.number > 0 {
		return p.project + "." + p.name + "@" + strconv.Itoa(p.number)
	}
	return p.project + "." + p.name
}

func (p part) isWorker() bool { return unitThere(units.WorkerTemplate(p.project, p.name)) }
func (p part) isTimer() bool  { return unitThere(units.Timer(p.project, p.name)) }

func unitThere(name string) bool {
	_, err := os.Lstat(filepath.Join(apply.SystemDirs.Units, name))
	return err == nil
}

// services are the units that run the part.
func (p part) services() ([]string, error) {
	if !slices.Contains(projectNames(), p.project) {
		return nil, noProject(p.project)
	}
	switch {
	case p.isTimer() && p.number == 0:
		return []string{units.TimerService(p.project, p.name)}, nil
	case p.isWorker() && p.number > 0:
		return []string{units.WorkerInstance(p.project, p.name, p.number)}, nil
	case p.isWorker() && p.number == 0:
		return p.copies()
	}
	has := "it has none"
	if parts := partNames(p.project); len(parts) > 0 {
		has = "it has " + strings.Join(parts, ", ")
	}
	return nil, &exitError{code: exitNoProject, err: fmt.Errorf("%s has no worker or timer %q: %s\nhint: sandwich jobs %s", p.project, p.name, has, p.project)}
}

// copies are the units of a worker that should run.
func (p part) copies() ([]string, error) {
	all, err := workers(p.project)
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(units.WorkerTemplate(p.project, p.name), ".service")
	own := slices.DeleteFunc(all, func(unit string) bool { return !strings.HasPrefix(unit, prefix) })
	if len(own) == 0 {
		return nil, fmt.Errorf("%s has no copies to run: its count is 0\nhint: sandwich scale %s 1", p, p)
	}
	return own, nil
}

// workers are the copies of all workers of a project that should run, as its target names them.
func workers(project string) ([]string, error) {
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Units, units.Target(project)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the workers of %s: %w", project, err)
	}
	directives, err := unitfile.Parse(string(content))
	if err != nil {
		return nil, fmt.Errorf("cannot read the workers of %s: %w\nhint: sandwich apply %s", project, err, project)
	}
	var names []string
	for _, d := range directives {
		if d.Name == "Wants" && strings.Contains(d.Value, "@") {
			names = append(names, d.Value)
		}
	}
	return names, nil
}

// partNames are the workers and timers of an enabled project.
func partNames(project string) []string {
	var names []string
	for _, suffix := range []string{"@.service", ".timer"} {
		prefix := "sandwich-" + project + "."
		paths, _ := filepath.Glob(filepath.Join(apply.SystemDirs.Units, prefix+"*"+suffix))
		for _, path := range paths {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), prefix), suffix))
		}
	}
	slices.Sort(names)
	return names
}

// apart tells projects from workers and timers.
func apart(args []string) (projects, parts []string) {
	for _, arg := range args {
		if isPart(arg) {
			parts = append(parts, parsePart(arg).String())
		} else {
			projects = append(projects, arg)
		}
	}
	slices.Sort(parts)
	return projects, slices.Compact(parts)
}

// onPart starts, stops or restarts a worker or a timer's command. What a timer starts is waited
// for to its end, and a worker that ends first finishes its task.
func onPart(ctx context.Context, h *host, verb, name string) error {
	services, err := parsePart(name).services()
	if err != nil {
		return err
	}
	switch verb {
	case "start":
		return h.systemd.Start(ctx, services...)
	case "stop":
		return h.systemd.Stop(ctx, services...)
	case "restart":
		return h.systemd.Restart(ctx, services...)
	}
	return fmt.Errorf("cannot %s a worker or a timer: only a project\nhint: sandwich %s %s, or sandwich restart %s", verb, verb, parsePart(name).project, name)
}

// restartWorkers restarts the workers of a project that run, side by side. One that somebody
// stopped stays down.
func restartWorkers(ctx context.Context, h *host, project string) error {
	names, err := workers(project)
	if err != nil {
		return err
	}
	var running []string
	for _, name := range names {
		state, err := h.systemd.ActiveState(ctx, name)
		if err != nil {
			return err
		}
		if state != "inactive" {
			running = append(running, name)
		}
	}
	if len(running) == 0 {
		return nil
	}
	return h.systemd.Restart(ctx, running...)
}
