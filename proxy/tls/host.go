package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/route"
)

// host is one name and the certificate that it is served with.
type host struct {
	k       *Keeper
	name    string
	project string
	want    route.TLS

	serving atomic.Pointer[served] // nil: no handshake has needed one yet
	signing sync.Mutex             // held while the internal CA signs

	mu      sync.Mutex
	trouble string    // why it has not got what it wants, "" when it has
	waiting bool      // the trouble is nobody's mistake here: it waits for something
	next    time.Time // when that is tried again
	looks   looks     // how its files looked when they were read
	warned  time.Time // when the journal was told that the certificate ends

	unstapled string        // why the certificate has no staple that it asks for, under mu
	replaced  chan struct{} // there is another certificate

	asked   chan chan error // somebody wants a new certificate now
	revoked chan struct{}   // there is none any more
}

// served is a certificate and where it is from: the mode that got it.
type served struct {
	pair *tls.Certificate
	from string
}

func newHost(k *Keeper, name, project string, want route.TLS) *host {
	return &host{k: k, name: name, project: project, want: want, asked: make(chan chan error), revoked: make(chan struct{}, 1), replaced: make(chan struct{}, 1)}
}

// inherit takes over a certificate, so that a change of settings takes no good one away.
func (h *host) inherit(old *host) {
	if old == nil || h.want.Mode == route.TLSInternal {
		return
	}
	if s := old.serving.Load(); s != nil && s.from != route.TLSInternal {
		h.serving.Store(s)
	}
}

// load serves what is on the disk.
func (h *host) load() {
	switch h.want.Mode {
	case route.TLSFiles:
		h.loadFiles()
	case route.TLSAuto:
		h.loadStored()
	}
}

// keep looks after the certificate until ctx ends.
func (h *host) keep(ctx context.Context) {
	switch h.want.Mode {
	case route.TLSFiles:
		h.watchFiles(ctx)
	case route.TLSAuto:
		h.manage(ctx)
	default:
		h.answer(ctx)
	}
}

// answer makes a new internal certificate whenever somebody wants one.
func (h *host) answer(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case reply := <-h.asked:
			h.sign()
			reply <- nil
		}
	}
}

// certificate is what a handshake gets.
func (h *host) certificate() (*tls.Certificate, error) {
	s := h.serving.Load()
	if s == nil || s.from == route.TLSInternal && !fresh(s.pair, time.Now()) {
		s = h.signOnce()
	}
	return s.pair, nil
}

// fresh says whether an internal certificate is in the first two thirds of its life.
func fresh(pair *tls.Certificate, now time.Time) bool {
	return !now.Before(pair.Leaf.NotBefore) && now.Before(pair.Leaf.NotAfter.Add(-leafLife/3))
}

func (h *host) signOnce() *served {
	h.signing.Lock()
	defer h.signing.Unlock()
	if s := h.serving.Load(); s != nil && (s.from != route.TLSInternal || fresh(s.pair, time.Now())) {
		return s
	}
	return h.sign()
}

func (h *host) sign() *served {
	s := &served{pair: h.k.authority.leaf(h.name), from: route.TLSInternal}
	h.serving.Store(s)
	return s
}

// use serves another certificate from the next handshake on.
func (h *host) use(pair *tls.Certificate, from string) {
	h.serving.Store(&served{pair: pair, from: from})
	h.settle()
	h.tellReplaced()
	h.k.tell(h.name)
}

// settle says that the host has what it wants.
func (h *host) settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble, h.waiting, h.next = "", false, time.Time{}
}

// troubled says why the host has not got what it wants, and logs it when that is news.
func (h *host) troubled(err error, waiting bool, next time.Time) {
	h.mu.Lock()
	news := h.trouble != err.Error()
	h.trouble, h.waiting, h.next = err.Error(), waiting, next
	h.mu.Unlock()
	if !news {
		return
	}
	text, log := fmt.Sprintf("certificate of %s: %v", h.name, err), h.k.log.With("project", h.project, "host", h.name)
	if waiting {
		log.Info(text)
	} else {
		log.Warn(text)
	}
}

// Trusted says whether browsers trust the certificate of a host, as far as that can be known here.
func (k *Keeper) Trusted(name string) bool {
	h := k.host(name)
	if h == nil {
		return false
	}
	s := h.serving.Load()
	return s != nil && s.from != route.TLSInternal && covers(s.pair, name, time.Now()) == nil
}

// What Renew and Revoke can fail with.
var (
	ErrNoHost    = errors.New("no such host is served over HTTPS")
	ErrNotIssued = errors.New("there is no certificate from a CA")
)

// Renew gets a host a new certificate now, from wherever it has its own: from the CA, whatever is
// left of the old one; from its files; from the internal CA. It returns when that is served.
func (k *Keeper) Renew(ctx context.Context, name string) error {
	h := k.host(name)
	if h == nil {
		return fmt.Errorf("cannot renew the certificate of %s: %w", name, ErrNoHost)
	}
	reply := make(chan error, 1)
	select {
	case h.asked <- reply:
	case <-ctx.Done():
		return fmt.Errorf("cannot renew the certificate of %s: %w", name, ctx.Err())
	}
	select {
	case err := <-reply:
		if err != nil {
			return fmt.Errorf("cannot renew the certificate of %s: %w", name, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the certificate of %s: %w", name, ctx.Err())
	}
}
