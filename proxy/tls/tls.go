// Package tls keeps the certificates of all hosts that the front proxy serves: from a CA over ACME,
// from a project's own files, or from a CA of this host's own, and it decides what a handshake
// gets. Connections, HTTP and what is behind them are left to package proxy.
package tls

import (
	"context"
	"crypto/tls"
	"log/slog"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/route"
)

// Config is what a Keeper needs from outside. Dir and Log are required.
type Config struct {
	Dir string // private directory, made when it is not there
	Log *slog.Logger

	// Changed is told of each host whose certificate is another one now. Nil: nobody.
	Changed func(host string)
	// Resolve gives the addresses of a host. Nil: as this host resolves names.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// HTTPPort is where a CA asks over HTTP. 0: 80.
	HTTPPort uint16
}

// Keeper has a certificate for each host of the routes that Follow was given. Its methods are safe
// for concurrent use.
type Keeper struct {
	conf      Config
	log       *slog.Logger
	store     store
	authority *authority
	config    *tls.Config

	hosts     atomic.Pointer[map[string]*host]
	following sync.Mutex    // held while hosts is replaced
	moved     chan struct{} // hosts was replaced
	changes   chan string

	challenges challenges
	orders     chan struct{} // a place for each order that may be under way
}

// New opens the directory. A directory that cannot be written to is logged, and does not keep the
// hosts from being served: all of them get certificates of an internal CA that ends with the
// process.
func New(conf Config) *Keeper {
	if conf.Resolve == nil {
		conf.Resolve = resolve
	}
	if conf.HTTPPort == 0 {
		conf.HTTPPort = 80
	}
	k := &Keeper{
		conf: conf, log: conf.Log, store: store{conf.Dir},
		moved: make(chan struct{}, 1), changes: make(chan string, 256), orders: make(chan struct{}, maxOrders),
	}
	k.authority = openAuthority(k.store, k.log)
	k.challenges = challenges{store: k.store}
	k.hosts.Store(&map[string]*host{})
	k.config = k.newConfig()
	return k
}

// Config is what handshakes are made with. It is for sharing: nobody changes it.
func (k *Keeper) Config() *tls.Config { return k.config }

// Changes has each host whose certificate is another one now. What nobody reads is dropped.
func (k *Keeper) Changes() <-chan string { return k.changes }

func (k *Keeper) tell(host string) {
	if k.conf.Changed != nil {
		k.conf.Changed(host)
	}
	select {
	case k.changes <- host:
	default:
	}
}

// Follow keeps certificates for the hosts of these routes, and for no other, from now on. What is
// on the disk already is served when it returns.
func (k *Keeper) Follow(routes []*route.Route) {
	k.following.Lock()
	defer k.following.Unlock()
	before, next := *k.hosts.Load(), map[string]*host{}
	for _, r := range routes {
		if r.TLS == nil {
			continue
		}
		for _, name := range r.Hosts() {
			next[name] = k.follow(before[name], name, r)
		}
	}
	k.hosts.Store(&next)
	select {
	case k.moved <- struct{}{}:
	default:
	}
}

func (k *Keeper) follow(old *host, name string, r *route.Route) *host {
	if old != nil && old.project == r.Name && old.want == *r.TLS {
		return old
	}
	h := newHost(k, name, r.Name, *r.TLS)
	h.inherit(old)
	h.load()
	return h
}

func (k *Keeper) host(name string) *host { return (*k.hosts.Load())[name] }

// Run looks after the certificates until ctx ends, and then lets orders that are under way come to
// their end, for lastOrder at most.
func (k *Keeper) Run(ctx context.Context) {
	k.challenges.clean()
	running := map[*host]context.CancelFunc{}
	var all sync.WaitGroup
	defer all.Wait()
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		hosts := slices.Collect(maps.Values(*k.hosts.Load()))
		for h, stop := range running {
			if !slices.Contains(hosts, h) {
				stop()
				delete(running, h)
			}
		}
		for _, h := range hosts {
			if running[h] == nil {
				one, stop := context.WithCancel(ctx)
				running[h] = stop
				all.Go(func() { h.keep(one) })
				if h.want.Mode != route.TLSInternal {
					all.Go(func() { h.staples(one) })
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-k.moved:
		}
	}
}

// maxPause bounds each wait: a clock that was set shows within that time.
const maxPause = 10 * time.Minute
