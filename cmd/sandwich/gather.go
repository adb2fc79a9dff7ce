package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/django"
	"sandwich/units/inventory"
	"sandwich/units/machine"
	"sandwich/units/project"
	"sandwich/units/project/hostcheck"
	"sandwich/units/unitfile"
	"sandwich/units/why"
)

// gathering is one look at everything that can be why a project does not answer. It changes
// nothing and starts nothing: a project that sleeps sleeps on. What cannot be seen stays empty:
// that it could not be seen is seldom the cause.
type gathering struct {
	*host
	f     *why.Facts
	route *route.Route // nil when there is none that can be read
	draft *project.Project
	asked bool // the draft has all that the project itself says
}

func gather(ctx context.Context, h *host, name string) *why.Facts {
	g := &gathering{host: h, f: &why.Facts{Name: name, Now: time.Now(), Enabled: enabled(name), Closed: apply.SystemDirs.InMaintenance(name), File: filepath.Join(projectsDir, name+project.Extension)}}
	g.units(ctx)
	g.compiled()
	g.front(ctx)
	g.listener()
	g.journals(ctx)
	g.page(ctx)
	g.hosts(ctx)
	g.project(ctx)
	g.disks()
	g.changed(ctx)
	return g.f
}

func (g *gathering) units(ctx context.Context) {
	name := g.f.Name
	g.f.Service, g.f.Socket = g.unit(ctx, units.Service(name)), g.unit(ctx, units.Socket(name))
	g.f.Next, g.f.Slice = g.unit(ctx, units.NextService(name)), g.unit(ctx, units.Slice(name))
	g.f.Proxy.Service, g.f.Proxy.Socket = g.unit(ctx, proxyService), g.unit(ctx, proxySocket)
	g.f.NoJournal = g.unit(ctx, "systemd-journald.service").Active != "active"
}

func (g *gathering) unit(ctx context.Context, name string) why.Unit {
	u, err := g.systemd.Unit(ctx, name)
	if err != nil {
		return why.Unit{Name: name}
	}
	unit := why.Unit{
		Name: name, Load: u.LoadState, LoadError: u.LoadError, Active: u.ActiveState, Sub: u.SubState, Result: u.Result,
		DropIns: u.DropIns, Status: u.ExitStatus, Killed: u.ExitCode == killed || u.ExitCode == dumped, Restarts: u.Restarts,
		Invocation: u.InvocationID, Since: u.Since, Text: u.StatusText, Memory: u.Memory, MemoryHigh: u.MemoryHigh, MemoryMax: u.MemoryMax,
		Tasks: u.Tasks, TasksMax: u.TasksMax,
	}
	if content, err := os.ReadFile(cmp.Or(u.Fragment, filepath.Join(apply.SystemDirs.Units, name))); err == nil {
		intact, _, ours := unitfile.Check(string(content))
		unit.Edited = ours && !intact
	}
	return unit
}

// How a process ended (waitid(2), si_code).
const (
	killed = 2
	dumped = 3
)

func (g *gathering) compiled() {
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Routes, g.f.Name+".json"))
	if err != nil {
		return
	}
	if g.route, err = route.Decode(content); err == nil {
		g.f.Domains = g.route.Domains
		g.f.Listener.Address = g.route.Upstream.Address
	} else {
		g.route = nil
	}
}

// patience is how long a proxy that works needs at most for an answer over D-Bus.
const patience = 3 * time.Second

func (g *gathering) front(ctx context.Context) {
	p := &g.f.Proxy
	if p.Socket.Active != "active" {
		p.Holder = machine.Holder(80)
		return
	}
	service, err := g.systemd.Unit(ctx, proxyService)
	if err != nil || service.ActiveState != "active" {
		return
	}
	if p.Frozen = machine.Stopped(service.MainPID); p.Frozen {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	routes, err := g.proxy.Routes(ctx, g.f.Name)
	if err != nil {
		p.Frozen = ctx.Err() != nil
		return
	}
	served, ok := routes[g.f.Name]
	p.Known, p.Served, p.Upstream, p.InFlight, p.Held, p.LastError = true, ok, served.Upstream, served.InFlight, served.Held, served.LastUpstreamError
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Routes, g.f.Name+".json"))
	p.Current = err == nil && served.Hash == route.Hash(content)
}

// listener looks at the socket's file as the proxy's user meets it, and at who has a TCP address.
func (g *gathering) listener() {
	if g.route == nil {
		return
	}
	l := &g.f.Listener
	if g.route.Upstream.Network != "unix" {
		if address, err := netip.ParseAddrPort(l.Address); err == nil && g.f.Socket.Active != "active" {
			l.Holder = machine.Holder(address.Port())
		}
		return
	}
	_, err := os.Lstat(l.Address)
	l.Missing = errors.Is(err, fs.ErrNotExist)
	l.Blocked = hostcheck.Real().Connectable(l.Address, proxyUser)
}

// proxyUser is who the front proxy runs as.
const proxyUser = "sandwich-proxy"

// journalLines is how much of the journal is read for a verdict.
const journalLines = 500

func (g *gathering) journals(ctx context.Context) {
	if g.f.NoJournal {
		return
	}
	g.f.Journal = linesOf(ctx, units.Service(g.f.Name), journalLines)
	g.f.NextJournal = linesOf(ctx, units.NextService(g.f.Name), journalLines)
	if g.f.Socket.Active == "failed" {
		g.f.SocketJournal = linesOf(ctx, units.Socket(g.f.Name), 10)
	}
}

