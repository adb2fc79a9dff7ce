package proxy

import (
	"context"
	"sync"
)

// clients counts the open connections of clients, without tunnels. Safe for concurrent use.
type clients struct {
	mu   sync.Mutex
	open int
	none chan struct{} // closed when the last one has ended; nil while nobody waits
	less chan struct{} // closed when one has; nil while nobody waits
}

func (cs *clients) add() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.open++
}

func (cs *clients) remove() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	wake(&cs.less)
	if cs.open--; cs.open == 0 {
		wake(&cs.none)
	}
}

func (cs *clients) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.open
}

// full is nil while fewer than limit are open, and otherwise closed when one has ended.
func (cs *clients) full(limit int) <-chan struct{} {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open < limit {
		return nil
	}
	if cs.less == nil {
		cs.less = make(chan struct{})
	}
	return cs.less
}

// wait is true when all have ended, and false when ctx ends before that.
func (cs *clients) wait(ctx context.Context) bool {
	cs.mu.Lock()
	none := make(chan struct{})
	if cs.none = none; cs.open == 0 {
		wake(&cs.none)
	}
	cs.mu.Unlock()
	select {
	case <-none:
		return true
	case <-ctx.Done():
		return false
	}
}
