package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sandwich/proxy/accesslog"
	"sandwich/proxy/route"
	"sandwich/proxy/upstream"
)

// site is the running side of a project: what outlives each version of its route. All of it is
// safe for concurrent use.
type site struct {
	name string // of the project
	gate gate

	access *accesslog.Log // set before the first request

	inFlight atomic.Int64 // requests at the application, held ones included
	held     atomic.Int64 // requests that wait, at the gate or for a listener, now

	requests  atomic.Uint64
	recent    recent // of requests
	heldTotal atomic.Uint64
	retried   atomic.Uint64
	failures  atomic.Uint64    // answers the application owed
	sent      atomic.Uint64    // bytes of answers' bodies
	received  atomic.Uint64    // bytes of requests' bodies
	durations histogram        // of whole requests
	queues    histogram        // of what requests waited for their application
	limited   atomic.Uint64    // requests refused by a rate limit
	shed      atomic.Uint64    // requests refused because too many were in flight
	responses [6]atomic.Uint64 // by first digit of the status; 0: the client was gone

	last  atomic.Pointer[failure]
	quiet atomic.Int64 // no complaint is logged before this time, in Unix nanoseconds
	muted atomic.Uint64

	knocked atomic.Int64 // the time of the last knock, in Unix nanoseconds

	used      atomic.Int64 // when the last request came or went, in Unix nanoseconds
	restAgain atomic.Int64 // it is not stopped before this time, in Unix nanoseconds
}

// failure is the last thing that went wrong with an application.
type failure struct {
	at   time.Time
	text string
}

// enter counts a request in, unless the site is at its cap (0: none).
func (s *site) enter(limit int) bool {
	s.used.Store(time.Now().UnixNano())
	if n := s.inFlight.Add(1); limit > 0 && n > int64(limit) {
		s.inFlight.Add(-1)
		return false
	}
	return true
}

func (s *site) leave() {
	s.used.Store(time.Now().UnixNano())
	s.inFlight.Add(-1)
}

// hold counts a request as waiting until unhold.
func (s *site) hold() {
	s.held.Add(1)
	s.heldTotal.Add(1)
}

func (s *site) unhold() { s.held.Add(-1) }

// knockPause is how often a service that failed for good is given another start, at most.
const knockPause = time.Second

// knock connects to the socket of a service that sleeps, so that systemd starts it, and sends
// nothing: a request is not sent to a service that fails, or it might be run when nobody waits
// for it any more.
func (s *site) knock(ctx context.Context, up route.Upstream) {
	now, last := time.Now().UnixNano(), s.knocked.Load()
	if now-last < int64(knockPause) || !s.knocked.CompareAndSwap(last, now) {
		return
	}
	if c, err := upstream.Dial(ctx, up, func() bool { return true }); err == nil {
		c.Close()
	}
}

func (s *site) answered(status int) { s.responses[status/100%6].Add(1) }

// failed remembers and logs that the application could not do its part.
func (s *site) failed(log *slog.Logger, err error) {
	s.failures.Add(1)
	s.last.Store(&failure{at: time.Now(), text: err.Error()})
	s.complain(log, err.Error())
}

// complaintPause keeps one broken project from filling the journal.
const complaintPause = 10 * time.Second

// complain logs at most one warning in ten seconds, and how many were left out before it.
func (s *site) complain(log *slog.Logger, text string) {
	now := time.Now()
	until := s.quiet.Load()
	if now.UnixNano() < until || !s.quiet.CompareAndSwap(until, now.Add(complaintPause).UnixNano()) {
		s.muted.Add(1)
		return
	}
	if n := s.muted.Swap(0); n > 0 {
		text = fmt.Sprintf("%s (and %d messages not shown)", text, n)
	}
	log.Warn(s.name + ": " + text)
}
