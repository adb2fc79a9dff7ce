package proxy

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"sandwich/proxy/route"
)

// What Apply can fail with, besides route.ErrDomainTaken.
var (
	ErrName   = errors.New("no project name")
	ErrNoFile = errors.New("no route file")
	ErrBroken = errors.New("broken route file")
)

// Apply loads the project's route file and serves by it from the next request on. When that
// fails, the project is served as before.
func (s *Server) Apply(name string) error {
	if err := route.CheckName(name); err != nil {
		return fmt.Errorf("cannot apply route: %w: %w", ErrName, err)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	f, err := s.load(name)
	if err != nil {
		return fmt.Errorf("cannot apply route of %s: %w", name, err)
	}
	next, err := s.current.Load().with(f)
	if err != nil {
		return fmt.Errorf("cannot apply route of %s: %w", name, err)
	}
	s.use(next)
	s.log.Info("route of "+name+" applied", "project", name, "hash", f.hash)
	return nil
}

// Forget serves the project no longer. Requests in flight are finished. Forgetting a project that
// is not served is no mistake.
func (s *Server) Forget(name string) error {
	if err := route.CheckName(name); err != nil {
		return fmt.Errorf("cannot forget route: %w: %w", ErrName, err)
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.use(s.current.Load().without(name))
	if err := s.switches.set(name, mainGeneration); err != nil {
		s.log.Warn(err.Error()+", ignoring", "project", name)
	}
	s.log.Info("route of "+name+" forgotten", "project", name)
	return nil
}

// ReopenLogs opens the access logs again, for whoever has moved them.
func (s *Server) ReopenLogs() { s.logs.Reopen() }

// Reload reads the settings and all route files again. What is broken is logged and stays as it
// was; a project without a file is served no longer.
func (s *Server) Reload() {
	s.notify("RELOADING=1")
	s.reload()
	s.notify("READY=1", "STATUS="+s.statusLine())
}

func (s *Server) reload() {
	s.changing.Lock()
	defer s.changing.Unlock()
	next := s.current.Load()
	if settings, err := loadSettings(s.conf.Settings); err != nil {
		s.log.Error(fmt.Sprintf("cannot use settings %s, keeping those in use: %v", s.conf.Settings, err))
	} else {
		s.settings.Store(settings)
		next = &snapshot{table: next.table, projects: next.projects, trust: settings.TrustedProxies}
		s.metrics.set(settings.Metrics)
		s.rest.budget.Store(settings.MemoryBudget)
	}
	names, err := s.routeNames()
	if err != nil {
		s.log.Error(fmt.Sprintf("cannot read routes, keeping those in use: %v", err))
		s.use(next)
		return
	}
	for name := range maps.Keys(next.projects) {
		if !slices.Contains(names, name) {
			next = next.without(name)
		}
	}
	s.use(s.loadAll(next, names))
}

func (s *Server) loadAll(next *snapshot, names []string) *snapshot {
	ignore := func(name string, err error) {
		s.log.Error(fmt.Sprintf("cannot use %s, ignoring it: %v", s.routePath(name), err), "project", name)
	}
	var files []*routeFile
	for _, name := range names {
		if f, err := s.load(name); err != nil {
			ignore(name, err)
		} else {
			files = append(files, f)
		}
	}
	next, errs := next.withAll(files)
	for i, err := range errs {
		if err != nil {
			ignore(files[i].route.Name, err)
		}
	}
	return next
}

// use prepares the gates of what is new before a request can come to them.
func (s *Server) use(n *snapshot) {
	before := s.current.Load()
	for name, p := range n.projects {
		old := before.projects[name]
		if old == nil {
			p.site.gate.to = s.switches.get(name)
			p.site.access = s.logs.Log(name)
		}
		if old != p {
			s.serve(p)
		}
	}
	if s.conf.TLS != nil {
		s.conf.TLS.Follow(n.routes())
	}
	s.current.Store(n)
	for name, old := range before.projects {
		if n.projects[name] == nil {
			old.site.access.Close()
		}
	}
	s.units.follow(n)
	s.notify("STATUS=" + s.statusLine())
}

func (s *Server) serve(p *serving) {
	p.site.gate.serve(p.route)
	if p.route.Next == nil && s.switches.get(p.route.Name) == nextGeneration {
		if err := s.switches.set(p.route.Name, mainGeneration); err != nil {
			s.log.Warn(err.Error()+", ignoring", "project", p.route.Name)
		}
	}
}
