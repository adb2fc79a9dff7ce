package upstream_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/upstream"
)

func TestWhichRequestsMayBeSentAgain(t *testing.T) {
	cases := []struct {
		method        string
		hasBody, kept bool
		may           bool // when the connection ended before any content came
	}{
		{"GET", false, true, true}, {"HEAD", false, true, true}, {"OPTIONS", false, true, true},
		{"PUT", true, true, true}, {"DELETE", true, true, true}, {"GET", true, true, true},
		{"PUT", true, false, false}, {"DELETE", true, false, false}, {"GET", true, false, false},
		{"DELETE", false, false, true}, {"PUT", false, true, true},
		{"POST", false, true, false}, {"POST", true, true, false}, {"PATCH", true, true, false},
		{"PROPFIND", false, true, false}, {"get", false, true, false}, {"", false, true, false},
	}
	for _, c := range cases {
		for err, ended := range map[error]bool{
			upstream.ErrReset: true, fmt.Errorf("%w: %w", upstream.ErrCut, io.ErrUnexpectedEOF): true,
			upstream.ErrBroken: false, upstream.ErrTimeout: false, upstream.ErrRefused: false, upstream.ErrNoListener: false, io.EOF: false,
		} {
			if got := upstream.MayResend(err, c.method, c.hasBody, c.kept); got != (c.may && ended) {
				t.Errorf("%q with body %v, kept %v, after %v: %v", c.method, c.hasBody, c.kept, err, got)
			}
		}
	}
}

func TestDialTriesUntilItIsToGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := time.Now()
		_, err := upstream.Dial(t.Context(), route.Upstream{Network: "unix", Address: "/nowhere/x.sock"},
			func() bool { return time.Since(started) >= 3*time.Second })
		if !errors.Is(err, upstream.ErrNoListener) {
			t.Errorf("Dial: %v", err)
		}
		if took := time.Since(started); took < 3*time.Second || took > 3100*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func never() bool { return false }

func TestDialEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := upstream.Dial(ctx, route.Upstream{Network: "unix", Address: "/nowhere/x.sock"}, never)
		if err == nil || errors.Is(err, upstream.ErrNoListener) {
			t.Errorf("Dial: %v", err)
		}
	})
}

func TestDialDoesNotWaitForWhatCannotCome(t *testing.T) {
	for _, up := range []route.Upstream{
		{Network: "unix", Address: "/" + strings.Repeat("x", 200)},
		{Network: "unix", Address: "/dev/null/x.sock"},
	} {
		if _, err := upstream.Dial(t.Context(), up, func() bool { t.Error("waiting"); return true }); err == nil {
			t.Errorf("%s: connected", up.Address)
		}
	}
}

func TestDialOverTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := upstream.Dial(t.Context(), route.Upstream{Network: "tcp", Address: l.Addr().String()}, never)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestASilentApplicationTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		c := upstream.NewConn(ours, time.Second)
		defer c.Release()
		started := time.Now()
		if _, err := c.ReadResponse(&http.Request{Method: "GET"}, nil); !errors.Is(err, upstream.ErrTimeout) {
			t.Errorf("ReadResponse: %v", err)
		}
		if took := time.Since(started); took != time.Second {
			t.Errorf("it took %s", took)
		}
		if _, err := c.Write([]byte("x")); !errors.Is(err, upstream.ErrTimeout) {
			t.Errorf("Write: %v", err)
		}
	})
}

func TestHowAnAnswerFails(t *testing.T) {
	cases := []struct {
		said string
		want error
	}{
		{"", upstream.ErrReset},
		{"H", upstream.ErrCut},
		{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", upstream.ErrCut},
		{"HTTP/1.1 103 Early Hints\r\n\r\n", upstream.ErrBroken}, // it was passed on
		{"nonsense\r\n\r\n", upstream.ErrBroken},
		{"HTTP/1.1 100 Continue\r\n\r\n", upstream.ErrCut},
		{strings.Repeat("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n", 10000), upstream.ErrBroken},
	}
	for _, c := range cases {
		ours, theirs := net.Pipe()
		go func() { io.WriteString(theirs, c.said); theirs.Close() }()
		conn := upstream.NewConn(ours, time.Minute)
		_, err := conn.ReadResponse(&http.Request{Method: "GET"}, func(*http.Response) {})
		if !errors.Is(err, c.want) {
			t.Errorf("after %.40q: %v, want %v", c.said, err, c.want)
		}
		conn.Release()
	}
}

func TestWhenAnAnswerIsSureToBeOne(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	cases := []struct {
		method, said string
		want         error // of AwaitContent
		content      string
	}{
		{"GET", head + "Content-Length: 2\r\n\r\n", upstream.ErrCut, ""},
		{"GET", head + "Content-Length: 2\r\n\r\nok", nil, "ok"},
		{"GET", head + "Content-Length: 1\r\n\r\n!", nil, "!"},
		{"GET", head + "Content-Length: 0\r\n\r\n", nil, ""},
		{"POST", head + "Content-Length: 2\r\n\r\n", upstream.ErrCut, ""},
		{"HEAD", head + "Content-Length: 2\r\n\r\n", nil, ""},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", nil, ""},
		{"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", nil, ""},
		{"GET", head + "Transfer-Encoding: chunked\r\n\r\n", upstream.ErrCut, ""},
		{"GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\n", upstream.ErrCut, ""},
		{"GET", head + "Transfer-Encoding: chunked\r\n\r\nx\r\n", upstream.ErrBroken, ""},
		{"GET", head + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", nil, ""},
		{"GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\n\r\n", nil, "ok!"},
		{"GET", head + "\r\n", nil, ""}, // it ends with the connection
		{"GET", head + "\r\nok", nil, "ok"},
	}
	for _, c := range cases {
		ours, theirs := net.Pipe()
		go func() { io.WriteString(theirs, c.said); theirs.Close() }()
		conn := upstream.NewConn(ours, time.Minute)
		res, err := conn.ReadResponse(&http.Request{Method: c.method}, nil)
		if err != nil {
			t.Fatalf("%q: %v", c.said, err)
		}
		if err = conn.AwaitContent(res); !errors.Is(err, c.want) {
			t.Errorf("%s, %q: %v, want %v", c.method, c.said, err, c.want)
		} else if got, err := io.ReadAll(res.Body); c.want == nil && (err != nil || string(got) != c.content) {
			t.Errorf("%s, %q: the content is %q, %v", c.method, c.said, got, err)
		}
		conn.Release()
	}
}

func TestATunnelPassesHalfCloses(t *testing.T) {
	client, ourClient := pair(t)
	app, ourApp := pair(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		upstream.Tunnel(ourClient, ourApp, func(p []byte) error { _, err := ourClient.Write(p); return err })
	}()
	io.WriteString(client, "question")
	client.CloseWrite()
	if got, err := io.ReadAll(app); string(got) != "question" || err != nil {
		t.Errorf("the application got %q, %v", got, err)
	}
	io.WriteString(app, "answer")
	app.Close()
	if got, err := io.ReadAll(client); string(got) != "answer" || err != nil {
		t.Errorf("the client got %q, %v", got, err)
	}
	<-ended
}

// pair is two ends of a connection.
func pair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	addr := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"}
	l, err := net.ListenUnix("unix", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a, err = net.DialUnix("unix", nil, addr); err != nil {
		t.Fatal(err)
	}
	if b, err = l.AcceptUnix(); err != nil {
		t.Fatal(err)
	}
	return a, b
}
