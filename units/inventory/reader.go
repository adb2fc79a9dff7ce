package inventory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units"
	"sandwich/units/django"
	"sandwich/units/project"
	"sandwich/units/project/hostcheck"
)

// atOnce is how many projects are asked at the same time: each starts a python.
const atOnce = 4

// reader is one Read on its way.
type reader struct {
	Options
	inventory *Inventory
	others    []*project.Project // of files that were not asked for: their host names count
	reading   sync.Mutex         // for the inventory's sources
}

func newReader(o Options) (*reader, error) {
	dir, err := filepath.Abs(o.ProjectsDir)
	if err != nil {
		return nil, fmt.Errorf("cannot find the project files: %w", err)
	}
	o.ProjectsDir = dir
	if o.System == nil {
		o.System = hostcheck.Real()
	}
	o.CPUs = cmp.Or(o.CPUs, runtime.NumCPU())
	o.ProxyUser = cmp.Or(o.ProxyUser, "sandwich-proxy")
	if o.Run == nil {
		o.Unasked = cmp.Or(o.Unasked, "only root may run it")
	}
	return &reader{Options: o, inventory: &Inventory{sources: map[string][]byte{}}}, nil
}

// host reads the host file. One that is not there is as if it were empty.
func (r *reader) host() {
	i := r.inventory
	i.Host = project.DefaultHost()
	if r.HostFile != "" {
		src, err := readFile(r.HostFile)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			i.HostDiagnostics = unreadable(r.HostFile, err)
		default:
			i.sources[r.HostFile] = src
			i.Host, i.HostDiagnostics = project.LoadHost(r.HostFile, src)
		}
	}
	i.Host.Outside = outside(r.System)
}

// files lists the project files and loads each: the wanted ones become entries.
func (r *reader) files() error {
	present, err := r.present()
	if err != nil {
		return err
	}
	wanted := slices.Clone(r.Names)
	if len(wanted) == 0 {
		wanted = present
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	there, asked := set(present), set(wanted)
	others := slices.DeleteFunc(slices.Clone(present), func(name string) bool { return asked[name] })
	r.inventory.Entries = make([]*Entry, len(wanted))
	r.others = make([]*project.Project, len(others))
	// A host may have a thousand files.
	r.sideBySide(len(wanted), func(i int) { r.inventory.Entries[i] = r.entry(wanted[i], there[wanted[i]]) })
	r.sideBySide(len(others), func(i int) { r.others[i] = r.other(others[i]) })
	r.others = slices.DeleteFunc(r.others, func(p *project.Project) bool { return p == nil })
	return nil
}

func set(names []string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// sideBySide does something with the numbers up to n, as many at a time as there are processors.
func (r *reader) sideBySide(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, r.CPUs) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// present are the names of the project files.
func (r *reader) present() ([]string, error) {
	entries, err := os.ReadDir(r.ProjectsDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot list the project files: %w", err)
	}
	var names []string
	for _, e := range entries {
		name, isProject := strings.CutSuffix(e.Name(), project.Extension)
		if isProject && !strings.HasPrefix(name, ".") && !e.IsDir() {
			names = append(names, name)
		}
	}
	for name := range r.Unwritten {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, nil
}

func (r *reader) entry(name string, present bool) *Entry {
	e := &Entry{Name: name}
	if !present {
		e.Err = ErrNoProject
		if project.CheckName(name) == nil {
			e.File = r.path(name)
		}
		return e
	}
	e.File = r.path(name)
	e.Draft, e.Diagnostics = r.load(e.File)
	return e
}

func (r *reader) path(name string) string {
	return filepath.Join(r.ProjectsDir, name+project.Extension)
}

// load reads and loads one file. Mistakes that the host file has by itself are not told again.
func (r *reader) load(file string) (*project.Project, hcl.Diagnostics) {
	src, unwritten := r.Unwritten[project.NameOf(file)]
	if !unwritten {
		var err error
		if src, err = readFile(file); err != nil {
			return nil, unreadable(file, err)
		}
	}
	r.reading.Lock()
	r.inventory.sources[file] = src
	r.reading.Unlock()
	p, diags := project.Load(file, src, r.inventory.Host)
	return p, slices.DeleteFunc(diags, r.told)
}

func (r *reader) told(d *hcl.Diagnostic) bool {
	return slices.ContainsFunc(r.inventory.HostDiagnostics, func(h *hcl.Diagnostic) bool {
		return d.Subject != nil && h.Subject != nil && *d.Subject == *h.Subject && d.Summary == h.Summary
	})
}

// other is a project that was not asked for, as far as its file can be read; nil without.
func (r *reader) other(name string) *project.Project {
	if p, diags := r.load(r.path(name)); p != nil && !diags.HasErrors() {
		return p
	}
	return nil
}

// look does for every entry what takes time, some at once.
func (r *reader) look(ctx context.Context) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, e := range r.inventory.Entries {
		if e.Draft == nil {
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			r.lookAt(ctx, e)
		})
	}
	wait.Wait()
}

// lookAt completes one entry: tree, host, the project's own answer, and what follows from them.
func (r *reader) lookAt(ctx context.Context, e *Entry) {
	loaded, found := e.Draft, r.found(e)
	draft, _ := project.Complete(loaded, found)
	found.Interpreter = interpreter(draft.Python)
	e.Diagnostics = append(e.Diagnostics, hostcheck.Basics(draft, r.System)...)
	if r.Run != nil && askable(draft, e.Diagnostics) {
		found.Facts = r.ask(ctx, e, draft)
	} else if r.Run != nil {
		found.Unasked = "" // what keeps it from being asked has been told
	}
	e.Facts = found.Facts
	completed, diags := project.Complete(loaded, found)
	hostcheck.Locate(completed, r.System)
	e.Draft = completed
	e.Diagnostics = append(e.Diagnostics, diags...)
	e.Diagnostics = append(e.Diagnostics, hostcheck.Rest(completed, e.Facts, r.System, r.ProxyUser)...)
}

func (r *reader) found(e *Entry) project.Found {
	found := project.Found{CPUs: r.CPUs, Unasked: r.Unasked, Layout: django.Layout{Dir: e.Draft.Root}}
	if e.Draft.Root == "" {
		return found
	}
	found.Owner, found.Group = r.System.OwnerOf(e.Draft.Root)
	if r.Scale != nil {
		found.Scale = r.Scale(e.Name)
	}
	found.Link, found.Current = hostcheck.Link(e.Draft.Root, r.System)
	if found.Link != "" && r.Releases != nil {
		found.Releases = r.Releases(e.Name)
	}
	if layout, err := django.Look(e.Draft.Root); err == nil {
		found.Layout = layout
	}
	if found.Layout.Python == "" && found.Owner != "" {
		found.Layout.Python = r.managed(e.Draft.Root, found.Owner)
	}
	e.Layout = found.Layout
	return found
}

// managed is the interpreter of the one environment that poetry or pipenv keeps for a project.
func (r *reader) managed(root, owner string) string {
	dir, err := home(owner)
	if err != nil {
		return ""
	}
	if all := django.Managed(root, dir); len(all) == 1 {
		return all[0]
	}
	return ""
}

// interpreter follows the symbolic links of a virtual environment to the python that it is of.
func interpreter(python string) string {
	target, err := filepath.EvalSymlinks(python)
	if err != nil || target == python {
		return ""
	}
	return target
}

// asked are the settings that decide what a project answers.
var asked = []string{"root", "user", "group", "python", "settings", "environment", "env_file", "credentials"}

// askable says whether a project can be asked with what is known so far: a mistake elsewhere in
// its file does not keep it from being asked, so that everything is told at once.
func askable(p *project.Project, diags hcl.Diagnostics) bool {
	if p.Root == "" || p.User == "" || p.User == "root" || p.Python == "" || p.Settings == "" {
		return false
	}
	return !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
		return d.Severity == hcl.DiagError && concerns(d, p)
	})
}

