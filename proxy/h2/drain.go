package h2

import "time"

// drainPing is what a client answers when it has read that it is to go.
const drainPing = "sandwich"

// drainTime is how long that may take.
const drainTime = time.Second

// drain tells the client to send no more requests. Those that are on their way now are served: only
// when the client must have read it, it is told which those were (RFC 9113 6.8).
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isDraining || c.err != nil {
		return
	}
	c.isDraining = true
	*c.queue() = appendGoAway(*c.queue(), maxWindow, NoError)
	*c.queue() = appendPing(*c.queue(), 0, []byte(drainPing))
	c.flushBehind()
	time.AfterFunc(drainTime, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.leave()
	})
}

// leave takes no more requests. mu is held.
func (c *conn) leave() {
	if c.isLeaving || c.err != nil {
		return
	}
	c.isLeaving = true
	*c.queue() = appendGoAway(*c.queue(), c.last, NoError)
	c.flushBehind()
	c.wakeIfDone()
}

// isDone says whether the connection has no use any more. mu is held.
func (c *conn) isDone() bool { return c.isLeaving && len(c.streams) == 0 }

// wakeIfDone has the reading goroutine notice. mu is held.
func (c *conn) wakeIfDone() {
	if c.isDone() {
		c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// orDone is errDone when err comes from wakeIfDone.
func (c *conn) orDone(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := err.(*connError); !ok && c.isDone() {
		return errDone
	}
	return err
}

// settle sends what frames have called for, when the next one must be waited for, and says whether
// there will be none.
func (c *conn) settle() (done bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushBehind()
	return c.isDone()
}

// watchIdle drains the connection when it has had no request for a while.
func (c *conn) watchIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idleTimer = time.AfterFunc(c.o.IdleTime, c.checkIdle)
}

func (c *conn) checkIdle() {
	c.mu.Lock()
	left := c.o.IdleTime
	if len(c.streams) == 0 {
		left -= time.Since(c.idleSince)
	}
	if left > 0 && c.err == nil {
		c.idleTimer.Reset(left)
	}
	c.mu.Unlock()
	if left <= 0 {
		c.drain()
	}
}
