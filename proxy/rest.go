package proxy

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
)

// rest is what the server needs to stop projects that nobody visits.
type rest struct {
	budget   atomic.Int64 // bytes that all projects together may use; 0: any
	began    time.Time    // nothing is known of the time before
	presence presence
	blind    bool // it was said that memory cannot be measured
}

const (
	// sweepPause is how often projects are looked at.
	sweepPause = 2 * time.Second
	// budgetRest is how long a project must have been without a request before it is stopped for the
	// memory of others: not between the pages of one visitor.
	budgetRest = 10 * time.Second
	// restAgain is when the next attempt is made to stop a project that could not be stopped.
	restAgain = time.Minute
)

// sweeps stops projects that nobody visits, until ctx ends.
func (s *Server) sweeps(ctx context.Context) {
	if s.conf.Rest == nil {
		return
	}
	tick := time.NewTicker(sweepPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}

// sweep stops, longest unvisited first, those that nobody has visited for the time that they state,
// and then more of them while all projects use more memory than they may. A process that ends may
// have requests of projects that seem unvisited here: while there is one, nothing is stopped.
func (s *Server) sweep(ctx context.Context) {
	list := s.resting(time.Now())
	if len(list) == 0 || !s.rest.presence.alone() {
		return
	}
	var awake []resting
	for _, r := range list {
		if r.rested < time.Duration(r.p.route.IdleMS)*time.Millisecond || s.putToRest(ctx, r) != nil {
			awake = append(awake, r)
		}
	}
	s.keepBudget(ctx, awake)
}

// resting is a project that runs and has no request in flight.
type resting struct {
	p      *serving
	rested time.Duration // since its last request, or since it came up
}

// resting are the projects that may be stopped, longest unvisited first.
func (s *Server) resting(now time.Time) (list []resting) {
	for _, p := range s.current.Load().projects {
		since, ok := p.site.rests(s.rest.began)
		if p.route.IdleMS > 0 && ok && now.UnixNano() >= p.site.restAgain.Load() {
			list = append(list, resting{p, now.Sub(since)})
		}
	}
	slices.SortFunc(list, func(a, b resting) int { return int(b.rested - a.rested) })
	return list
}

// rests says since when the project has been without a request, if it runs and has none.
func (s *site) rests(since time.Time) (time.Time, bool) {
	up, ok := s.gate.idles()
	for _, t := range []time.Time{up, time.Unix(0, s.used.Load())} {
		if t.After(since) {
			since = t
		}
	}
	return since, ok && s.inFlight.Load() == 0
}

// putToRest tells the bus that the project is idle and has its service stopped. A request that
// comes meanwhile waits, and wakes it again.
func (s *Server) putToRest(ctx context.Context, r resting) error {
	name := r.p.route.Name
	if _, still := r.p.site.rests(s.rest.began); !still {
		return errVisited
	}
	s.tell("ProjectIdle", name)
	if err := s.conf.Rest(ctx, name); err != nil {
		r.p.site.restAgain.Store(time.Now().Add(restAgain).UnixNano())
		s.log.Warn(fmt.Sprintf("%s: cannot stop it after %s without a request: %v", name, r.rested.Round(time.Second), err), "project", name)
		return err
	}
	s.log.Info(fmt.Sprintf("%s sleeps after %s without a request", name, r.rested.Round(time.Second)), "project", name)
	return nil
}

var errVisited = fmt.Errorf("it is visited again")

// keepBudget stops the longest unvisited until all fit into the memory that they may use. When one
// cannot be stopped, none that was visited later has to pay for it.
func (s *Server) keepBudget(ctx context.Context, list []resting) {
	budget := s.rest.budget.Load()
	for _, r := range list {
		if budget == 0 || r.rested < budgetRest || s.memory() <= budget || s.putToRest(ctx, r) != nil {
			return
		}
	}
}

// memory is what all projects use, 0 where that is not known.
func (s *Server) memory() int64 {
	if s.conf.Memory == nil {
		return 0
	}
	used, err := s.conf.Memory()
	if err != nil && !s.rest.blind {
		s.log.Warn(fmt.Sprintf("memory_budget cannot be kept: %v", err))
	}
	s.rest.blind = err != nil
	return used
}
