package tls

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"sandwich/proxy/route"
)

const (
	maxOrders  = 8               // that are under way at a time
	orderLimit = 5 * time.Minute // for one
	lastOrder  = time.Minute     // for those that are under way at the end

	// After an order that failed: at most one an hour for each host, less and less often.
	firstOrderPause = time.Hour
	lastOrderPause  = 12 * time.Hour
	// After anything that costs nobody an order: DNS, a CA that cannot be reached, a full disk.
	firstPause = time.Minute
	lastPause  = time.Hour
)

// managed is what the goroutine that looks after a host knows.
type managed struct {
	*host
	blocked  time.Time // nothing is tried before
	failures int       // in a row that cost no order
	renewal  renewal
}

// manage has a certificate from the CA, and gets the next one in time, until ctx ends.
func (h *host) manage(ctx context.Context) {
	m := &managed{host: h}
	if a, ok := h.k.readBook().Tries[h.name]; ok {
		m.blocked = earlier(a.Next, time.Now().Add(lastOrderPause)) // the clock may have been wrong then
		h.troubled(errors.New(a.Error), false, m.blocked)
	}
	if h.pending() != nil {
		m.blocked = time.Time{} // to go on with an order costs none
	}
	for ctx.Err() == nil {
		m.alarm()
		when := later(m.renewal.when(ctx, h), m.blocked)
		if now := time.Now(); !now.Before(when) {
			m.try(ctx, false)
			continue
		}
		timer := time.NewTimer(min(time.Until(when), m.renewal.untilAsk(), maxPause))
		select {
		case <-ctx.Done():
		case <-timer.C:
		case reply := <-h.asked:
			reply <- m.try(ctx, true)
		case <-h.revoked:
			m.blocked = time.Time{}
		}
		timer.Stop()
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// try gets a certificate, and says when to try again when it cannot. A person who asks does not
// wait for that.
func (m *managed) try(ctx context.Context, asked bool) error {
	s, err := m.get(ctx, asked)
	if ctx.Err() != nil && err != nil {
		return err // the end is nobody's failure
	}
	if err == nil {
		m.blocked, m.failures, m.renewal = time.Time{}, 0, renewal{}
		m.got(s)
		return nil
	}
	var refused *refusedError
	var full *budgetError
	waiting := false
	switch {
	case errors.As(err, &full):
		m.blocked, waiting = full.next, true
	case errors.As(err, &refused):
		m.blocked = m.refused(err)
	default:
		m.blocked = time.Now().Add(backOff(firstPause, lastPause, m.failures))
		m.failures++
		waiting = errors.Is(err, errElsewhere)
	}
	m.troubled(err, waiting, m.blocked)
	return err
}

func backOff(first, last time.Duration, failures int) time.Duration {
	return min(first<<min(failures, 10), last)
}

// errElsewhere marks what the look at DNS found.
var errElsewhere = errors.New("no certificate was ordered")

// get is one try. What needs no order comes first.
func (m *managed) get(ctx context.Context, asked bool) (*served, error) {
	if err := m.leadsHere(ctx); err != nil {
		return nil, fmt.Errorf("%w: %w", errElsewhere, err)
	}
	select {
	case m.k.orders <- struct{}{}:
		defer func() { <-m.k.orders }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	unlock, err := m.k.store.lock(pendingLock(m.name))
	if err != nil {
		return nil, fmt.Errorf("cannot order: %w", err)
	}
	defer unlock()
	if s := m.foundMeanwhile(); s != nil && !asked {
		return s, nil
	}
	ctx, cancel := finishing(ctx)
	defer cancel()
	pair, err := m.order(ctx, m.k.readBook().Tries[m.name].Method)
	if err != nil {
		return nil, err
	}
	return &served{pair: pair, from: route.TLSAuto}, nil
}

func pendingLock(host string) string { return pendingName(host) + ".lock" }

// finishing is a context for what is not to be broken off the moment that ctx ends.
func finishing(ctx context.Context) (context.Context, context.CancelFunc) {
	one, cancel := context.WithTimeout(context.WithoutCancel(ctx), orderLimit)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastOrder, cancel) })
	return one, func() { stop(); cancel() }
}

// foundMeanwhile is a certificate that another process got.
func (h *host) foundMeanwhile() *served {
	s, err := h.stored()
	old := h.issued()
	if err != nil || old != nil && old.Leaf.Equal(s.pair.Leaf) || covers(s.pair, h.name, time.Now()) != nil || !time.Now().Before(renewalOf(s.pair, h.name)) {
		return nil
	}
	return s
}

func (m *managed) got(s *served) {
	if err := m.k.write(func(b *book) error { delete(b.Tries, m.name); return nil }); err != nil {
		m.k.log.Warn(err.Error() + ", ignoring")
	}
	m.use(s.pair, s.from)
	m.k.log.Info(fmt.Sprintf("certificate of %s is from %s, until %s", m.name, issuerOf(s.pair), s.pair.Leaf.NotAfter.Format(time.DateOnly)),
		"project", m.project, "host", m.name)
}

// refused keeps that the CA refused, and says when it may be asked again.
func (h *host) refused(err error) time.Time {
	a := h.k.readBook().Tries[h.name]
	next := time.Now().Add(backOff(firstOrderPause, lastOrderPause, a.Failures))
	if werr := h.k.write(func(b *book) error {
		b.Tries[h.name] = attempt{Failures: a.Failures + 1, Next: next, Error: err.Error(), Method: a.Method + 1}
		return nil
	}); werr != nil {
		h.k.log.Warn(werr.Error() + ", ignoring")
	}
	return next
}

// budgetError says that a CA would take no more orders.
type budgetError struct {
	next time.Time
	why  error
}

func (e *budgetError) Error() string { return e.why.Error() }

// reserve looks whether the CA takes an order, and blocks the next one before this one is placed:
// a process that dies on the way orders once an hour, too.
func (h *host) reserve() error {
	return h.k.write(func(b *book) error {
		now := time.Now()
		if next, why := b.allows(h.want.Directory(), h.name, h.issued() != nil, now); why != nil {
			return &budgetError{next: next, why: why}
		}
		a := b.Tries[h.name]
		a.Next, a.Error = now.Add(firstOrderPause), "the last order did not come to its end"
		b.Tries[h.name] = a
		return nil
	})
}

// alarm tells the journal once a day that a certificate comes to its end while nothing replaces it.
func (m *managed) alarm() {
	pair := m.issued()
	if pair == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	left, now := time.Until(pair.Leaf.NotAfter), time.Now()
	if m.trouble == "" || left > lifeOf(pair)/3 || now.Sub(m.warned) < 24*time.Hour && now.After(m.warned) {
		return
	}
	m.warned = now
	m.k.log.Error(fmt.Sprintf("certificate of %s ends on %s and could not be renewed: %s", m.name, pair.Leaf.NotAfter.Format(time.DateTime), m.trouble),
		"project", m.project, "host", m.name)
}

// spread is a share, from 0 to 1, that is the host's own: hosts whose certificates were ordered
// together do not renew together.
func spread(host string) float64 {
	hash := fnv.New32a()
	hash.Write([]byte(host))
	return float64(hash.Sum32()) / (1 << 32)
}