func linesOf(ctx context.Context, unit string, most int) []why.Line {
	records, err := dbusctl.Records(ctx, unit, most)
	if err != nil {
		return nil
	}
	lines := make([]why.Line, 0, len(records))
	for _, r := range records {
		lines = append(lines, why.Line{At: r.At, Invocation: r.Invocation, Text: r.Text})
	}
	return lines
}

// pageLimit is shorter than the time that a request may be held.
const pageLimit = 10 * time.Second

// page asks for the first page, but wakes nobody up.
func (g *gathering) page(ctx context.Context) {
	if len(g.f.Domains) == 0 || g.f.Proxy.Frozen || g.f.Service.Active != "active" {
		return
	}
	front, err := g.systemd.Reachable(ctx, proxySocket)
	if err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	status, err := ask(ctx, front.String(), g.f.Domains[0])
	g.f.Page = &why.Page{Status: status}
	if err != nil {
		g.f.Page.Err = err.Error()
	}
}

func (g *gathering) hosts(ctx context.Context) {
	own := machine.Addresses()
	public := slices.ContainsFunc(own, machine.Public)
	found := make([]why.Host, len(g.f.Domains))
	var all sync.WaitGroup
	for i, domain := range g.f.Domains {
		all.Go(func() { found[i] = g.hostNamed(ctx, domain, own, public) })
	}
	all.Wait()
	g.f.Hosts = found
}

func (g *gathering) hostNamed(ctx context.Context, domain string, own []netip.Addr, public bool) why.Host {
	h := why.Host{Name: domain, Public: public}
	if expires, err := machine.Expiry(ctx, "127.0.0.1:443", domain); err == nil {
		h.Expires = expires
	}
	addresses, err := machine.Where(ctx, domain)
	switch {
	case errors.Is(err, machine.ErrNoAnswer):
	case err != nil:
		h.Err = err.Error()
	case !slices.ContainsFunc(addresses, func(a netip.Addr) bool { return slices.Contains(own, a) }):
		for _, a := range addresses {
			h.Elsewhere = append(h.Elsewhere, a.String())
		}
	}
	return h
}

// project reads the project file, and as root asks the project itself, unless the reason is plain
// already: a project that fails to start need not be started twice more.
func (g *gathering) project(ctx context.Context) {
	run := newAsker(g.host)
	if len(why.Judge(g.f)) > 0 {
		run = nil
	}
	found, err := inventory.Read(ctx, inventory.Options{
		ProjectsDir: projectsDir, HostFile: hostFile, Names: []string{g.f.Name}, Enabled: enabled, Run: run, Examine: true,
	})
	if err != nil {
		return
	}
	entry := found.Entries[0]
	g.f.NoFile = errors.Is(entry.Err, inventory.ErrNoProject)
	g.advice(found.Diagnostics())
	if entry.Draft == nil {
		return
	}
	g.draft, g.asked = entry.Draft, entry.Facts != nil
	d := entry.Draft
	g.f.User, g.f.Python, g.f.Dir, g.f.Settings, g.f.EnvFile = d.User, d.Python, d.Dir, d.Settings, d.EnvFile
	for _, need := range d.Needs {
		g.f.Needs = append(g.f.Needs, g.unit(ctx, need))
	}
	if entry.Facts != nil && entry.Facts.Examined != nil {
		g.f.Examined = examined(entry.Facts)
	}
}

func examined(facts *django.Facts) *why.Examination {
	e := &why.Examination{Pending: facts.Examined.Pending, Hosts: facts.AllowedHosts, Page: facts.Examined.Page, Traceback: facts.Examined.Traceback}
	for _, d := range facts.Examined.Databases {
		e.Databases = append(e.Databases, why.Database(d))
	}
	return e
}

func (g *gathering) advice(diags hcl.Diagnostics) {
	for _, m := range mistakes(diags) {
		if slices.Contains(project.Unasked, m.Summary) {
			continue
		}
		g.f.Mistakes = append(g.f.Mistakes, why.Advice{Summary: m.Summary, Detail: m.Detail, Place: m.place(), Error: m.Severity == "error"})
	}
}

// disks looks at the file systems that the project writes to.
func (g *gathering) disks() {
	paths := []string{"/run/sandwich", "/var/lib/sandwich", "/tmp"}
	if g.draft != nil {
		paths = append(slices.Clone(g.draft.Writable), paths...)
		paths = append(paths, g.draft.Root)
	}
	for _, path := range paths {
		if room, err := machine.RoomOf(path); err == nil && path != "" {
			g.f.Disks = append(g.f.Disks, why.Disk{Path: path, Free: room.Free, FreeInodes: room.FreeInodes, Inodes: room.Inodes})
		}
	}
}

// changed says whether the project file says something else than what was applied. Only what is
// newer than the route is worth the comparison.
func (g *gathering) changed(ctx context.Context) {
	file, err := os.Stat(g.f.File)
	if err != nil || g.route == nil || !g.asked || hasErrors(g.f.Mistakes) {
		return
	}
	compiled, err := os.Stat(filepath.Join(apply.SystemDirs.Routes, g.f.Name+".json"))
	if err != nil || !file.ModTime().After(compiled.ModTime()) {
		return
	}
	wanted, err := wantedOf(g.draft, g.version, false)
	if err != nil {
		return
	}
	plans, errs := plansOf(ctx, g.host, []apply.Wanted{wanted}, nil)
	g.f.Changed = errs[0] == nil && slices.ContainsFunc(plans[0].Steps, func(s apply.Step) bool { return s.New != nil && !bytes.Equal(s.Old, s.New) })
}

func hasErrors(list []why.Advice) bool {
	return slices.ContainsFunc(list, func(a why.Advice) bool { return a.Error })
}
