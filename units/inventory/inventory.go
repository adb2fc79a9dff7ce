// Package inventory reads the project files of a host and says for each project what it is, or
// everything that is wrong with it. It changes nothing; units and routes are made by units.
package inventory

import (
	"context"
	"errors"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project"
	"sandwich/units/project/hostcheck"
)

// Options says what to read and how to look at the host.
type Options struct {
	ProjectsDir string   // where the project files are
	HostFile    string   // the host file; it need not be there
	Names       []string // the projects wanted; empty means all

	// Unwritten are project files as they would be, by project name: they are read in place of those
	// in ProjectsDir.
	Unwritten map[string][]byte

	Enabled func(name string) bool // nil: none is enabled
	// Served gives the project that the proxy serves each host name for; nil: none is served.
	Served func() map[string]string
	// Scale is what was set by hand in place of numbers in a project's file; nil: nothing.
	Scale func(name string) project.Scale
	// Releases are the directories that a project was deployed from, newest first; nil: none is known.
	Releases func(name string) []string
	Run      django.Runner // nil: no project is asked
	Unasked  string        // why Run is nil, as the end of a sentence; has a default

	Examine bool // have the projects that are asked try their databases and their first page, too

	System    *hostcheck.System // nil: the host itself
	CPUs      int               // 0: as many as this host has
	ProxyUser string            // who serves static files; "" is sandwich-proxy
}

// Inventory is what was found, mistakes included.
type Inventory struct {
	Host            *project.Host // never nil
	HostDiagnostics hcl.Diagnostics
	Entries         []*Entry // the wanted projects, by name
	sources         map[string][]byte
}

// Entry is one wanted project.
type Entry struct {
	Name        string
	File        string           // absolute path of its file, whether it is there or not
	Project     *project.Project // complete; nil when there are errors
	Draft       *project.Project // as far as it could be read, for messages only; may be nil
	Layout      django.Layout
	Facts       *django.Facts // nil when the project was not asked or did not answer
	Diagnostics hcl.Diagnostics
	Err         error // ErrNoProject, or nil
}

// ErrNoProject is the Err of a wanted project that has no file.
var ErrNoProject = errors.New("no such project")

// Files is the text of every file that was read, for hcl.NewDiagnosticTextWriter.
func (i *Inventory) Files() map[string]*hcl.File {
	files := make(map[string]*hcl.File, len(i.sources))
	for name, src := range i.sources {
		files[name] = &hcl.File{Bytes: src}
	}
	return files
}

// Diagnostics is everything that is wrong, the host file's first.
func (i *Inventory) Diagnostics() hcl.Diagnostics {
	all := append(hcl.Diagnostics{}, i.HostDiagnostics...)
	for _, e := range i.Entries {
		all = append(all, e.Diagnostics...)
	}
	return all
}

// Missing are the names of wanted projects that have no file.
func (i *Inventory) Missing() []string {
	var names []string
	for _, e := range i.Entries {
		if errors.Is(e.Err, ErrNoProject) {
			names = append(names, e.Name)
		}
	}
	return names
}

// Read reads the wanted projects: files, host, and by Run what each project says of itself. What
// is wrong with one project is in its entry and touches no other; an error means that nothing
// could be read at all, or that ctx ended.
func Read(ctx context.Context, o Options) (*Inventory, error) {
	r, err := newReader(o)
	if err != nil {
		return nil, err
	}
	r.host()
	if err := r.files(); err != nil {
		return nil, err
	}
	r.look(ctx)
	r.duplicates()
	r.settle()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.inventory, nil
}
