package tls

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/tls/limit"
)

// State is a host's certificate in one word.
type State string

// The states. All but OK and Waiting want somebody to look.
const (
	OK       State = "ok"       // it is what the project wants
	Waiting  State = "waiting"  // the internal CA's, until the real one can be had
	Failing  State = "failing"  // the internal CA's, because the real one was refused; or without the staple that it asks for
	Expiring State = "expiring" // in the last third of its life, and could not be renewed
	Expired  State = "expired"
)

// Certificate is what a host is served with.
type Certificate struct {
	Host    string
	Project string
	Mode    string // what is wanted: auto, files or internal
	CA      string // auto: address of its directory
	From    string // what it is from: auto, files or internal
	State   State
	Issuer  string
	Serial  string // hex
	Names   []string
	Begins  time.Time
	Ends    time.Time
	Problem string    // why it is not what is wanted
	Next    time.Time // when the next one is tried, as far as that is known
}

// Certificates are those of all hosts, sorted by host.
func (k *Keeper) Certificates() []Certificate {
	hosts := *k.hosts.Load()
	list := make([]Certificate, 0, len(hosts))
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		list = append(list, hosts[name].status())
	}
	return list
}

func (h *host) status() Certificate {
	pair, _ := h.certificate()
	c := Certificate{
		Host: h.name, Project: h.project, Mode: h.want.Mode, From: h.serving.Load().from,
		Issuer: issuerOf(pair), Serial: fmt.Sprintf("%x", pair.Leaf.SerialNumber), Names: pair.Leaf.DNSNames,
		Begins: pair.Leaf.NotBefore, Ends: pair.Leaf.NotAfter,
	}
	if c.Mode == route.TLSAuto {
		c.CA = h.want.Directory()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	c.Problem, c.Next = h.trouble, h.next
	c.State = h.state(pair, c.From, time.Now())
	if c.Problem == "" {
		c.Problem = h.unstapled
	}
	if c.Next.IsZero() && c.From == route.TLSAuto && c.Mode == c.From {
		c.Next = renewalOf(pair, h.name)
	}
	return c
}

// state wants h.mu held.
func (h *host) state(pair *tls.Certificate, from string, now time.Time) State {
	last := pair.Leaf.NotAfter.Sub(now) < lifeOf(pair)/3
	switch {
	case from == route.TLSInternal && h.want.Mode == route.TLSInternal:
		return OK
	case from == route.TLSInternal && (h.waiting || h.trouble == ""):
		return Waiting
	case from == route.TLSInternal:
		return Failing
	case now.After(pair.Leaf.NotAfter):
		return Expired
	case h.unstapled != "" && len(pair.OCSPStaple) == 0:
		return Failing
	case last && (h.trouble != "" || from == route.TLSFiles && pair.Leaf.NotAfter.Sub(now) < 14*24*time.Hour):
		return Expiring
	}
	return OK
}

// Orders is how many certificates count against what a CA gives for each registered domain: those
// that were ordered in the last seven days and replaced none.
func (k *Keeper) Orders() map[string]int {
	count := map[string]int{}
	b := k.readBook()
	b.prune(time.Now())
	for _, o := range b.Orders {
		if !o.Renewal {
			count[limit.RegisteredDomain(o.Host)]++
		}
	}
	return count
}

// Revoke has the CA take back the certificate of a host, for a reason of RFC 5280 5.3.1. The host
// is served by the internal CA until another one is there.
func (k *Keeper) Revoke(ctx context.Context, name string, reason int) error {
	h := k.host(name)
	if h == nil {
		return fmt.Errorf("cannot revoke the certificate of %s: %w", name, ErrNoHost)
	}
	if err := h.revoke(ctx, reason); err != nil {
		return fmt.Errorf("cannot revoke the certificate of %s: %w", name, err)
	}
	k.log.Warn("certificate of "+name+" was revoked", "project", h.project, "host", name)
	return nil
}

func (h *host) revoke(ctx context.Context, reason int) error {
	pair := h.issued()
	if pair == nil || h.want.Mode != route.TLSAuto {
		return ErrNotIssued
	}
	account, err := h.k.loadAccount(&h.want)
	if err != nil {
		return err
	}
	client, err := h.k.newClient(&h.want)
	if err != nil {
		return err
	}
	defer client.HTTPClient.CloseIdleConnections()
	if err := client.RevokeCertificate(ctx, account, pair.Leaf, account.PrivateKey, reason); err != nil {
		return told(err)
	}
	if err := h.k.store.remove(certificateName(&h.want, h.name)); err != nil {
		return err
	}
	h.serving.Store(nil)
	h.k.tell(h.name)
	select {
	case h.revoked <- struct{}{}:
	default:
	}
	return nil
}
