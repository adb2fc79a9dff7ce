package proxy

import (
	"context"
	"errors"
	"sync"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/upstream"
)

// generation is one of the two places where a project can run.
type generation int

const (
	mainGeneration generation = iota // the project's own service
	nextGeneration                   // the one beside it during a restart
)

// String is the generation's name on the bus.
func (g generation) String() string {
	if g == nextGeneration {
		return "next"
	}
	return "main"
}

// gate decides which generation of a project a request goes to, and when. A request is counted
// with its generation before it leaves the gate: whoever has switched or held knows from then on
// all requests that can still reach the other one. Safe for concurrent use.
type gate struct {
	mu        sync.Mutex
	to        generation // which gets new requests
	heldUntil time.Time  // requests for the main generation wait until then; zero: no hold
	sides     [2]side
	waking    waking // of the main generation

	moved chan struct{} // closed when the gate changes; nil while no request waits
	left  chan struct{} // closed when a request leaves; nil while nobody drains
}

// side is one generation, as the gate knows it.
type side struct {
	upstream route.Upstream
	busy     map[*stay]struct{} // the requests in flight
	unit     unitState
}

// stay is one request's time with a generation. All but upstream belongs to the gate.
type stay struct {
	upstream route.Upstream

	side    *side // nil while the request is at no generation
	conn    *upstream.Conn
	tunnel  *tunnel
	refused bool // the generation fails: nobody will answer
}

// errFailing says that the service of the project does not come up.
var errFailing = errors.New("its service does not come up")

// failingPatience is how long a request waits for a service that fails: a visitor is to know
// within a second, the way there and back included.
const failingPatience = 800 * time.Millisecond

// restartPatience is how long a service that crashed may take to begin the start that it gets: more
// than the longest delay between two starts, RestartMaxDelaySec=5.
const restartPatience = 6 * time.Second

// waking is how far a service that sleeps has come towards a request that wants it.
type waking int

const (
	notCalled waking = iota
	called           // it waits for a place among those that are woken
	wakes            // requests go to its socket, which starts it
)

// obstacle is why a request must wait at the gate.
type obstacle struct {
	moved <-chan struct{}
	until time.Time // of a hold
	err   error     // what becomes of a request that has waited in vain; nil: it goes to the socket

	asleep   bool // nothing starts the service but a connection to upstream
	upstream route.Upstream
}

// pass lets a request through, or says why it must wait. A request that has waited long enough
// is not held any more.
func (g *gate) pass(s *stay, waited bool) *obstacle {
	g.mu.Lock()
	defer g.mu.Unlock()
	side := &g.sides[g.to]
	switch {
	case side.unit.failing:
		return &obstacle{moved: g.nextMove(), err: errFailing, asleep: side.unit.asleep(), upstream: side.upstream}
	case g.to == mainGeneration && side.unit.sleeps() && g.waking != wakes:
		return &obstacle{moved: g.nextMove(), err: errAsleep}
	case !waited && g.holding():
		return &obstacle{moved: g.nextMove(), until: g.heldUntil}
	}
	*s = stay{upstream: side.upstream, side: side}
	side.busy[s] = struct{}{}
	return nil
}

// wait is pass for a request that an obstacle stopped: until it may go on, until deadline has
// passed, when it goes to the socket as if there was no hold, or until ctx ends. It calls for a
// service that sleeps.
func (g *gate) wait(ctx context.Context, s *stay, ob *obstacle, deadline time.Time, call func()) error {
	patience := time.Now().Add(failingPatience)
	for waited := false; ob != nil; ob = g.pass(s, waited) {
		limit := ob.until
		switch ob.err {
		case errFailing:
			limit = patience
		case errAsleep:
			limit = deadline
			call()
		}
		if limit.After(deadline) {
			limit = deadline
		}
		timer := time.NewTimer(time.Until(limit))
		select {
		case <-ob.moved:
		case <-timer.C:
			if ob.err != nil {
				return ob.err
			}
			waited = true
		case <-ctx.Done():
			timer.Stop()
			return errClientGone
		}
		timer.Stop()
	}
	return nil
}

// isAsleep says whether the service sleeps still.
func (g *gate) isAsleep() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sides[mainGeneration].unit.sleeps()
}

// callForWaking says whether the service sleeps and nobody has called for it yet.
func (g *gate) callForWaking() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.sides[mainGeneration].unit.sleeps() || g.waking != notCalled {
		return false
	}
	g.waking = called
	return true
}

// wakeUp lets requests go to the socket of a service that sleeps.
func (g *gate) wakeUp() { g.setWaking(wakes) }

// sleepOn ends that: the next request calls again if it still sleeps.
func (g *gate) sleepOn() { g.setWaking(notCalled) }

func (g *gate) setWaking(w waking) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waking = w
	wake(&g.moved)
}

// isStarting says whether the service is on its way up: it starts, or, if it has time left, has not
// begun to.
func (g *gate) isStarting(hasTime bool) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	unit := g.sides[mainGeneration].unit
	return !unit.failing && (unit.active == "activating" || hasTime && unit.sleeps())
}

// idles says since when the service has been up, if it is, gets the requests, and has none.
func (g *gate) idles() (since time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	main := &g.sides[mainGeneration]
	return main.unit.upSince, g.to == mainGeneration && !g.holding() && main.unit.active == "active" &&
		len(main.busy)+len(g.sides[nextGeneration].busy) == 0
}