func concerns(d *hcl.Diagnostic, p *project.Project) bool {
	return d.Subject == nil || d.Subject.Empty() || slices.ContainsFunc(asked, func(key string) bool {
		return p.Source.States(key) && p.Source.At(key).Overlaps(*d.Subject)
	})
}

func (r *reader) ask(ctx context.Context, e *Entry, p *project.Project) *django.Facts {
	// What the settings will say is not known yet: nothing of it is opened.
	hostcheck.Locate(p, r.System)
	q := django.Question{
		View:   units.ViewOf(p),
		Python: p.Python, Dir: p.Dir, Settings: p.Settings, User: p.User, Group: p.Group,
		Environment: p.Environment, EnvFile: p.EnvFile, Credentials: p.Credentials,
	}
	facts, err := django.Ask(ctx, r.Run, q)
	if err == nil && r.Examine {
		facts.Examined = r.examine(ctx, p, facts, q)
	}
	if err != nil {
		e.Diagnostics = append(e.Diagnostics, hostcheck.Unanswered(p, err)...)
		return nil
	}
	return &facts
}

// examine asks again, now that it is known where the project writes and what it is called. A
// project that cannot be set up, as one with a broken urls.py, is not examined: starting it says why.
func (r *reader) examine(ctx context.Context, p *project.Project, facts django.Facts, q django.Question) *django.Examination {
	completed, _ := project.Complete(p, project.Found{Facts: &facts})
	hostcheck.Locate(completed, r.System)
	q.View, q.Writable, q.Examine = units.ViewOf(completed), completed.Writable, "localhost"
	if len(completed.Domains) > 0 {
		q.Examine = completed.Domains[0]
	}
	examined, err := django.Ask(ctx, r.Run, q)
	if err != nil {
		return nil
	}
	return examined.Examined
}

// duplicates reports host names that two projects have, to the wanted ones.
func (r *reader) duplicates() {
	all := slices.Clone(r.others)
	for _, e := range r.inventory.Entries {
		if e.Draft != nil {
			all = append(all, e.Draft)
		}
	}
	found := project.Duplicates(all, r.Enabled)
	holders := r.holders()
	for _, e := range r.inventory.Entries {
		e.Diagnostics = append(e.Diagnostics, found[e.Name]...)
		if len(found[e.Name]) == 0 && e.Draft != nil {
			e.Diagnostics = append(e.Diagnostics, project.Served(e.Draft, holders)...)
		}
	}
}

// holders are the projects that host names are served for and stay so: those that are wanted, too,
// are about to be served as their files say.
func (r *reader) holders() map[string]string {
	if r.Served == nil {
		return nil
	}
	holders, about := r.Served(), map[string]bool{}
	for _, e := range r.inventory.Entries {
		about[e.Name] = e.Draft != nil && !e.Diagnostics.HasErrors()
	}
	maps.DeleteFunc(holders, func(_, name string) bool { return about[name] })
	return holders
}

// settle gives a Project to every entry without errors. With mistakes in the host file nobody can
// say what a project's defaults are.
func (r *reader) settle() {
	broken := r.inventory.HostDiagnostics.HasErrors()
	for _, e := range r.inventory.Entries {
		if e.Draft != nil && !e.Diagnostics.HasErrors() && !broken {
			e.Project = e.Draft
		}
	}
}
