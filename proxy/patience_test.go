package proxy_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

// memoryListener hands connections over within the process, so that time can be the bubble's.
type memoryListener struct {
	conns chan net.Conn
	close func()
}

func newMemoryListener() memoryListener {
	conns := make(chan net.Conn)
	return memoryListener{conns, sync.OnceFunc(func() { close(conns) })}
}

func (l memoryListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}
func (l memoryListener) Close() error   { l.close(); return nil }
func (l memoryListener) Addr() net.Addr { return &net.TCPAddr{} }

// inBubble runs a proxy whose clock is the bubble's. The application is never reached.
func inBubble(t *testing.T, r *route.Route, drain time.Duration, test func(*testing.T, func() net.Conn, func())) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "routes"), 0o755))
	data, err := route.Encode(r)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "routes", "demo.json"), data, 0o644))
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryListener()
		s, err := proxy.New(proxy.Config{Routes: filepath.Join(dir, "routes"), Spool: filepath.Join(dir, "spool"),
			Listeners: []net.Listener{l}, Drain: drain, Log: quiet()})
		must(t, err)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx) }()
		test(t, func() net.Conn {
			ours, theirs := net.Pipe()
			l.conns <- theirs
			return ours
		}, stop)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// took reads to the end of the connection and tells what came, and after how long.
func took(c net.Conn) (string, time.Duration) {
	started := time.Now()
	all, _ := io.ReadAll(c)
	return string(all), time.Since(started)
}

func TestSlowClientsAreNotWaitedForWithoutEnd(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1000000\r\n\r\n"
	cases := []struct {
		name, said, status string
		after              time.Duration
	}{
		{"nothing said", "", "", 10 * time.Second},
		{"half a header", "GET / HTTP/1.1\r\nHo", "HTTP/1.1 408 ", 10 * time.Second},
		{"half a body", post + "half", "HTTP/1.1 408 ", 60 * time.Second},
		{"nothing after an answer", "GET / HTTP/1.1\r\nHost: other.example\r\n\r\n", "HTTP/1.1 421 ", 0},
		{"nothing after a kept answer", "GET /static/none HTTP/1.1\r\nHost: demo.example\r\n\r\n", "HTTP/1.1 404 ", 75 * time.Second},
	}
	r := demo("/nowhere", func(r *route.Route) { r.Static = []route.Static{{Prefix: "/static/", Root: t.TempDir()}} })
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, r, time.Second, func(t *testing.T, dial func() net.Conn, _ func()) {
				conn := dial()
				defer conn.Close()
				io.WriteString(conn, c.said)
				said, after := took(conn)
				if after < c.after || after > c.after+time.Second || !strings.HasPrefix(said, c.status) || said == "" != (c.status == "") {
					t.Errorf("after %s: %.100q", after, said)
				}
			})
		})
	}
}

func TestABodyThatTricklesIsGivenUp(t *testing.T) {
	inBubble(t, demo("/nowhere"), time.Second, func(t *testing.T, dial func() net.Conn, _ func()) {
		conn := dial()
		defer conn.Close()
		started := time.Now()
		var trickle sync.WaitGroup
		defer trickle.Wait()
		trickle.Go(func() {
			io.WriteString(conn, "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 1000000\r\n\r\n")
			for {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(2 * time.Second)
			}
		})
		said, _ := took(conn)
		conn.Close()
		if after := time.Since(started).Round(time.Second); after > 65*time.Second || !strings.HasPrefix(said, "HTTP/1.1 408 ") {
			t.Errorf("after %s: %.100q", after, said)
		}
	})
}

func TestAClientThatReadsNothingIsGivenUp(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "large.txt"), make([]byte, 1<<20), 0o644))
	r := demo("/nowhere", func(r *route.Route) { r.Static = []route.Static{{Prefix: "/static/", Root: dir}} })
	inBubble(t, r, time.Second, func(t *testing.T, dial func() net.Conn, _ func()) {
		conn := dial()
		defer conn.Close()
		io.WriteString(conn, "GET /static/large.txt HTTP/1.1\r\nHost: demo.example\r\n\r\n")
		time.Sleep(59 * time.Second)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		must(t, err)
		io.CopyN(io.Discard, res.Body, 1000)
		time.Sleep(62 * time.Second)
		if n, err := io.Copy(io.Discard, res.Body); err == nil {
			t.Errorf("%d bytes came after a minute of silence", n)
		}
	})
}

func TestTheEndDoesNotWaitForEver(t *testing.T) {
	inBubble(t, demo("/nowhere"), 5*time.Second, func(t *testing.T, dial func() net.Conn, stop func()) {
		conn := dial()
		defer conn.Close()
		io.WriteString(conn, "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 10\r\n\r\nhalf")
		synctest.Wait()
		stop()
		if said, after := took(conn); after.Round(time.Second) != 5*time.Second {
			t.Errorf("after %s: %.100q", after, said)
		}
	})
}
