package proxy

import (
	"fmt"
	"maps"
	"net/http"

	"sandwich/proxy/header"
	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

// snapshot is everything a request needs to know. It is immutable: a request uses the one it began
// with, whatever is applied meanwhile.
type snapshot struct {
	table    *route.Table
	projects map[string]*serving
	trust    header.Trust
}

// serving is one version of a project's route, ready to serve. It is immutable but for its site,
// which all versions of the project share.
type serving struct {
	site    *site
	route   *route.Route
	hash    string
	statics map[*route.Static]*static.Dir

	internals map[*route.Internal]*static.Dir

	headers http.Header // set on every response
	doors   doors
	hsts    []string // Strict-Transport-Security; nil: not said
}

func emptySnapshot() *snapshot {
	return &snapshot{table: new(route.Table), projects: map[string]*serving{}}
}

// with is the snapshot with one project replaced or added.
func (n *snapshot) with(f *routeFile) (*snapshot, error) {
	table, err := n.table.With(f.route)
	if err != nil {
		return nil, err
	}
	projects := maps.Clone(n.projects)
	projects[f.route.Name] = newServing(f, n.projects[f.route.Name])
	return &snapshot{table: table, projects: projects, trust: n.trust}, nil
}

// withAll is with for many projects. Those that fail stay as they were; errs has an error, or nil, for
// each.
func (n *snapshot) withAll(files []*routeFile) (next *snapshot, errs []error) {
	list := make([]*route.Route, len(files))
	for i, f := range files {
		list[i] = f.route
	}
	next = &snapshot{projects: maps.Clone(n.projects), trust: n.trust}
	next.table, errs = n.table.WithAll(list)
	for i, f := range files {
		if errs[i] == nil {
			next.projects[f.route.Name] = newServing(f, n.projects[f.route.Name])
		}
	}
	return next, errs
}

// without is the snapshot without one project.
func (n *snapshot) without(name string) *snapshot {
	projects := maps.Clone(n.projects)
	delete(projects, name)
	return &snapshot{table: n.table.Without(name), projects: projects, trust: n.trust}
}

// newServing takes over from old, which may be nil, what outlives a version.
func newServing(f *routeFile, old *serving) *serving {
	p := &serving{route: f.route, hash: f.hash, statics: map[*route.Static]*static.Dir{}, headers: http.Header{}}
	for i := range f.route.Static {
		st := &f.route.Static[i]
		p.statics[st] = static.New(*st, f.route.Compress)
	}
	p.internals = map[*route.Internal]*static.Dir{}
	for i := range f.route.Internal {
		in := &f.route.Internal[i]
		p.internals[in] = static.NewInternal(*in, f.route.Compress)
	}
	p.doors = newDoors(f, old)
	for name, value := range f.route.Headers {
		p.headers.Set(name, value)
	}
	if t := f.route.TLS; t != nil && t.HSTS > 0 {
		p.hsts = []string{fmt.Sprintf("max-age=%d", t.HSTS)}
	}
	p.site = &site{name: f.route.Name}
	if old != nil {
		p.site = old.site
	}
	return p
}

// routes are those of all projects.
func (n *snapshot) routes() []*route.Route {
	list := make([]*route.Route, 0, len(n.projects))
	for _, p := range n.projects {
		list = append(list, p.route)
	}
	return list
}

// find is the project and the part of it that a request is for.
func (n *snapshot) find(host, path string) (*serving, route.Match, bool) {
	m, ok := n.table.Find(host, path)
	if !ok {
		return nil, m, false
	}
	return n.projects[m.Route.Name], m, true
}
