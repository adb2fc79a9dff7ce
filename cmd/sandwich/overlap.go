package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/overlap"
)

// front is the proxy as units/overlap wants it.
type front struct{ *dbusctl.Proxy }

func (f front) Upstream(ctx context.Context, project string) (string, error) {
	served, err := f.Route(ctx, project)
	if errors.Is(err, dbusctl.ErrNotServed) {
		err = fmt.Errorf("%w\nhint: sandwich apply %s", err, project)
	}
	return served.Upstream, err
}

// Drain goes on after the limit: what lasts longer, a download, gets the rest of its time from
// the application server when that is told to end.
func (f front) Drain(ctx context.Context, project string, limit time.Duration) error {
	err := f.Proxy.Drain(ctx, project, limit)
	if errors.Is(err, dbusctl.ErrStillBusy) {
		return nil
	}
	return err
}

// replacer is units/overlap on this host.
func (t *terminal) replacer(h *host) *overlap.Replacer {
	return &overlap.Replacer{
		Systemd: h.systemd, Proxy: front{h.proxy}, Probe: overlap.Probe,
		Report: func(project, step string) func() { return t.slow(project + ": " + step) },
	}
}

// restart replaces a running project by a new generation of itself. One that cannot run twice, or
// that no proxy switches, is simply restarted.
func (t *terminal) restart(ctx context.Context, h *host, name string) error {
	project, twice, err := overlapping(name)
	if err != nil {
		return err
	}
	if err := openSocket(ctx, h, name); err != nil {
		return err
	}
	if twice {
		unlock, err := lockGenerations(ctx, name, "sandwich restart", t.waiting)
		if err != nil {
			return err
		}
		defer unlock()
		// What a deploy that was killed has told the next generation is over.
		if err := apply.RemoveFile(units.NextRelease(name)); err != nil {
			return err
		}
		err = t.replacer(h).Replace(ctx, project)
		if !errors.Is(err, dbusctl.ErrNoProxy) {
			return err
		}
	}
	return h.systemd.Restart(ctx, units.Service(name))
}

// finish brings projects back to the steady state whose restart was killed half-way, or could not
// bring the service itself back. Others it leaves alone.
func (t *terminal) finish(ctx context.Context, h *host, names []string, routes map[string]dbusctl.Route) error {
	for _, name := range names {
		if routes[name].Upstream != overlap.Next {
			continue
		}
		if err := t.restart(ctx, h, name); err != nil {
			t.failure(ctx, name, err)
			return &exitError{code: exitFailed}
		}
	}
	return nil
}

// openSocket sees that the project's socket listens. systemd does not notice when somebody removes
// the file of a socket it holds: nobody can connect any more.
func openSocket(ctx context.Context, h *host, name string) error {
	socket := units.Socket(name)
	if err := h.systemd.Start(ctx, socket); err != nil {
		return err
	}
	project, _, err := overlapping(name)
	if err != nil || project.Main.Network != "unix" {
		return err
	}
	if _, err := os.Lstat(project.Main.Address); errors.Is(err, fs.ErrNotExist) {
		return h.systemd.Restart(ctx, socket)
	}
	return nil
}

// lockGenerations keeps a restart and a reload of one project out of each other's way: both need
// the next generation, and systemctl reload does not take the lock of all commands.
func lockGenerations(ctx context.Context, name, command string, waiting func(holder string) error) (unlock func(), err error) {
	return apply.Lock(ctx, filepath.Join("/run/sandwich", "."+name+".lock"), command, waiting)
}

// overlapping reads from the compiled route how a project is replaced, and whether it may run twice.
func overlapping(name string) (project overlap.Project, twice bool, err error) {
	compiled, err := compiledRoute(name)
	if err != nil {
		return overlap.Project{}, false, fmt.Errorf("%w\nhint: sandwich apply %s", err, name)
	}
	project = overlap.Project{
		Name: name, Domain: compiled.Domains[0], Drain: time.Duration(compiled.DrainMS) * time.Millisecond,
		Main: overlap.Address{Network: compiled.Upstream.Network, Address: compiled.Upstream.Address},
	}
	if compiled.Next != nil {
		project.Next = overlap.Address{Network: compiled.Next.Network, Address: compiled.Next.Address}
	}
	return project, compiled.Next != nil, nil
}
