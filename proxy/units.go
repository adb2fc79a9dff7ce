package proxy

import (
	"maps"
	"slices"
	"sync"

	"sandwich/proxy/route"
)

// units are the services behind the projects that are served. Safe for concurrent use.
type units struct {
	mu    sync.Mutex
	seats map[string]seat
	moved chan struct{} // closed when there are others; nil while nobody waits
}

// seat is where a unit matters.
type seat struct {
	site *site
	of   generation
}

func (u *units) follow(n *snapshot) {
	seats := make(map[string]seat, 2*len(n.projects))
	for _, p := range n.projects {
		for of, up := range []*route.Upstream{&p.route.Upstream, p.route.Next} {
			if up != nil && up.Unit != "" {
				seats[up.Unit] = seat{p.site, generation(of)}
			}
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seats = seats
	wake(&u.moved)
}

// Units are the services behind the projects, sorted, and what is closed when there are others.
func (s *Server) Units() (names []string, moved <-chan struct{}) {
	u := &s.units
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.moved == nil {
		u.moved = make(chan struct{})
	}
	return slices.Sorted(maps.Keys(u.seats)), u.moved
}

// UnitSeen notes the state of a unit, as systemctl shows it: its ActiveState, its SubState and, for
// a service, its Result; "" while that is unknown. They must come in the order in which they happened.
func (s *Server) UnitSeen(unit, active, sub, result string) {
	s.units.mu.Lock()
	at, ok := s.units.seats[unit]
	s.units.mu.Unlock()
	if ok {
		at.site.gate.seen(at.of, active, sub, result)
		s.wakings.seen(at.site, true)
	}
}

// UnitsUnseen says that nobody tells about units any more: requests then wait as long as they may.
func (s *Server) UnitsUnseen() {
	for _, p := range s.current.Load().projects {
		p.site.gate.unseen()
		s.wakings.seen(p.site, false)
	}
}
