package h1

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/proxy/socket"
)

// lot is where connections wait for their next request, with neither a goroutine nor anything else that
// Go has for one. It is safe for concurrent use.
type lot struct {
	watch *os.File // epoll(7)
	raw   syscall.RawConn

	mu     sync.Mutex
	last   uint64
	parked map[uint64]waiting // by what epoll says of each
}

// waiting is a connection that is parked.
type waiting struct {
	socket.Detached
	until time.Time // when it is closed
	ended func()
}

// end closes a connection that is parked no more.
func (w waiting) end() {
	w.Close()
	w.ended()
}

func newLot() (*lot, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	watch := os.NewFile(uintptr(fd), "epoll")
	raw, err := watch.SyscallConn()
	if err != nil {
		watch.Close()
		return nil, err
	}
	return &lot{watch: watch, raw: raw, parked: map[uint64]waiting{}}, nil
}

// run calls wake, in a goroutine of its own, with each connection that has something to read or was left
// by its client, until close. The connection is not parked any more.
func (l *lot) run(wake func(waiting)) {
	var events [128]unix.EpollEvent
	l.raw.Read(func(fd uintptr) (done bool) {
		for {
			n, err := unix.EpollWait(int(fd), events[:], 0)
			if err == unix.EINTR {
				continue
			}
			for _, e := range events[:max(n, 0)] {
				if w, ok := l.take(idOf(e)); ok {
					go wake(w)
				}
			}
			if n < len(events) {
				return false
			}
		}
	})
}

// close ends run, and gives the connections that are still parked.
func (l *lot) close() (left []waiting) {
	l.mu.Lock()
	for _, w := range l.parked {
		left = append(left, w)
	}
	l.parked = nil
	l.mu.Unlock()
	l.watch.Close() // which forgets them all
	return left
}

// add parks what c waits for, and is false when it cannot. The place is kept until it is taken.
func (l *lot) add(c *conn) bool {
	l.mu.Lock() // until all is done: nothing may be taken before
	defer l.mu.Unlock()
	if l.parked == nil {
		return false
	}
	d, err := c.plain.Detach()
	if err != nil {
		return false
	}
	l.last++
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(l.last), Pad: int32(l.last >> 32)}
	if l.control(unix.EPOLL_CTL_ADD, d.FD, &event) != nil {
		d.Close()
		return false
	}
	l.parked[l.last] = waiting{d, c.until, c.ended}
	c.nc.Close()
	return true
}

func idOf(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

// take gives the connection that is parked at a place, to one caller only.
func (l *lot) take(place uint64) (waiting, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, ok := l.parked[place]
	if ok {
		delete(l.parked, place)
		l.control(unix.EPOLL_CTL_DEL, w.FD, nil)
	}
	return w, ok
}

func (l *lot) control(op, fd int, event *unix.EpollEvent) (err error) {
	if closed := l.raw.Control(func(watch uintptr) { err = unix.EpollCtl(int(watch), op, fd, event) }); closed != nil {
		return closed
	}
	return err
}

// hurry has no connection stay for longer.
func (l *lot) hurry(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for place, w := range l.parked {
		if until.Before(w.until) {
			w.until = until
			l.parked[place] = w
		}
	}
}

// some takes all connections that are as wanted.
func (l *lot) some(wanted func(waiting) bool) (taken []waiting) {
	l.mu.Lock()
	var places []uint64
	for place, w := range l.parked {
		if wanted(w) {
			places = append(places, place)
		}
	}
	l.mu.Unlock()
	for _, place := range places {
		if w, ok := l.take(place); ok {
			taken = append(taken, w)
		}
	}
	return taken
}
