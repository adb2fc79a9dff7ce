// Package apply compares the unit files and routes that projects should have with what is on the
// disk, in systemd and in the proxy, and carries the difference out: plan, write, roll back. What
// the files should say is decided in units; how systemd is reached is left to the caller.
package apply

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"sandwich/proxy/route"
	"sandwich/units"
	"sandwich/units/unitfile"
)

// Make plans what turns found into wanted. It is pure.
func Make(dirs Dirs, wanted Wanted, found Found) Plan {
	p := planner{dirs: dirs, wanted: wanted, found: found, changed: map[string]bool{}}
	if len(wanted.Units) == 0 {
		p.takeAway()
	} else {
		p.bringUp()
	}
	return Plan{Project: wanted.Name, Steps: p.steps, Notes: p.notes()}
}

type planner struct {
	dirs    Dirs
	wanted  Wanted
	found   Found
	changed map[string]bool // units whose file is written anew
	steps   []Step
}

func (p *planner) add(verb Verb, object, why string) {
	p.steps = append(p.steps, Step{Project: p.wanted.Name, Verb: verb, Object: object, Why: why})
}

func (p *planner) bringUp() {
	p.writeUnits()
	p.dropUnits(func(name string) bool { return !p.wants(name) })
	p.enableUnits()
	p.reload()
	p.startUnits()
	p.serve()
	p.probe()
}

// takeAway starts with the route: from then on the project counts as disabled, and whatever a
// killed command left is taken away by the next one.
func (p *planner) takeAway() {
	path := p.dirs.route(p.wanted.Name)
	if p.found.route != nil || p.found.served != "" {
		p.steps = append(p.steps, Step{Project: p.wanted.Name, Verb: Forget, Object: path, Old: content(p.found.route)})
	}
	p.dropUnits(func(string) bool { return true })
	p.reload()
}

func (p *planner) wants(name string) bool {
	return slices.Contains(p.wanted.Instances, name) ||
		slices.ContainsFunc(p.wanted.Units, func(u unitfile.File) bool { return u.Name == name })
}

func (p *planner) writeUnits() {
	for _, unit := range p.wanted.Units {
		old := p.found.files[unit.Name]
		if old != nil && string(old.content) == unit.Content {
			continue
		}
		p.changed[unit.Name] = true
		p.steps = append(p.steps, Step{
			Project: p.wanted.Name, Verb: Write, Object: p.dirs.unit(unit.Name),
			Why: writeReason(old, unit.Content), Old: content(old), OldTime: written(old), New: []byte(unit.Content),
		})
	}
}

func writeReason(old *file, wanted string) string {
	if old == nil {
		return "new"
	}
	reason := strings.Join(changedDirectives(string(old.content), wanted), ", ")
	if reason == "" {
		reason = "only comments changed"
	} else {
		reason = "changed: " + reason
	}
	if intact, _, _ := unitfile.Check(string(old.content)); !intact {
		reason += "; it was edited by hand, that edit goes"
	}
	return reason
}

