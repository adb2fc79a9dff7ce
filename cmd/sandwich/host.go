package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"sandwich/dbusctl"
	"sandwich/units/apply"
)

// Where a host keeps its project files and settings.
const (
	projectsDir = "/etc/sandwich/projects"
	hostFile    = "/etc/sandwich/sandwich.hcl"
)

// host is the machine a command works on: systemd and the proxy, each one connection.
type host struct {
	systemd *dbusctl.Systemd
	proxy   *dbusctl.Proxy
	version int // of systemd

	address atomic.Pointer[netip.AddrPort] // of the proxy, when somebody has asked
}

// openHost connects to systemd and the bus. The caller closes it.
func openHost(ctx context.Context) (*host, error) {
	systemd, err := dbusctl.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w\nhint: sandwich doctor", err)
	}
	version, err := systemd.Version()
	if err != nil {
		systemd.Close()
		return nil, err
	}
	if version < oldestSystemd {
		systemd.Close()
		return nil, tooOldError(version)
	}
	proxy, err := dbusctl.ConnectProxy()
	if err != nil {
		systemd.Close()
		return nil, err
	}
	return &host{systemd: systemd, proxy: proxy, version: version}, nil
}

// tooOldError is the version of a systemd that is too old.
type tooOldError int

func (e tooOldError) Error() string {
	return fmt.Sprintf("systemd %d is too old: sandwich needs %d or later", int(e), oldestSystemd)
}

// oldestSystemd is the floor that the generated units are written for.
const oldestSystemd = 249

func (h *host) close() {
	h.systemd.Close()
	h.proxy.Close()
}

// hashes are those of the routes that the proxy has loaded.
func hashes(routes map[string]dbusctl.Route) map[string]string {
	hashes := make(map[string]string, len(routes))
	for name, route := range routes {
		hashes[name] = route.Hash
	}
	return hashes
}

// served is what the proxy says of each project, when any is asked for; nothing when it does not run.
func (h *host) served(ctx context.Context, names []string) (map[string]dbusctl.Route, error) {
	if len(names) == 0 {
		return nil, nil
	}
	routes, err := h.proxy.Routes(ctx, names...)
	if errors.Is(err, dbusctl.ErrNoProxy) {
		return nil, nil
	}
	return routes, err
}

// manager is systemd as units/apply wants it.
type manager struct{ *dbusctl.Systemd }

func (m manager) Units(ctx context.Context, names []string) (map[string]apply.UnitState, error) {
	return stated(m.Overview(ctx, names...))
}

func (m manager) Listed(ctx context.Context, names []string) (map[string]apply.UnitState, error) {
	return stated(m.Systemd.Listed(ctx, names...))
}

func stated(found map[string]dbusctl.Unit, err error) (map[string]apply.UnitState, error) {
	states := make(map[string]apply.UnitState, len(found))
	for name, u := range found {
		states[name] = apply.UnitState{
			LoadState: u.LoadState, LoadError: u.LoadError, ActiveState: u.ActiveState,
			NeedReload: u.NeedReload, Started: u.Started, DropIns: u.DropIns,
		}
	}
	return states, err
}

// needRoot says which right is missing before anything is tried.
func needRoot(verb string) error {
	if os.Geteuid() == 0 {
		return nil
	}
	right := "root"
	if delegable[verb] != nil {
		right += ", or that you are among the admins of the project"
	}
	return fmt.Errorf("sandwich %s needs %s\nhint: sudo sandwich %s", verb, right, strings.Join(os.Args[1:], " "))
}

// changing does what changes the host: as root, and under the one lock of all such commands.
func (t *terminal) changing(ctx context.Context, verb string, do func(*host) error) error {
	if err := needRoot(verb); err != nil {
		return err
	}
	unlock, err := apply.Lock(ctx, apply.LockFile, "sandwich "+verb, t.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	h, err := openHost(ctx)
	if err != nil {
		return err
	}
	defer h.close()
	return do(h)
}

// unlocked does what changes the host in a way that systemd alone sees to.
func (t *terminal) unlocked(ctx context.Context, verb string, do func(*host) error) error {
	if err := needRoot(verb); err != nil {
		return err
	}
	h, err := openHost(ctx)
	if err != nil {
		return err
	}
	defer h.close()
	return do(h)
}

func (t *terminal) waiting(holder string) error {
	t.tell("waiting for %s", holder)
	return nil
}
