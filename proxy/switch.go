package proxy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// What Hold, Release, Switch and Drain can fail with, besides ErrName.
var (
	ErrNotServed  = errors.New("no such project is served")
	ErrNoUpstream = errors.New("no such upstream")
	ErrTimeout    = errors.New("time is over")
)

// Hold makes new requests for the project's own service wait, until Release, for limit at most.
// Requests for files and for the next generation do not wait.
func (s *Server) Hold(name string, limit time.Duration) error {
	p, err := s.served(name)
	if err != nil {
		return fmt.Errorf("cannot hold requests: %w", err)
	}
	p.site.gate.hold(time.Now().Add(limit))
	return nil
}

// Release lets requests that wait because of Hold go. Without a hold it does nothing.
func (s *Server) Release(name string) error {
	p, err := s.served(name)
	if err != nil {
		return fmt.Errorf("cannot release requests: %w", err)
	}
	p.site.gate.release()
	return nil
}

// Switch sends new requests of the project to a generation, "main" or "next". Once it has
// returned, no request leaves for the other one. A switch outlives the process.
func (s *Server) Switch(name, upstream string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.served(name)
	if err != nil {
		return fmt.Errorf("cannot switch: %w", err)
	}
	to, err := p.generation(upstream)
	if err != nil {
		return fmt.Errorf("cannot switch %s: %w", name, err)
	}
	if err := s.switches.set(name, to); err != nil {
		return fmt.Errorf("cannot switch %s: %w", name, err)
	}
	p.site.gate.switchTo(to)
	s.log.Info("requests of "+name+" go to "+upstream, "project", name)
	return nil
}

// followSwitch is for a process that is about to end: who switches tells the next one.
func (s *Server) followSwitch(p *serving) {
	if s.switches.dir != "" && p.route.Next != nil {
		p.site.gate.switchTo(s.switches.get(p.route.Name))
	}
}

func (p *serving) generation(upstream string) (generation, error) {
	switch {
	case upstream == mainGeneration.String():
		return mainGeneration, nil
	case upstream == nextGeneration.String() && p.route.Next != nil:
		return nextGeneration, nil
	case upstream == nextGeneration.String():
		return 0, fmt.Errorf("%w: its route has no next", ErrNoUpstream)
	}
	return 0, fmt.Errorf("%w: %q is neither main nor next", ErrNoUpstream, upstream)
}

// Drain waits until no request is in flight with a generation that gets no new ones: the one that
// is not switched to, and while the project is held the other as well. It fails after limit.
func (s *Server) Drain(name string, limit time.Duration) error {
	p, err := s.served(name)
	if err != nil {
		return fmt.Errorf("cannot drain: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if n := p.site.drain(ctx); n > 0 {
		return fmt.Errorf("cannot drain %s: %w: %d requests are in flight after %s", name, ErrTimeout, n, limit)
	}
	return nil
}

func (s *Server) served(name string) (*serving, error) {
	p := s.current.Load().projects[name]
	if p == nil {
		return nil, fmt.Errorf("%w: %q", ErrNotServed, name)
	}
	return p, nil
}

// switches is the directory that remembers which projects are switched to their next generation:
// each has an empty file there. It is gone after a reboot, as the generations are. Without a
// directory nothing is remembered.
type switches struct{ dir string }

func (s switches) file(name string) string { return filepath.Join(s.dir, name+".next") }

func (s switches) get(name string) generation {
	if s.dir == "" {
		return mainGeneration
	}
	if _, err := os.Lstat(s.file(name)); err != nil {
		return mainGeneration
	}
	return nextGeneration
}

// set either changes what get says, or fails and does not.
func (s switches) set(name string, to generation) error {
	if s.dir == "" {
		return nil
	}
	if to == mainGeneration {
		if err := os.Remove(s.file(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot forget the switch: %w", err)
		}
		return nil
	}
	f, err := os.OpenFile(s.file(name), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("cannot remember the switch: %w", err)
	}
	return f.Close()
}
