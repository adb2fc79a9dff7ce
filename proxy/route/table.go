package route

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Table says which project and which part of it a request belongs to. It is immutable: With and
// Without return another table that shares the projects they do not touch. The zero value is an
// empty table.
type Table struct {
	projects map[string]*Route
	hosts    map[string]host
}

// host is what one host name leads to.
type host struct {
	route    *Route
	statics  []*Static // longest prefix first
	internal []Internal
	redirect *Redirect
	app      bool // the host is a domain of the project, not only one of its static files
}

// Match is the answer of Find. Exactly one of Redirect, Static, Missing and "the application" (all
// unset) holds.
type Match struct {
	Route    *Route
	Redirect *Redirect
	Static   *Static
	Rest     string // the decoded path after Static.Prefix
	Missing  bool   // nobody may ask for this path, or the host has static files only and none under it
	Stream   bool   // the path is below a stream prefix
}

// File is a file that an application has named in its answer: exactly one of Internal and Static is
// set, and Rest is the decoded path after its prefix.
type File struct {
	Internal *Internal
	Static   *Static
	Rest     string
}

// With is t with r in the place of the project's route, if it had one. It fails, and t stays what it
// was, when a host of r belongs to another project: who came first keeps it.
func (t *Table) With(r *Route) (*Table, error) {
	next := t.clone()
	if err := next.put(r); err != nil {
		return nil, err
	}
	return next, nil
}

// WithAll is With for many routes, of which each finds those before it in place. It copies once: with
// a thousand projects a copy for each would keep a start waiting for seconds. Routes that fail are
// left out; errs has an error, or nil, for each.
func (t *Table) WithAll(list []*Route) (next *Table, errs []error) {
	next, errs = t.clone(), make([]error, len(list))
	for i, r := range list {
		errs[i] = next.put(r)
	}
	return next, errs
}

// ErrDomainTaken is what With wraps when a domain belongs to another project.
var ErrDomainTaken = errors.New("domain is taken")

// Without is t without the project of that name.
func (t *Table) Without(name string) *Table {
	next := t.clone()
	next.remove(name)
	return next
}

// clone is a table that may be changed until somebody else sees it.
func (t *Table) clone() *Table {
	next := &Table{projects: maps.Clone(t.projects), hosts: maps.Clone(t.hosts)}
	if next.projects == nil {
		next.projects, next.hosts = map[string]*Route{}, map[string]host{}
	}
	return next
}

func (t *Table) put(r *Route) error {
	added := hostsOf(r)
	var taken error
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if other, ok := t.hosts[name]; ok && other.route.Name != r.Name {
			taken = errors.Join(taken, fmt.Errorf("%w: %s is a domain of %s", ErrDomainTaken, name, other.route.Name))
		}
	}
	if taken != nil {
		return fmt.Errorf("cannot route %s: %w", r.Name, taken)
	}
	t.remove(r.Name)
	maps.Copy(t.hosts, added)
	t.projects[r.Name] = r
	return nil
}

func (t *Table) remove(name string) {
	if old := t.projects[name]; old != nil {
		for h := range hostsOf(old) {
			delete(t.hosts, h)
		}
		delete(t.projects, name)
	}
}

// Names are the projects of the table, sorted.
func (t *Table) Names() []string { return slices.Sorted(maps.Keys(t.projects)) }

// Route is the route of one project, or nil.
func (t *Table) Route(name string) *Route { return t.projects[name] }

// Find looks up a host, as the Host header has it, and a decoded path. It is false for a host that
// no project has. It takes the same time for one name as for thousands.
func (t *Table) Find(hostHeader, path string) (Match, bool) {
	h, ok := t.hosts[NormalHost(hostHeader)]
	if !ok {
		return Match{}, false
	}
	m := Match{Route: h.route, Redirect: h.redirect}
	if m.Redirect != nil {
		return m, true
	}
	f, found := h.file(path)
	if found && f.Static != nil {
		m.Static, m.Rest = f.Static, f.Rest
		return m, true
	}
	m.Missing = !h.app || found
	if m.Missing {
		return m, true
	}
	m.Stream = h.route.streams(path)
	return m, true
}

// Named is the file that the application means by a decoded path, when it answers for a host. It is
// false for a path that no block of files has.
func (r *Route) Named(hostHeader, path string) (File, bool) {
	return host{statics: r.staticsOf(NormalHost(hostHeader)), internal: r.Internal}.file(path)
}

// file is what has the longest prefix of the path.
func (h host) file(path string) (f File, ok bool) {
	longest := 0
	for _, s := range h.statics {
		if rest, below := strings.CutPrefix(path, s.Prefix); below {
			f, longest = File{Static: s, Rest: rest}, len(s.Prefix)
			break
		}
	}
	for i := range h.internal {
		in := &h.internal[i]
		if rest, below := strings.CutPrefix(path, in.Prefix); below && len(in.Prefix) > longest {
			f, longest = File{Internal: in, Rest: rest}, len(in.Prefix)
		}
	}
	return f, longest > 0
}

func (r *Route) streams(path string) bool {
	for _, p := range r.Stream {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// hostsOf is the part of a table that one route makes.
func hostsOf(r *Route) map[string]host {
	hosts := make(map[string]host, len(r.Domains)+len(r.Redirects))
	for _, d := range r.Domains {
		hosts[d] = host{route: r, app: true}
	}
	for i := range r.Static {
		if d := r.Static[i].Domain; d != "" {
			hosts[d] = host{route: r, app: hosts[d].app}
		}
	}
	for name, h := range hosts {
		h.statics, h.internal = r.staticsOf(name), r.Internal
		hosts[name] = h
	}
	for i := range r.Redirects {
		hosts[r.Redirects[i].From] = host{route: r, redirect: &r.Redirects[i]}
	}
	return hosts
}

// staticsOf are the static prefixes of a host, longest first and its own before everybody's.
func (r *Route) staticsOf(host string) []*Static {
	var list []*Static
	isDomain := slices.Contains(r.Domains, host)
	for i := range r.Static {
		if s := &r.Static[i]; s.Domain == host || (s.Domain == "" && isDomain) {
			list = append(list, s)
		}
	}
	slices.SortStableFunc(list, func(a, b *Static) int {
		if n := len(b.Prefix) - len(a.Prefix); n != 0 {
			return n
		}
		return strings.Compare(b.Domain, a.Domain)
	})
	return list
}
