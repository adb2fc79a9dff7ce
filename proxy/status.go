package proxy

import (
	"fmt"
	"time"
)

// Status is how one project is served.
type Status struct {
	Name    string
	Hash    string // of the loaded route file
	Domains []string

	Upstream  string // the generation that gets new requests: "main" or "next"
	UnitState string // of its service, as systemctl shows it; "" while unknown
	Holding   bool   // new requests wait
	HeldUntil time.Time

	Closed      bool      // for maintenance
	ClosedSince time.Time // zero: since nobody knows when

	InFlight int64 // requests at the application now, held ones included
	Held     int64 // of those, waiting at the gate or for a listener

	IdleAfter time.Duration // without a request, before it is stopped; 0: never
	LastUsed  time.Time     // when the last request for the application came or went; zero: none has

	Requests  uint64
	Rate      float64           // of requests a second, in the last minute
	Responses map[string]uint64 // "2xx" -> how many; "0xx" where the client was gone before
	HeldTotal uint64
	Retried   uint64
	Failures  uint64 // answers the application owed
	Limited   uint64 // requests refused by a rate limit
	Shed      uint64 // requests refused because too many were in flight

	Sent      uint64 // bytes of answers' bodies
	Received  uint64 // bytes of requests' bodies
	Durations Times  // of whole requests, without WebSockets
	Queues    Times  // of requests to the application: until it was there

	LastError   string
	LastErrorAt time.Time
}

// Summary is how the whole server is doing.
type Summary struct {
	Projects     int
	Connections  int    // of clients, without WebSockets
	Tunnels      int    // WebSockets
	UnknownHosts uint64 // requests for hosts that no project has
	LinesDropped uint64 // of access logs
}

// Summary is how the whole server is doing.
func (s *Server) Summary() Summary {
	return Summary{
		Projects: len(s.current.Load().projects), Connections: s.clients.count(), Tunnels: s.tunnels.count(),
		UnknownHosts: s.unknownHosts.Load(), LinesDropped: s.logs.Dropped(),
	}
}

// Status is how each project is served, sorted by name.
func (s *Server) Status() []Status {
	n := s.current.Load()
	var all []Status
	for _, name := range n.table.Names() {
		all = append(all, n.projects[name].status())
	}
	return all
}

// StatusOf is how one project is served.
func (s *Server) StatusOf(name string) (Status, error) {
	p, err := s.served(name)
	if err != nil {
		return Status{}, fmt.Errorf("cannot say how it is served: %w", err)
	}
	return p.status(), nil
}

func (p *serving) status() Status {
	st := Status{
		Name: p.route.Name, Hash: p.hash, Domains: p.route.Domains,
		InFlight: p.site.inFlight.Load(), Held: p.site.held.Load(),
		Requests: p.site.requests.Load(), Rate: p.site.recent.perSecond(time.Now()), HeldTotal: p.site.heldTotal.Load(),
		Retried: p.site.retried.Load(), Failures: p.site.failures.Load(),
		Limited: p.site.limited.Load(), Shed: p.site.shed.Load(),
		Sent: p.site.sent.Load(), Received: p.site.received.Load(),
		Durations: p.site.durations.read(), Queues: p.site.queues.read(),
		Responses: map[string]uint64{},
	}
	if p.doors.closed != nil {
		st.Closed, st.ClosedSince = true, p.doors.closed.Since
	}
	p.site.gate.status(&st)
	st.IdleAfter = time.Duration(p.route.IdleMS) * time.Millisecond
	if used := p.site.used.Load(); used != 0 {
		st.LastUsed = time.Unix(0, used)
	}
	for class := range p.site.responses {
		if n := p.site.responses[class].Load(); n > 0 {
			st.Responses[fmt.Sprintf("%dxx", class)] = n
		}
	}
	if last := p.site.last.Load(); last != nil {
		st.LastError, st.LastErrorAt = last.text, last.at
	}
	return st
}

// statusLine is one line about the whole server, for systemctl status.
func (s *Server) statusLine() string {
	n := s.current.Load()
	var inFlight, held int64
	for _, p := range n.projects {
		inFlight += p.site.inFlight.Load()
		held += p.site.held.Load()
	}
	return fmt.Sprintf("Serving %d projects; %d requests in flight, %d of them held; %d requests for unknown hosts",
		len(n.projects), inFlight, held, s.unknownHosts.Load())
}
