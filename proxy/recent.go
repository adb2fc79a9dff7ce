package proxy

import (
	"sync/atomic"
	"time"
)

// The last minute is counted in parts of it: the oldest is forgotten as a whole.
const (
	recentPart  = 5 * time.Second
	recentParts = 12
	countBits   = 24 // of a part; the bits above them say which one it is
)

// recent counts what has come in the last minute, without a lock. Safe for concurrent use.
type recent struct {
	parts [recentParts]atomic.Uint64
}

// add counts one that comes now.
func (c *recent) add(now time.Time) {
	epoch := uint64(now.UnixNano() / int64(recentPart))
	part := &c.parts[epoch%recentParts]
	for {
		old := part.Load()
		next := epoch<<countBits | 1
		if old>>countBits == epoch {
			next = old + 1
		}
		if part.CompareAndSwap(old, next) {
			return
		}
	}
}

// perSecond is how many have come in each second of about the last minute.
func (c *recent) perSecond(now time.Time) float64 {
	epoch := uint64(now.UnixNano() / int64(recentPart))
	var n uint64
	for i := range c.parts {
		if part := c.parts[i].Load(); part>>countBits+recentParts > epoch && part>>countBits <= epoch {
			n += part & (1<<countBits - 1)
		}
	}
	covered := (recentParts-1)*recentPart + time.Duration(now.UnixNano()%int64(recentPart))
	return float64(n) / covered.Seconds()
}
