package h2

import (
	"runtime"
	"sync"
	"time"
)

// outputLimit is how much may wait to be sent before handlers have to wait, too.
const outputLimit = 64 << 10

var outputs = sync.Pool{New: func() any { b := make([]byte, 0, 24<<10); return &b }}

// queue is where frames are appended to. mu is held.
func (c *conn) queue() *[]byte {
	if c.out == nil {
		c.out = outputs.Get().(*[]byte)
	}
	return c.out
}

// flush sends what is queued, unless somebody does already. mu is held, and let go meanwhile.
func (c *conn) flush() {
	if c.writing || c.out == nil || c.err != nil {
		return
	}
	c.writing = true
	if c.handlers > 0 {
		// Others that are ready to run may be about to answer: one write for all of them.
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	c.writeOnce()
	if c.out != nil && c.err == nil {
		c.running.Go(c.writeRest) // the others' frames are not this goroutine's
		return
	}
	c.writing = false
}

// flushBehind is flush for who must not wait for the client. mu is held.
func (c *conn) flushBehind() {
	if c.writing || c.out == nil || c.err != nil {
		return
	}
	c.writing = true
	c.running.Go(c.writeRest)
}

func (c *conn) writeRest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.out != nil && c.err == nil {
		c.writeOnce()
	}
	c.writing = false
	c.room.Broadcast()
}

// writeOnce sends all that is queued now.
func (c *conn) writeOnce() {
	if c.out == nil || c.err != nil {
		return
	}
	buf := c.out
	c.out = nil
	c.extend()
	c.mu.Unlock()
	_, err := c.nc.Write(*buf)
	if cap(*buf) <= 2*outputLimit {
		*buf = (*buf)[:0]
		outputs.Put(buf)
	}
	c.mu.Lock()
	if err != nil && c.err == nil {
		c.lose(err)
		c.nc.Close() // has the reading goroutine notice
	}
	c.room.Broadcast()
}

// extend moves the write deadline now and then: doing it for each write shows in profiles.
func (c *conn) extend() {
	if now := time.Now(); now.Sub(c.extended) > min(time.Second, c.o.ProgressTime/4) {
		c.extended = now
		c.nc.SetWriteDeadline(now.Add(c.o.ProgressTime))
	}
}

// waitForWriter returns when nobody sends any more. mu is held, and let go meanwhile.
func (c *conn) waitForWriter() {
	for c.writing && c.err == nil {
		c.room.Wait()
	}
}

// waitForRoom returns when not too much is queued. mu is held, and let go meanwhile.
func (c *conn) waitForRoom() {
	for c.writing && c.out != nil && len(*c.out) >= outputLimit && c.err == nil {
		c.room.Wait()
	}
}
