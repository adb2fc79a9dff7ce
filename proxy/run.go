package proxy

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Run serves until ctx ends, then lets the requests in flight finish, for conf.Drain at most, and
// WebSockets for conf.Tunnels. It fails when a listener does.
func (s *Server) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	self := newSelf()
	listeners := append([]net.Listener{self}, s.conf.Listeners...)
	failed := make(chan error, len(listeners)+len(s.conf.Packets))
	var serving, watching, patrol sync.WaitGroup
	patrolling, relieve := context.WithCancel(context.Background())
	defer patrol.Wait()
	defer relieve()
	patrol.Go(func() { s.h1.Run(patrolling) })
	for _, l := range listeners {
		serving.Go(func() { failed <- s.serveOn(l) })
	}
	for _, c := range s.conf.Packets {
		watching.Go(func() {
			if err := s.servePackets(ctx, c); err != nil {
				failed <- err
			}
		})
	}
	watching.Go(func() { s.watch(ctx, self) })
	if s.conf.TLS != nil {
		watching.Go(func() { s.conf.TLS.Run(ctx) })
	}
	logging, endLogs := context.WithCancel(context.Background())
	defer endLogs()
	watching.Go(func() { s.logs.Run(logging) })
	watching.Go(func() { s.sweeps(ctx) })
	watching.Go(func() { giveBack(ctx) })
	s.notify("READY=1", "STATUS="+s.statusLine())
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		stop()
	}
	s.draining.Store(true)
	close(s.stopped)
	s.notify("STOPPING=1", "STATUS=Finishing requests")
	closeAll(listeners)
	serving.Wait() // every connection that was accepted is known from here on
	s.finish()
	endLogs()
	watching.Wait()
	s.rest.presence.end()
	return err
}

// closeAll stops accepting. Whoever made the listening sockets keeps them: who connects from now
// on waits in their queues for the next process.
func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// finish ends the server in order, when it accepts nothing more.
func (s *Server) finish() {
	var all sync.WaitGroup
	all.Go(s.finishRequests)
	all.Go(s.finishTunnels)
	all.Wait()
	s.tunnels.end() // those that began meanwhile
}

func (s *Server) finishRequests() {
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.Drain)
	defer cancel()
	s.h1.Drain()
	s.streams.drain()
	if !s.clients.wait(ctx) {
		s.log.Warn(fmt.Sprintf("requests are still in flight after %s, closing them", s.conf.Drain))
	}
	s.h1.Close()
	s.streams.close()
}

func (s *Server) finishTunnels() {
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.Tunnels)
	defer cancel()
	s.tunnels.wait(ctx)
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
