package h2

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// requestContext is the context of a request. It ends when the client does not wait for the answer
// any more, and when the handler has returned. It knows AfterFunc, which package context uses: no
// goroutine has to wait for it.
type requestContext struct {
	parent *conn

	mu    sync.Mutex
	err   error
	done  chan struct{} // made when somebody asks
	after map[*func()]struct{}
}

// Deadline is none.
func (x *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done is closed when the context has ended.
func (x *requestContext) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.err != nil {
			close(x.done)
		}
	}
	return x.done
}

// Err is context.Canceled when the context has ended.
func (x *requestContext) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return context.Canceled
	}
	return nil
}

// Value is what the connection knows.
func (x *requestContext) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return x.parent.local
	}
	return x.parent.ctx.Value(key)
}

// AfterFunc calls f in a goroutine of its own when the context has ended, unless stop was first.
func (x *requestContext) AfterFunc(f func()) (stop func() bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		go f()
		return func() bool { return false }
	}
	if x.after == nil {
		x.after = map[*func()]struct{}{}
	}
	x.after[&f] = struct{}{}
	return func() bool { return x.forget(&f) }
}

func (x *requestContext) forget(f *func()) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, ok := x.after[f]
	delete(x.after, f)
	return ok
}

// cancel ends the context.
func (x *requestContext) cancel(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.err != nil {
		return
	}
	x.err = err
	if x.done != nil {
		close(x.done)
	}
	for f := range x.after {
		go (*f)()
	}
	x.after = nil
}
