package h3

import (
	"context"
	"sync"
)

// counter counts what goes on.
type counter struct {
	mu     sync.Mutex
	number int
	none   chan struct{} // closed when the last one has ended; nil while nobody waits
}

func (c *counter) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.number += n; c.number == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// wait returns when nothing goes on, or when ctx ends. One may wait at a time.
func (c *counter) wait(ctx context.Context) {
	c.mu.Lock()
	if c.number == 0 {
		c.mu.Unlock()
		return
	}
	none := make(chan struct{})
	c.none = none
	c.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}
