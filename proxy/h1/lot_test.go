package h1_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"sandwich/proxy/h1"
)

// parking is a host whose idle connections are parked soon.
func parking(t *testing.T, idle time.Duration) *host {
	return newHostWith(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }, func(c *h1.Config) {
		c.Park, c.IdleTime = time.Millisecond, idle
	})
}

// visitor is a client that asks again and again on one connection.
type visitor struct {
	*net.TCPConn
	in *bufio.Reader
}

func (h *host) visitor() *visitor {
	h.Helper()
	c := h.dial()
	v := &visitor{c, bufio.NewReader(c)}
	must(h, v.ask())
	return v
}

func (v *visitor) ask() error {
	io.WriteString(v, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(v.in, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// ends waits for the end of the connection.
func (v *visitor) ends(t *testing.T) {
	t.Helper()
	if n, err := v.in.Read(make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection does not end: %d, %v", n, err)
	}
}

func (h *host) parks(n int) {
	h.Helper()
	for deadline := time.Now().Add(patience); h.Parked() != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			h.Fatalf("%d connections are parked", h.Parked())
		}
	}
}

func TestAParkedConnectionIsServedAgain(t *testing.T) {
	h := parking(t, patience)
	v := h.visitor()
	for range 3 {
		h.parks(1)
		must(t, v.ask())
	}
	v.Close()
	within(t, h.ended, "the end of the connection")
	h.parks(0)
}

func TestAParkedConnectionEndsWhenItsTimeIsOver(t *testing.T) {
	h := parking(t, 100*time.Millisecond)
	v := h.visitor()
	v.ends(t)
	within(t, h.ended, "the end of the connection")
	h.parks(0)
}

func TestAParkedConnectionIsClosedForRoom(t *testing.T) {
	h := parking(t, patience)
	a, b := h.visitor(), h.visitor()
	h.parks(2)
	if n := h.CloseIdle(1); n != 1 {
		t.Errorf("%d are closed", n)
	}
	within(t, h.ended, "the end of a connection")
	if a.ask() == nil && b.ask() == nil {
		t.Error("both are served")
	}
}

func TestAParkedConnectionMayBeUsedOnceWhileTheServerDrains(t *testing.T) {
	h := parking(t, patience)
	v, silent := h.visitor(), h.visitor()
	h.parks(2)
	h.Drain()
	must(t, v.ask())
	v.ends(t)
	silent.ends(t)
	h.parks(0)
}

func TestCloseEndsParkedConnections(t *testing.T) {
	h := parking(t, patience)
	v := h.visitor()
	h.parks(1)
	h.Close()
	v.ends(t)
	within(t, h.ended, "the end of the connection")
}

func TestWhoComesBackFromTheLotAfterCloseIsNotServed(t *testing.T) {
	h := parking(t, patience)
	v := h.visitor()
	h.parks(1)
	h.Close()
	if v.ask() == nil {
		t.Error("it is served")
	}
	late, err := net.Dial("tcp", h.addr)
	must(t, err)
	defer late.Close()
	if n, _ := late.Read(make([]byte, 1)); n > 0 {
		t.Error("who comes after Close is served")
	}
}

// A tunnel, and a file that is sent within the kernel, want more of a connection than its bytes.
func TestAConnectionThatWasParkedCanDoAllThatOthersCan(t *testing.T) {
	name := filepath.Join(t.TempDir(), "large")
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	must(t, os.WriteFile(name, large, 0o600))
	h := newHostWith(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			http.ServeFile(w, r, name)
		case "/tunnel":
			nc, _, _ := http.NewResponseController(w).Hijack()
			defer nc.Close()
			io.WriteString(nc, r.RemoteAddr)
		}
	}, func(c *h1.Config) { c.Park, c.IdleTime = time.Millisecond, patience })
	v := h.visitor()
	h.parks(1)
	io.WriteString(v, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(v.in, nil)
	must(t, err)
	if all, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(all, large) {
		t.Errorf("%d bytes, %v", len(all), err)
	}
	h.parks(1)
	io.WriteString(v, "GET /tunnel HTTP/1.1\r\nHost: a\r\n\r\n")
	if all, err := io.ReadAll(v.in); string(all) != v.LocalAddr().String() || err != nil {
		t.Errorf("%q, %v", all, err)
	}
}

// Everything at once: requests, clients that leave, and room that is made.
func TestParkingLosesNobody(t *testing.T) {
	h := parking(t, patience)
	const size, rounds = 50, 40
	var all sync.WaitGroup
	for i := range size {
		all.Go(func() {
			v := h.visitor()
			defer v.Close()
			for round := range rounds {
				if err := v.ask(); err != nil {
					t.Errorf("request %d: %v", round, err)
					return
				}
				if i%5 == round%5 {
					time.Sleep(3 * time.Millisecond) // long enough to be parked, or just not
				}
			}
		})
	}
	all.Wait()
	for range size {
		within(t, h.ended, "the end of a connection")
	}
	h.parks(0)
}
