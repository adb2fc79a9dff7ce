// Package proxy is the front server: it accepts connections, finds the project a request belongs
// to, and serves its files or passes the request to its application. What belongs where is said by
// compiled route files; who starts applications, and how to talk to systemd, is left to others.
package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/accesslog"
	"sandwich/proxy/h1"
	"sandwich/proxy/route"
	"sandwich/proxy/spool"
	certs "sandwich/proxy/tls"
)

// Config is what a Server needs from outside. Log, Routes, Settings and Spool are required.
type Config struct {
	Routes   string // directory of the compiled routes, NAME.json
	Settings string // the settings file; need not be there
	Spool    string // directory for bodies too large for memory; made when it is not there
	Runtime  string // directory, gone after a reboot, in which switches outlive the process; "": none
	Logs     string // directory of the access logs, NAME.access.log; "": none

	Maintenance string // directory of the files that close projects, NAME.json; "": none

	Listeners []net.Listener   // the server closes them; the settings say where HTTPS is spoken
	Packets   []net.PacketConn // UDP, for HTTP/3; the server closes them
	TLS       *certs.Keeper    // nil: nowhere
	Clients   int              // how many connections may be open; 0: as many as descriptors allow
	Drain     time.Duration    // how long requests in flight may take when the server ends
	Tunnels   time.Duration    // how long WebSockets may stay open then

	// Rest stops the service of a project that nobody visits, as its route asks; its socket stays.
	// Nil: nobody is stopped.
	Rest func(ctx context.Context, project string) error
	// Memory is how many bytes all projects use. Nil: nobody knows.
	Memory func() (int64, error)

	// Notify tells the supervisor how the server is, in the words of sd_notify(3). Nil: nobody.
	Notify   func(state ...string)
	Watchdog time.Duration // how often the supervisor wants to hear WATCHDOG=1; 0: never

	Log *slog.Logger
}

// Server is the front server. Its methods are safe for concurrent use.
type Server struct {
	conf  Config
	log   *slog.Logger
	h1    *h1.Server
	spool *spool.Dir
	logs  *accesslog.Dir

	settings atomic.Pointer[route.Settings]
	metrics  metricsAddress

	switches switches
	units    units
	wakings  wakings
	rest     rest
	signals  chan Signal

	current  atomic.Pointer[snapshot]
	changing sync.Mutex // held while current is replaced

	draining     atomic.Bool
	stopped      chan struct{} // closed when nothing more is accepted
	unknownHosts atomic.Uint64
	clients      clients
	room         int // for clients
	streams      streams
	altSvc       []string // where HTTP/3 is spoken, as clients are told; nil: nowhere
	tunnels      tunnels
}

// The times a client has, as nginx has them (client_header_timeout is 60 s there, but a header
// fits into one packet).
const (
	headerTime   = 10 * time.Second
	idleTime     = 75 * time.Second
	parkAfter    = time.Second      // a browser's next request mostly comes at once or late
	progressTime = 60 * time.Second // between two bytes of a body, either way
	idleGrace    = time.Second      // how long a kept connection may still be used at the end
)

// New loads settings and routes. A route that cannot be used is logged and left out.
func New(conf Config) (*Server, error) {
	dir, err := spool.Open(conf.Spool)
	if err != nil {
		return nil, fmt.Errorf("cannot start proxy: %w", err)
	}
	s := &Server{conf: conf, log: conf.Log, spool: dir, switches: switches{conf.Runtime}, logs: accesslog.Open(conf.Logs, conf.Log),
		stopped: make(chan struct{}), signals: make(chan Signal, 100)}
	if s.room = conf.Clients; s.room == 0 {
		s.room = roomFor(descriptors())
	}
	s.h1 = h1.New(h1.Config{Handler: s, Log: conf.Log,
		HeaderTime: headerTime, IdleTime: idleTime, Park: parkAfter, BodyTime: progressTime, Grace: idleGrace})
	s.altSvc = altSvc(conf)
	s.settings.Store(route.DefaultSettings())
	s.rest.began = time.Now()
	if s.rest.presence, err = newPresence(conf.Runtime); err != nil {
		return nil, fmt.Errorf("cannot start proxy: %w", err)
	}
	s.current.Store(emptySnapshot())
	s.reload()
	return s, nil
}

func (s *Server) notify(state ...string) {
	if s.conf.Notify != nil {
		s.conf.Notify(state...)
	}
}
