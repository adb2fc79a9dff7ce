package main

import (
	"context"
	"net"
	"syscall"
	"time"
)

// crowd are clients that send a header byte by byte, once a second. They are bare descriptors, which
// cost this process next to nothing. Who is cut comes again.
type crowd struct {
	addr    *syscall.SockaddrInet4
	members []member
	most    time.Duration // that any of them lasted
	cut     int           // how often one of them was
}

type member struct {
	fd    int
	since time.Time
}

func newCrowd(address string) (*crowd, error) {
	tcp, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil {
		return nil, err
	}
	return &crowd{addr: &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte{127, 0, 0, 1}}}, nil
}

// join has n more come, a few at a time: not the queue of the listener is to be tried.
func (c *crowd) join(n int) error {
	for i := range n {
		if i%500 == 499 {
			time.Sleep(250 * time.Millisecond)
		}
		m, err := c.enter()
		if err != nil {
			return err
		}
		c.members = append(c.members, m)
	}
	return nil
}

func (c *crowd) enter() (member, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return member{}, err
	}
	if err := syscall.Connect(fd, c.addr); err != nil {
		syscall.Close(fd)
		return member{}, err
	}
	return member{fd, time.Now()}, nil
}

// trickle has each send its byte a second until ctx ends.
func (c *crowd) trickle(ctx context.Context) error {
	var err error
	n := 0
	every(ctx, time.Second, func() {
		for i := range c.members {
			if failed := c.say(&c.members[i], n); failed != nil {
				err = failed
			}
		}
		n++
	})
	return err
}

const slowly = "GET /page HTTP/1.1\r\nX-Slow: "

func (c *crowd) say(m *member, n int) error {
	b := []byte{'x'}
	if n < len(slowly) {
		b[0] = slowly[n]
	}
	if _, err := syscall.Write(m.fd, b); err == nil {
		return nil
	}
	c.most, c.cut = max(c.most, time.Since(m.since)), c.cut+1
	syscall.Close(m.fd)
	var err error
	*m, err = c.enter()
	return err
}

func (c *crowd) leave() {
	for _, m := range c.members {
		syscall.Close(m.fd)
	}
}