// dropUnits takes unit files away. The socket is stopped first: otherwise the next visitor would
// start the service again.
func (p *planner) dropUnits(drop func(string) bool) {
	var names []string
	for name, f := range p.found.files {
		if drop(name) && (f != nil || p.found.states[name].runs() || p.found.states[name].ActiveState == "failed") {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := stopOrder(a) - stopOrder(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if state := p.found.states[name].ActiveState; state != "inactive" && !isTemplate(name) {
			p.add(Stop, name, p.stopReason(name))
		}
	}
	for _, name := range names {
		if links := p.found.links[name]; len(links) > 0 {
			p.steps = append(p.steps, Step{Project: p.wanted.Name, Verb: Disable, Object: name, Links: links})
		}
	}
	for _, name := range names {
		if f := p.found.files[name]; f != nil {
			p.steps = append(p.steps, Step{Project: p.wanted.Name, Verb: Remove, Object: p.dirs.unit(name), Old: f.content, OldTime: f.changed})
		}
	}
}

func (p *planner) stopReason(name string) string {
	if template := fileOf(name); template != name && p.wants(template) {
		return "there should be fewer of it"
	}
	return ""
}

func stopOrder(name string) int {
	return slices.IndexFunc([]string{".socket", ".timer", ".service", ".target", ".slice"}, func(suffix string) bool {
		return strings.HasSuffix(name, suffix)
	})
}

// enableUnits has the units start at boot. Only enable does so, and apply for a timer that is new:
// whoever disabled a unit with systemctl meant it.
func (p *planner) enableUnits() {
	for _, unit := range p.wanted.Units {
		if !p.wanted.Start && !p.isNewTimer(unit.Name) {
			continue
		}
		if links := missing(p.dirs.links(unit), p.found.links[unit.Name]); len(links) > 0 {
			p.steps = append(p.steps, Step{Project: p.wanted.Name, Verb: Enable, Object: unit.Name, Links: links})
		}
	}
}

func (p *planner) isNewTimer(name string) bool {
	return strings.HasSuffix(name, ".timer") && p.found.files[name] == nil
}

func (p *planner) reload() {
	touched := slices.ContainsFunc(p.steps, func(s Step) bool {
		return s.Verb == Write || s.Verb == Remove || s.Verb == Enable || s.Verb == Disable
	})
	stale := ""
	for name, state := range p.found.states {
		if p.found.files[fileOf(name)] != nil && (state.NeedReload || state.LoadState == "not-found") {
			stale = "files changed since it read them"
		}
	}
	if touched || stale != "" {
		p.add(Reload, "", stale)
	}
}

func (p *planner) startUnits() {
	socket, service, target := units.Socket(p.wanted.Name), units.Service(p.wanted.Name), units.Target(p.wanted.Name)
	wasUp := p.found.states[service].runs()
	switch {
	case p.changed[socket] && p.found.states[socket].runs():
		// A listening socket keeps its old address until it is closed.
		p.add(Restart, socket, "its file changed; the service restarts with it")
		if wasUp || p.wanted.Start {
			p.add(Start, service, "")
		}
	default:
		p.startIfDown(socket)
		switch reason := p.restartReason(service); {
		case wasUp && reason != "":
			p.add(Restart, service, reason)
		case p.wanted.Start && p.found.states[service].ActiveState == "activating":
			// Whoever repaired a project that fails again and again wants the new code, not the end of
			// an attempt that began with the old one.
			p.add(Restart, service, "it is being started, maybe not with what is there by now")
		default:
			p.startIfDown(service)
		}
	}
	p.startIfDown(target)
	p.startTimers()
	p.startWorkers()
}

// startTimers starts timers that are new, and those whose times have changed again: systemd goes by
// what it read when it started them.
func (p *planner) startTimers() {
	up := p.found.states[units.Target(p.wanted.Name)].runs()
	for _, unit := range p.wanted.Units {
		if !strings.HasSuffix(unit.Name, ".timer") {
			continue
		}
		switch state := p.found.states[unit.Name]; {
		case state.runs() && p.changed[unit.Name]:
			p.add(Restart, unit.Name, "its times changed; what runs is left alone")
		case up && p.isNewTimer(unit.Name):
			p.add(Start, unit.Name, "new")
		default:
			p.startIfDown(unit.Name)
		}
	}
}

// startWorkers restarts the copies of workers whose template changed, and starts those that are
// more than before. A copy that somebody stopped stays down.
func (p *planner) startWorkers() {
	up := p.found.states[units.Target(p.wanted.Name)].runs()
	before := p.found.files[units.Target(p.wanted.Name)]
	for _, name := range p.wanted.Instances {
		reason := p.restartReason(name)
		switch isNew := before == nil || !strings.Contains(string(before.content), "\nWants="+name+"\n"); {
		case p.found.states[name].runs() && reason != "":
			p.add(Restart, name, reason)
		case up && isNew && !p.found.states[name].runs():
			p.add(Start, name, "there should be more of it")
		default:
			p.startIfDown(name)
		}
	}
}

func (p *planner) startIfDown(name string) {
	if p.wanted.Start && p.found.states[name].ActiveState != "active" {
		p.add(Start, name, "")
	}
}

// restartReason says why a running service must be restarted, "" when it need not.
func (p *planner) restartReason(name string) string {
	state, f := p.found.states[name], p.found.files[fileOf(name)]
	switch {
	case p.changed[fileOf(name)]:
		return "its unit file changed"
	case f != nil && !state.Started.IsZero() && state.Started.Before(f.changed):
		return "it runs since before its unit file was written"
	}
	return ""
}

func (p *planner) serve() {
	path := p.dirs.route(p.wanted.Name)
	why := ""
	switch {
	case p.found.route == nil:
		why = "new"
	case !bytes.Equal(p.found.route.content, p.wanted.Route):
		why = "changed"
	case p.found.served != route.Hash(p.wanted.Route):
		why = "the proxy has not loaded it"
	default:
		return
	}
	p.steps = append(p.steps, Step{
		Project: p.wanted.Name, Verb: Serve, Object: path, Why: why,
		Old: content(p.found.route), New: p.wanted.Route,
	})
}

func (p *planner) probe() {
	plan := Plan{Steps: p.steps}
	if p.wanted.Start && len(p.steps) > 0 || plan.restarts(units.Service(p.wanted.Name), units.Socket(p.wanted.Name)) {
		p.add(Probe, p.wanted.Domain, "")
	}
}

// notes tell what an administrator changed beside sandwich; none of it is touched.
func (p *planner) notes() []string {
	var notes []string
	for name, state := range p.found.states {
		for _, dropIn := range state.DropIns {
			notes = append(notes, fmt.Sprintf("%s is extended by %s", name, dropIn))
		}
	}
	slices.Sort(notes)
	return notes
}

func written(f *file) time.Time {
	if f == nil {
		return time.Time{}
	}
	return f.changed
}

func content(f *file) []byte {
	if f == nil {
		return nil
	}
	return f.content
}
