package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units/apply"
	"sandwich/units/inventory"
	"sandwich/units/project"
)

// prepared is what a command knows before it changes anything.
type prepared struct {
	inventory *inventory.Inventory
	plans     []apply.Plan
	mistakes  bool // a project file has mistakes; they are printed
	unplanned int  // projects that could not be planned; why is printed
}

// exit is how a command ends after its plans were carried out, or only shown.
func (p *prepared) exit(failed map[string]error) error {
	switch {
	case p.mistakes:
		return &exitError{code: exitMistakes}
	case p.unplanned > 0 || len(failed) > 0:
		return &exitError{code: exitFailed}
	}
	return nil
}

// read reads project files and asks the projects.
func read(ctx context.Context, h *host, names []string) (*inventory.Inventory, error) {
	return inventory.Read(ctx, inventory.Options{
		ProjectsDir: projectsDir, HostFile: hostFile, Names: names, Enabled: enabled, Served: servedHosts, Releases: lastReleases, Scale: scaleOf, Run: newAsker(h),
	})
}

// prepare reads projects and plans those without mistakes. start says of each whether what does
// not run is to be started.
// routes are what the proxy says that it serves.
func (t *terminal) prepare(ctx context.Context, h *host, names []string, routes map[string]dbusctl.Route, start func(string) bool) (*prepared, error) {
	job := &prepared{inventory: &inventory.Inventory{Host: project.DefaultHost()}}
	if len(names) == 0 {
		return job, nil
	}
	done := t.slow("reading " + strings.Join(names, ", "))
	var err error
	job.inventory, err = read(ctx, h, names)
	done()
	if err != nil {
		return nil, err
	}
	job.mistakes = t.mistakesOnly(job.inventory)
	if missing := job.inventory.Missing(); len(missing) > 0 {
		t.tell("error: %s: enabled, but its project file is gone\nhint: sandwich disable %s", missing[0], missing[0])
		job.unplanned++
	}
	if !job.inventory.HostDiagnostics.HasErrors() {
		t.planHost(job)
	}
	t.planAll(ctx, h, job, hashes(routes), start)
	return job, nil
}

// mistakesOnly prints the mistakes, and says whether there are any. Warnings of projects are counted:
// they are not about what is done now, and check shows them.
func (t *terminal) mistakesOnly(found *inventory.Inventory) bool {
	diags := slices.Clone(found.HostDiagnostics)
	for _, entry := range found.Entries {
		errs := errorsOf(entry.Diagnostics)
		diags = append(diags, errs...)
		switch n := len(entry.Diagnostics) - len(errs); n {
		case 0:
		case 1:
			t.tell("%s: a warning, shown by: sandwich check %s", entry.Name, entry.Name)
		default:
			t.tell("%s: %d warnings, shown by: sandwich check %s", entry.Name, n, entry.Name)
		}
	}
	return t.diagnostics(t.stderr, found, diags)
}

func errorsOf(diags hcl.Diagnostics) (errs hcl.Diagnostics) {
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			errs = append(errs, d)
		}
	}
	return errs
}

// planAll plans every project that has no mistakes.
func (t *terminal) planAll(ctx context.Context, h *host, job *prepared, served map[string]string, start func(string) bool) {
	var projects []*project.Project
	var list []apply.Wanted
	for _, entry := range job.inventory.Entries {
		if entry.Project == nil {
			continue
		}
		wanted, err := wantedOf(entry.Project, h.version, start(entry.Name))
		if err != nil {
			t.unplanned(job, entry.Name, err)
			continue
		}
		projects, list = append(projects, entry.Project), append(list, wanted)
	}
	plans, errs := plansOf(ctx, h, list, served)
	for i, p := range projects {
		if errs[i] != nil {
			t.unplanned(job, p.Name, errs[i])
			continue
		}
		plans[i].Notes = append(facts(p), plans[i].Notes...)
		job.plans = append(job.plans, plans[i])
	}
}

func (t *terminal) unplanned(job *prepared, name string, err error) {
	job.unplanned++
	t.tell("error: %s: %v", name, err)
}

// facts tell what sandwich chose for the project, with its reason.
func facts(p *project.Project) []string {
	var list []string
	if p.Gunicorn.WorkersReason != "" {
		list = append(list, fmt.Sprintf("%d workers: %s", p.Gunicorn.Workers, p.Gunicorn.WorkersReason))
	}
	for _, w := range p.Workers {
		if w.CountReason != "" {
			list = append(list, fmt.Sprintf("%d of worker %s: %s", w.Count, w.Name, w.CountReason))
		}
	}
	if p.Gunicorn.Config != "" {
		list = append(list, "gunicorn settings of its own: "+p.Gunicorn.Config)
	}
	if p.TLS.Mode == route.TLSAuto {
		list = append(list, "certificates for its hosts are ordered as soon as their names lead to this host (sandwich tls plan "+p.Name+")")
	}
	for _, dir := range p.Writable {
		list = append(list, "it may write to "+dir)
	}
	return list
}

// planHost plans the proxy's own settings, when they changed.
func (t *terminal) planHost(job *prepared) {
	wanted, err := hostWanted(job.inventory)
	if err == nil {
		var plan apply.Plan
		if plan, err = apply.MakeHost(apply.SystemDirs, wanted); err == nil {
			if len(plan.Steps) > 0 {
				job.plans = append(job.plans, plan)
			}
			return
		}
	}
	job.unplanned++
	t.tell("error: the proxy's settings: %v", err)
}

// hostWanted compiles the host file for the proxy. What the file does not state stays as packaged.
func hostWanted(i *inventory.Inventory) (apply.HostWanted, error) {
	var wanted apply.HostWanted
	states := func(key string) bool { return i.Host.Source != nil && i.Host.Source.States(key) }
	if states("proxy.http") || states("proxy.https") {
		wanted.Listen = slices.Concat(i.Host.HTTP, i.Host.HTTPS)
	}
	wanted.Packets = packets(i.Host, len(wanted.Listen) > 0)
	if len(i.Host.TrustedProxies) == 0 && i.Host.MemoryBudget == 0 && !states("proxy.https") && i.Host.Metrics == "" {
		return wanted, nil
	}
	settings := route.DefaultSettings()
	settings.Metrics = i.Host.Metrics
	settings.MemoryBudget = i.Host.MemoryBudget
	settings.ProxyProtocol = i.Host.ProxyProtocol
	if states("proxy.https") {
		settings.HTTPS = i.Host.HTTPS
	}
	for _, network := range i.Host.TrustedProxies {
		prefix, err := netip.ParsePrefix(network)
		if err != nil {
			return wanted, fmt.Errorf("cannot read the trusted proxy %q: %w", network, err)
		}
		settings.TrustedProxies = append(settings.TrustedProxies, prefix)
	}
	var err error
	wanted.Settings, err = route.EncodeSettings(settings)
	return wanted, err
}

// packets are the UDP addresses of HTTP/3: those of HTTPS, or the packaged one like it.
func packets(h *project.Host, isStated bool) []string {
	switch {
	case !h.HTTP3:
		return nil
	case isStated:
		return h.HTTPS
	}
	return []string{"443"}
}
