package h2

import (
	"os"
	"time"
)

// tail is what a handler that has returned has left: content, and the block of a trailer or nil.
type tail struct {
	content []byte
	trailer []byte
}

// sendBlock queues a header block, which begins with a byte for tableUnused. c.mu is held.
func (c *conn) sendBlock(st *stream, block []byte, end bool) {
	if st.err != nil || c.err != nil {
		return
	}
	if c.encoded {
		block = block[1:]
	}
	c.encoded = true
	*c.queue() = appendHeaders(*c.queue(), st.id, block, end)
}

// mayTake is how much of n bytes may be sent now.
func (c *conn) mayTake(st *stream, n int) int {
	return max(0, min(n, maxFrame, st.window, c.window))
}

// sendSome queues as much of p as fits into one frame and the windows. c.mu is held.
func (c *conn) sendSome(st *stream, p []byte, end bool) (rest []byte) {
	n := c.mayTake(st, len(p))
	if n == 0 && len(p) > 0 {
		st.isBlocked = true
		return p
	}
	st.window -= n
	c.window -= n
	c.budget.carried(n)
	*c.queue() = appendData(*c.queue(), st.id, p[:n], end && n == len(p))
	return p[n:]
}

// sendData queues content, and waits while the client or the connection takes no more. c.mu is
// held, and let go meanwhile.
func (c *conn) sendData(st *stream, p []byte) error {
	for len(p) > 0 {
		if st.err != nil {
			return st.err
		}
		if c.mayTake(st, len(p)) > 0 {
			p = c.sendSome(st, p, false)
			if len(*c.out) >= outputLimit {
				c.flush()
				c.waitForRoom()
			}
			continue
		}
		if err := st.waitForWindow(); err != nil {
			return err
		}
	}
	return st.err
}

// waitForWindow waits until the client takes more, and resets the stream when that takes too long.
func (st *stream) waitForWindow() error {
	c := st.c
	c.flush()
	if c.mayTake(st, 1) > 0 || st.err != nil { // while it was flushed
		return st.err
	}
	at := st.writeBy.at
	if at.IsZero() {
		at = time.Now().Add(c.o.ProgressTime)
	}
	st.isBlocked = true
	for c.mayTake(st, 1) == 0 && st.err == nil {
		if !st.writeBy.at.IsZero() {
			at = st.writeBy.at
		}
		if err := st.wait(&st.writable, &st.writeBy, at); err != nil {
			c.reset(st.id, Cancel, os.ErrDeadlineExceeded)
			c.flushBehind()
			return err
		}
	}
	st.isBlocked = false
	return st.err
}

// sendEnd queues the rest of an answer. c.mu is held.
func (c *conn) sendEnd(w *response, trailer []byte) {
	content := w.draft.content
	if !w.isHeadSent {
		w.guessType(content)
		end := len(content) == 0 && trailer == nil
		c.sendBlock(w.st, w.draft.block, end)
		if w.isHeadSent = true; end {
			c.sent(w.st)
			return
		}
	}
	if rest := c.push(w.st, content, trailer); rest != nil {
		w.st.tail = &tail{append([]byte(nil), rest...), trailer}
		w.st.later = time.AfterFunc(c.o.ProgressTime, w.st.endLate)
	}
}

// push queues the end of an answer as far as the windows go and returns what is left. Without
// content left there is none.
func (c *conn) push(st *stream, content, trailer []byte) (rest []byte) {
	st.isBlocked = false
	if len(content) == 0 && trailer == nil {
		c.sendSome(st, nil, true)
	}
	for len(content) > 0 {
		before := len(content)
		if content = c.sendSome(st, content, trailer == nil); len(content) == before {
			return content
		}
	}
	if trailer != nil {
		c.sendBlock(st, trailer, true)
	}
	c.sent(st)
	return nil
}

// mayWrite is called when a window has grown. c.mu is held.
func (st *stream) mayWrite() {
	if !st.isBlocked || st.c.mayTake(st, 1) == 0 {
		return
	}
	if st.tail == nil {
		st.writable.Broadcast()
		return
	}
	before := len(st.tail.content)
	rest := st.c.push(st, st.tail.content, st.tail.trailer)
	if rest != nil && len(rest) < before {
		st.tail.content = rest
		st.later.Reset(st.c.o.ProgressTime)
	}
}