// connected gives a request the connection that it loses when its generation fails before it
// answers. It is false when that has happened already.
func (g *gate) connected(s *stay, c *upstream.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.conn = c
	return !s.refused
}

// tunnels says that the request is one no more.
func (g *gate) tunnels(s *stay, t *tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s.conn, s.tunnel = nil, t
}

// done says that the generation is through with the request. It may be called more than once.
func (g *gate) done(s *stay) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.side == nil {
		return
	}
	delete(s.side.busy, s)
	s.side, s.conn = nil, nil
	wake(&g.left)
}

// gone says whether a request that has waited for a listener since then need not wait longer: its
// service is down, and what would start it, the socket, does not listen.
func (g *gate) gone(s *stay, since, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.side == nil || !(s.side.unit.asleep() || s.side.unit.failing) {
		return false
	}
	if s.side.unit.since.After(since) {
		since = s.side.unit.since
	}
	return now.Sub(since) >= failingPatience
}

// hold makes requests for the main generation wait until then.
func (g *gate) hold(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.heldUntil = until
	wake(&g.moved)
}

// release ends a hold.
func (g *gate) release() { g.hold(time.Time{}) }

// holding says whether new requests are held. A switch to the next generation frees them.
func (g *gate) holding() bool {
	return g.to == mainGeneration && !g.heldUntil.IsZero() && time.Now().Before(g.heldUntil)
}

// switchTo sends new requests to a generation.
func (g *gate) switchTo(to generation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to = to
	wake(&g.moved)
}

// serve uses the addresses of a route from the next request on. A project that cannot run twice
// any more is back at its main generation.
func (g *gate) serve(r *route.Route) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sides[mainGeneration].use(r.Upstream)
	if r.Next == nil {
		g.sides[nextGeneration].use(route.Upstream{})
		g.to = mainGeneration
		wake(&g.moved)
		return
	}
	g.sides[nextGeneration].use(*r.Next)
}

func (s *side) use(up route.Upstream) {
	if s.busy == nil {
		s.busy = map[*stay]struct{}{}
	}
	if s.upstream.Unit != up.Unit {
		s.unit = unitState{}
	}
	s.upstream = up
}

// seen notes what the service manager said of a generation's unit. When it fails, requests that
// it has not begun to answer are refused.
func (g *gate) seen(of generation, active, sub, result string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	side := &g.sides[of]
	was := side.unit
	side.unit = was.seen(active, sub, result)
	switch crash := side.unit.crash; {
	case side.unit.failing && !was.failing:
		side.refuse()
	case side.unit.crashed() && !was.crashed() && !side.unit.failing:
		time.AfterFunc(restartPatience, func() { g.overdue(of, crash) })
	}
	wake(&g.moved)
}

// overdue ends the patience with a service that crashed then, and has not begun to start since.
func (g *gate) overdue(of generation, crash time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	side := &g.sides[of]
	if side.unit.failing || !side.unit.crash.Equal(crash) {
		return
	}
	side.unit.up, side.unit.failing = false, true
	side.refuse()
	wake(&g.moved)
}

// unseen forgets what was said: nobody tells any more.
func (g *gate) unseen() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i := range g.sides {
		g.sides[i].unit = unitState{}
	}
	wake(&g.moved)
}

// refuse is for requests that wait in the queue of a socket whose service does not come up.
func (s *side) refuse() {
	for st := range s.busy {
		st.refused = true
		if st.conn != nil {
			st.conn.Refuse()
		}
	}
}

// drain waits until the generations that get no new requests have none in flight, or ctx ends.
// It returns how many are left.
func (g *gate) drain(ctx context.Context) int {
	for {
		n, left := g.leaving()
		if n == 0 {
			return 0
		}
		select {
		case <-left:
		case <-ctx.Done():
			return n
		}
	}
}

func (g *gate) leaving() (n int, left <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.quitting() {
		n += len(s.busy)
	}
	if g.left == nil {
		g.left = make(chan struct{})
	}
	return n, g.left
}

// quitting are the sides that get no new requests.
func (g *gate) quitting() []*side {
	sides := []*side{&g.sides[1-g.to]}
	if g.holding() {
		sides = append(sides, &g.sides[g.to])
	}
	return sides
}

// quittingTunnels are the tunnels to the sides that get no new requests.
func (g *gate) quittingTunnels() (list []*tunnel) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, side := range g.quitting() {
		for s := range side.busy {
			if s.tunnel != nil {
				list = append(list, s.tunnel)
			}
		}
	}
	return list
}

// isHolding is holding for those outside.
func (g *gate) isHolding() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.holding()
}

// status fills in what the gate knows.
func (g *gate) status(st *Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	st.Upstream, st.UnitState = g.to.String(), g.sides[g.to].unit.String()
	if st.Holding = g.holding(); st.Holding {
		st.HeldUntil = g.heldUntil
	}
}

// nextMove is closed when the gate changes.
func (g *gate) nextMove() <-chan struct{} {
	if g.moved == nil {
		g.moved = make(chan struct{})
	}
	return g.moved
}

func wake(c *chan struct{}) {
	if *c != nil {
		close(*c)
		*c = nil
	}
}
