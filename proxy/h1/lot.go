package h1

import (
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lot is where connections wait for their next request without a goroutine, whose stack is most of what
// an idle connection costs. It is safe for concurrent use.
type lot struct {
	watch *os.File // epoll(7)
	raw   syscall.RawConn

	mu     sync.Mutex
	last   uint64
	parked map[uint64]*conn // by what epoll says of each
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
	return &lot{watch: watch, raw: raw, parked: map[uint64]*conn{}}, nil
}

// run calls wake, in a goroutine of its own, with each connection that has something to read or was left
// by its client, until close. The connection is not parked any more.
func (l *lot) run(wake func(*conn)) {
	var events [128]unix.EpollEvent
	l.raw.Read(func(fd uintptr) (done bool) {
		for {
			n, err := unix.EpollWait(int(fd), events[:], 0)
			if err == unix.EINTR {
				continue
			}
			for _, e := range events[:max(n, 0)] {
				if c := l.take(idOf(e)); c != nil {
					go wake(c)
				}
			}
			if n < len(events) {
				return false
			}
		}
	})
}

// close ends run, and gives the connections that are still parked.
func (l *lot) close() (left []*conn) {
	l.watch.Close()
	left = l.some(func(*conn) bool { return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.parked { // that came meanwhile
		left = append(left, c)
	}
	l.parked = nil
	return left
}

// add parks a connection, and is false when it cannot.
func (l *lot) add(c *conn) bool {
	l.mu.Lock()
	if l.parked == nil {
		l.mu.Unlock()
		return false
	}
	l.last++
	c.place = l.last
	l.parked[c.place] = c
	l.mu.Unlock()
	var err error
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLONESHOT, Fd: int32(c.place), Pad: int32(c.place >> 32)}
	if closed := c.plain.Control(func(fd uintptr) { err = l.control(unix.EPOLL_CTL_ADD, fd, &event) }); closed != nil || err != nil {
		return l.take(c.place) == nil // somebody else has it by now
	}
	return true
}

func idOf(e unix.EpollEvent) uint64 { return uint64(uint32(e.Fd)) | uint64(uint32(e.Pad))<<32 }

// take gives the connection that is parked at a place, to one caller only, or nil.
func (l *lot) take(place uint64) *conn {
	l.mu.Lock()
	c := l.parked[place]
	delete(l.parked, place)
	l.mu.Unlock()
	if c != nil {
		c.plain.Control(func(fd uintptr) { l.control(unix.EPOLL_CTL_DEL, fd, nil) })
	}
	return c
}

func (l *lot) control(op int, fd uintptr, event *unix.EpollEvent) (err error) {
	if closed := l.raw.Control(func(watch uintptr) { err = unix.EpollCtl(int(watch), op, int(fd), event) }); closed != nil {
		return closed
	}
	return err
}

// some takes all connections that are as wanted.
func (l *lot) some(wanted func(*conn) bool) (taken []*conn) {
	l.mu.Lock()
	var places []uint64
	for place, c := range l.parked {
		if wanted(c) {
			places = append(places, place)
		}
	}
	l.mu.Unlock()
	for _, place := range places {
		if c := l.take(place); c != nil {
			taken = append(taken, c)
		}
	}
	return taken
}

// late takes the connections that have been idle for long enough.
func (l *lot) late(now time.Time) []*conn {
	return l.some(func(c *conn) bool { return !now.Before(c.until) })
}
