// Package limit bounds how often something may happen for each of very many visitors, in bounded
// memory. Who counts as one visitor is left to the caller.
package limit

import (
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter knows most visitors at most: those that were seen last. Shards keep requests from
// waiting for each other. A visitor takes about 300 bytes, so a full Limiter 5 MB.
const (
	shards   = 16
	perShard = 1024
	most     = shards * perShard
)

// Limiter is a token bucket for each visitor. Safe for concurrent use.
type Limiter struct {
	rate   rate.Limit
	burst  int
	shards [shards]shard
}

type shard struct {
	mu    sync.Mutex
	known map[Key]*visitor
	first *visitor // seen last; the list is a ring
}

type visitor struct {
	key        Key
	bucket     *rate.Limiter
	prev, next *visitor
}

// New lets count requests through in each period, and burst at once.
func New(count int, period time.Duration, burst int) *Limiter {
	return &Limiter{rate: rate.Limit(float64(count) / period.Seconds()), burst: burst}
}

// Allow says whether a visitor's request may go on now, and if not, when it is worth coming back.
func (l *Limiter) Allow(key Key, now time.Time) (retry time.Duration, ok bool) {
	s := &l.shards[key.shard()]
	s.mu.Lock()
	defer s.mu.Unlock()
	bucket := s.seen(key, l, now).bucket
	if bucket.AllowN(now, 1) {
		return 0, true
	}
	missing := (1 - bucket.TokensAt(now)) / float64(l.rate)
	return time.Duration(missing * float64(time.Second)).Round(time.Millisecond), false
}

// Known is how many visitors are remembered.
func (l *Limiter) Known() (n int) {
	for i := range l.shards {
		l.shards[i].mu.Lock()
		n += len(l.shards[i].known)
		l.shards[i].mu.Unlock()
	}
	return n
}

// seen is the visitor, who is now the last one seen.
func (s *shard) seen(key Key, l *Limiter, now time.Time) *visitor {
	v := s.known[key]
	switch {
	case v == s.first && v != nil:
		return v
	case v != nil:
		s.unlink(v)
	default:
		v = &visitor{key: key, bucket: rate.NewLimiter(l.rate, l.burst)}
		s.makeRoom(l, now)
		if s.known == nil {
			s.known = map[Key]*visitor{}
		}
		s.known[key] = v
	}
	s.link(v)
	return v
}

// makeRoom forgets the visitor seen longest ago when there are too many, and up to two of those
// whose bucket is full again: they are as good as new ones.
func (s *shard) makeRoom(l *Limiter, now time.Time) {
	for n := 0; n < 2 && s.first != nil; n++ {
		last := s.first.prev
		if len(s.known) < perShard && last.bucket.TokensAt(now) < float64(l.burst) {
			return
		}
		s.unlink(last)
		delete(s.known, last.key)
	}
}

func (s *shard) link(v *visitor) {
	if s.first == nil {
		v.prev, v.next = v, v
	} else {
		v.prev, v.next = s.first.prev, s.first
		v.prev.next, v.next.prev = v, v
	}
	s.first = v
}

func (s *shard) unlink(v *visitor) {
	if v.next == v {
		s.first = nil
		return
	}
	v.prev.next, v.next.prev = v.next, v.prev
	if s.first == v {
		s.first = v.next
	}
}

// Key is who counts as one visitor.
type Key [16]byte

func (k Key) shard() int {
	return int(binary.LittleEndian.Uint64(k[8:])*0x9e3779b97f4a7c15>>60) % shards
}

// Address is the visitor behind an address: of IPv6 the /64, which is what one customer of a
// provider has at least.
func Address(a netip.Addr) Key {
	k := Key(a.Unmap().WithZone("").As16())
	if !a.Unmap().Is4() {
		clear(k[8:])
		copy(k[8:], k[:8]) // which shard it is, is taken from there
	}
	return k
}

// The seeds keep anybody from choosing texts that count as one visitor.
var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// Text is the visitor behind a text of any length, such as a key in a header field.
func Text(s string) (k Key) {
	binary.LittleEndian.PutUint64(k[:8], maphash.String(seeds[0], s))
	binary.LittleEndian.PutUint64(k[8:], maphash.String(seeds[1], s))
	return k
}
