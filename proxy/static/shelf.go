package static

import "sync"

// kept is one for the whole process, so that its bound is one, too.
var kept = newShelf(64 << 20)

// shelf keeps entries of all directories. When they weigh too much, any of them go: what is asked for
// often is soon back. Safe for concurrent use.
type shelf struct {
	limit int

	mu      sync.RWMutex
	entries map[spot]*item
	weight  int
}

type spot struct {
	dir  uint64
	name string
}

type item struct {
	*entry
	weight int
}

func newShelf(limit int) *shelf { return &shelf{limit: limit, entries: map[spot]*item{}} }

func (s *shelf) get(dir uint64, name string) *entry {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if i := s.entries[spot{dir, name}]; i != nil {
		return i.entry
	}
	return nil
}

func (s *shelf) put(dir uint64, name string, e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := spot{dir, name}
	s.remove(at)
	i := &item{entry: e, weight: e.weight()}
	e.grown = func() { s.grow(at, i) }
	s.entries[at] = i
	s.weight += i.weight
	s.lighten(at)
}

// grow counts what an entry has become more.
func (s *shelf) grow(at spot, i *item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[at] != i {
		return
	}
	s.weight -= i.weight
	i.weight = i.entry.weight()
	s.weight += i.weight
	s.lighten(at)
}

// drop is cheap for what is not there: many ask for that.
func (s *shelf) drop(dir uint64, name string) {
	if s.get(dir, name) == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(spot{dir, name})
}

func (s *shelf) remove(at spot) {
	if i := s.entries[at]; i != nil {
		s.weight -= i.weight
		delete(s.entries, at)
	}
}

// forget removes what is there of a directory that nobody serves any more: each entry keeps a
// descriptor of its root open.
func (s *shelf) forget(dir uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for at := range s.entries {
		if at.dir == dir {
			s.remove(at)
		}
	}
}

// lighten removes entries, in the arbitrary order of a map, until the rest may stay. The new one goes
// last.
func (s *shelf) lighten(last spot) {
	for at := range s.entries {
		if s.weight <= s.limit {
			return
		}
		if at != last {
			s.remove(at)
		}
	}
	if s.weight > s.limit {
		s.remove(last)
	}
}
