package apply

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sandwich/units/unitfile"
)

// Wanted is what a project should be.
type Wanted struct {
	Name   string
	Domain string          // where Probe asks
	Units  []unitfile.File // none: the project should be gone
	// Instances are the units of templates among Units that should run.
	Instances []string
	Route     []byte
	Start     bool // start what does not run; otherwise only what runs is touched
}

// Systemd is what this package needs of the service manager.
type Systemd interface {
	DaemonReload(ctx context.Context) error
	Start(ctx context.Context, units ...string) error
	Stop(ctx context.Context, units ...string) error
	Restart(ctx context.Context, units ...string) error
	ReloadOrRestart(ctx context.Context, units ...string) error
	ResetFailed(ctx context.Context, unit string) error
	// Units tells how units are; of one that there is not, that its LoadState is not-found.
	Units(ctx context.Context, names []string) (map[string]UnitState, error)
	// Listed tells LoadState and ActiveState of units alone, which is quick for many of them.
	Listed(ctx context.Context, names []string) (map[string]UnitState, error)
	// Loaded names the units in memory that match a pattern with stars.
	Loaded(ctx context.Context, pattern string) ([]string, error)
}

// UnitState is what a plan needs to know of a unit.
type UnitState struct {
	LoadState, LoadError string
	ActiveState          string
	NeedReload           bool
	Started              time.Time
	DropIns              []string
}

// runs says whether the unit is up or on its way up: then a change of its file asks for a restart.
func (u UnitState) runs() bool {
	return u.ActiveState == "active" || u.ActiveState == "activating" || u.ActiveState == "reloading"
}

// Proxy is what this package needs of the front proxy.
type Proxy interface {
	Apply(ctx context.Context, project string) error
	Forget(ctx context.Context, project string) error
}

// Found is what is there of a project now.
type Found struct {
	files  map[string]*file // unit name -> generated file; nil when there is none, as for an instance
	route  *file
	links  map[string][]string // unit -> links that have it started at boot
	states map[string]UnitState
	served string // hash of the route that the proxy serves; "" when it serves none
}

// Look finds out what is there of a project. served is the hash of the route the proxy serves.
func Look(ctx context.Context, dirs Dirs, systemd Systemd, wanted Wanted, served string) (Found, error) {
	found, errs := LookAll(ctx, dirs, systemd, []Wanted{wanted}, map[string]string{wanted.Name: served})
	return found[0], errs[0]
}

// LookAll is Look for many projects, with hardly more questions to systemd than for one. served has the
// hash of each project's route. What cannot be read of one project is the error of that one, by its place
// in the list.
func LookAll(ctx context.Context, dirs Dirs, systemd Systemd, list []Wanted, served map[string]string) ([]Found, []error) {
	found, errs := make([]Found, len(list)), make([]error, len(list))
	copies, err := copiesOf(ctx, systemd, list)
	if err != nil {
		return found, failAll(errs, err)
	}
	units, err := dirs.projects()
	if err != nil {
		return found, failAll(errs, err)
	}
	links, err := dirs.installed()
	if err != nil {
		return found, failAll(errs, err)
	}
	var names []string
	for i, wanted := range list {
		found[i], errs[i] = onDisk(dirs, wanted, units[wanted.Name], append(copies[wanted.Name], wanted.Instances...))
		found[i].served, found[i].links = served[wanted.Name], links
		names = append(names, found[i].units()...)
	}
	states, err := systemd.Units(ctx, names)
	if err != nil {
		return found, failAll(errs, err)
	}
	for i := range found {
		for _, name := range found[i].units() {
			found[i].states[name] = states[name]
		}
	}
	return found, errs
}

func failAll(errs []error, err error) []error {
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// copiesOf names the copies of workers in memory, by project. systemd goes through all its units for it:
// once.
func copiesOf(ctx context.Context, systemd Systemd, list []Wanted) (map[string][]string, error) {
	pattern := "sandwich-*.*@*.service"
	if len(list) == 1 {
		pattern = "sandwich-" + list[0].Name + ".*@*.service"
	}
	loaded, err := systemd.Loaded(ctx, pattern)
	if err != nil {
		return nil, err
	}
	copies := map[string][]string{}
	for _, unit := range loaded {
		// A project's name has no dot.
		project, _, _ := strings.Cut(strings.TrimPrefix(unit, "sandwich-"), ".")
		copies[project] = append(copies[project], unit)
	}
	return copies, nil
}

// onDisk is what is there of a project but for the states of its units. names are those of the units that
// have files, instances are copies of workers: those that should run, and those that do.
func onDisk(dirs Dirs, wanted Wanted, names, instances []string) (Found, error) {
	found := Found{files: map[string]*file{}, states: map[string]UnitState{}}
	for _, unit := range wanted.Units {
		names = append(names, unit.Name)
	}
	var err error
	for _, name := range names {
		if found.files[name], err = readUnitFile(dirs.unit(name)); err != nil {
			return Found{}, err
		}
	}
	for _, name := range instances {
		if !isTemplate(name) {
			found.files[name] = nil
		}
	}
	found.route, err = readFile(dirs.route(wanted.Name))
	return found, err
}

// units are those that have a state: of a template only its instances have.
func (f Found) units() []string {
	var names []string
	for name := range f.files {
		if !isTemplate(name) {
			names = append(names, name)
		}
	}
	return names
}

func isTemplate(name string) bool { return strings.Contains(name, "@.") }

// isInstance says whether a unit is a copy of a worker.
func isInstance(name string) bool { return strings.Contains(name, "@") && !isTemplate(name) }

// fileOf is the unit file that a unit is made from: an instance has that of its template.
func fileOf(unit string) string {
	before, after, ok := strings.Cut(unit, "@")
	if !ok {
		return unit
	}
	return before + "@" + after[strings.LastIndex(after, "."):]
}

// readUnitFile reads a unit file that sandwich wrote; one that it did not write is an error.
func readUnitFile(path string) (*file, error) {
	f, err := readFile(path)
	if err != nil || f == nil {
		return f, err
	}
	if _, _, ours := unitfile.Check(string(f.content)); !ours {
		return nil, fmt.Errorf("%s was not written by sandwich: move it away first", path)
	}
	return f, nil
}

// projects are the units that have files, by project.
func (d Dirs) projects() (map[string][]string, error) {
	entries, err := os.ReadDir(d.Units)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the units: %w", err)
	}
	names := map[string][]string{}
	for _, e := range entries {
		rest, ours := strings.CutPrefix(e.Name(), "sandwich-")
		if !ours || !isUnit(e.Name()) {
			continue
		}
		// A project's name has no dot, and a slice's no dash of its own.
		project, _, _ := strings.Cut(rest, ".")
		project = strings.ReplaceAll(project, `\x2d`, "-")
		names[project] = append(names[project], e.Name())
	}
	return names, nil
}

// isUnit leaves out the directories that systemctl edit and systemctl enable make.
func isUnit(path string) bool {
	switch strings.TrimPrefix(filepath.Ext(path), ".") {
	case "socket", "service", "timer", "slice", "target":
		return true
	}
	return false
}
