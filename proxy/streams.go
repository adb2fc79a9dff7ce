package proxy

import (
	"context"
	"net"
	"sync"

	"sandwich/proxy/h2"
)

// streams are the connections that speak HTTP/2. The zero value has none.
type streams struct {
	mu   sync.Mutex
	open map[net.Conn]context.CancelFunc // tells the client to go
	last bool                            // each is told at once
}

// serve speaks HTTP/2 on a connection until it has ended.
func (ss *streams) serve(c net.Conn, s *Server) {
	ctx, tell := context.WithCancel(context.Background())
	defer tell()
	ss.add(c, tell)
	defer ss.remove(c)
	h2.Serve(ctx, c, s, h2.Options{HeaderTime: headerTime, IdleTime: idleTime, ProgressTime: progressTime, Log: s.log})
}

func (ss *streams) add(c net.Conn, tell context.CancelFunc) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.open == nil {
		ss.open = map[net.Conn]context.CancelFunc{}
	}
	if ss.open[c] = tell; ss.last {
		tell()
	}
}

func (ss *streams) remove(c net.Conn) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.open, c)
}

// drain tells all clients, and those that come later, to send no more requests.
func (ss *streams) drain() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.last = true
	for _, tell := range ss.open {
		tell()
	}
}

// close ends every connection now.
func (ss *streams) close() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for c := range ss.open {
		c.Close()
	}
}
