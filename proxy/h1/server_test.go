package h1_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy/h1"
	"sandwich/proxy/socket"
)

// patience bounds every wait of a test.
const patience = time.Minute

// host is a server on a TCP port of its own.
type host struct {
	testing.TB
	*h1.Server
	addr  string
	ended chan struct{} // has one for each connection that has ended
	log   *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func config(h http.HandlerFunc) h1.Config {
	return h1.Config{Handler: h, HeaderTime: patience, IdleTime: patience, BodyTime: patience, Grace: 50 * time.Millisecond}
}

func newHost(t testing.TB, handler http.HandlerFunc) *host {
	t.Helper()
	return newHostWith(t, handler, func(*h1.Config) {})
}

func newHostWith(t testing.TB, handler http.HandlerFunc, change func(*h1.Config)) *host {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	h := &host{TB: t, addr: l.Addr().String(), ended: make(chan struct{}, 10000), log: new(syncBuffer)}
	conf := config(handler)
	conf.Log = slog.New(slog.NewTextHandler(h.log, nil))
	change(&conf)
	h.Server = h1.New(conf)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { h.Run(ctx) })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, _ := socket.New(c)
			all.Go(func() { h.ServeConn(s, func() { h.ended <- struct{}{} }) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		h.Close()
		cancel()
		all.Wait()
	})
	return h
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *host) dial() *net.TCPConn {
	h.Helper()
	c, err := net.Dial("tcp", h.addr)
	must(h, err)
	must(h, c.SetDeadline(time.Now().Add(patience)))
	h.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// say sends raw and reads all that comes until the server ends the connection, which a client that
// has ended its half makes it do at the latest.
func (h *host) say(raw string) string {
	h.Helper()
	c := h.dial()
	defer c.Close()
	go func() {
		io.WriteString(c, raw)
		c.CloseWrite()
	}()
	all, err := io.ReadAll(c)
	if err != nil {
		h.Errorf("%.100q: %v", raw, err)
	}
	return string(all)
}

// statuses are those of all answers to requests with these methods that came on one connection.
func statuses(t testing.TB, answers string, methods ...string) (list []int) {
	t.Helper()
	r := bufio.NewReader(strings.NewReader(answers))
	for i := 0; ; i++ {
		if _, err := r.Peek(1); err == io.EOF {
			return list
		}
		method := "GET"
		if i < len(methods) {
			method = methods[i]
		}
		res, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%v in %q", err, answers)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			t.Fatalf("%v in %q", err, answers)
		}
		list = append(list, res.StatusCode)
	}
}

// describe answers with what the request was.
func describe(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Header().Set("Connection", "close")
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	text := fmt.Sprintf("%s %s %s %s %q", r.Method, r.RequestURI, r.Host, r.Proto, body)
	w.Header().Set("Content-Length", fmt.Sprint(len(text)))
	io.WriteString(w, text)
}

func TestAnswersTakeTheFramingThatFits(t *testing.T) {
	cases := []struct {
		name    string
		request string
		handler http.HandlerFunc
		want    string // without Date
	}{
		{"nothing", "GET / HTTP/1.1", func(http.ResponseWriter, *http.Request) {}, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"small", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a"); io.WriteString(w, "b") },
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"},
		{"flushed", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "abc")
			w.(http.Flusher).Flush()
			io.WriteString(w, "")
			io.WriteString(w, "d")
		}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"},
		{"flushed to HTTP/1.0", "GET / HTTP/1.0\r\nConnection: keep-alive", func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "abc")
			w.(http.Flusher).Flush()
		}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabc"},
		{"kept HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a") },
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\na"},
		{"HTTP/1.0", "GET / HTTP/1.0", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a") },
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na"},
		{"HEAD", "HEAD / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "hello")
		}, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"},
		{"HEAD without length", "HEAD / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") },
			"HTTP/1.1 200 OK\r\n\r\n"},
		{"204", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(204)
			io.WriteString(w, "hello")
		}, "HTTP/1.1 204 No Content\r\n\r\n"},
		{"304", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(304)
		}, "HTTP/1.1 304 Not Modified\r\n\r\n"},
		{"trailer", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "a")
			w.Header().Set("X-Sum", "1")
		}, "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"early hints", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "x")
			w.WriteHeader(103)
			w.Header().Del("Link")
			w.WriteHeader(200)
			w.WriteHeader(500)
		}, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{"early hints to HTTP/1.0", "GET / HTTP/1.0", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103) },
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"the handler ends it", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "x, Close") },
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"the client ends it", "GET / HTTP/1.1\r\nConnection: close", func(http.ResponseWriter, *http.Request) {},
			"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"splitting", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["X-A"] = []string{"a\r\nX-B: b\x00"}
			w.Header()["X:C\r\n"] = []string{"c"}
			w.Header()["Transfer-Encoding"] = []string{"chunked"}
			w.(interface{ SetReason(string) }).SetReason("fine\r\nX-D: d")
		}, "HTTP/1.1 200 OK\r\nX-A: a  X-B: b \r\nContent-Length: 0\r\n\r\n"},
		{"a reason", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.(interface{ SetReason(string) }).SetReason("Fine by me")
		}, "HTTP/1.1 200 Fine by me\r\nContent-Length: 0\r\n\r\n"},
		{"too much", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1")
			io.WriteString(w, "a")
			if _, err := io.WriteString(w, "b"); err != http.ErrContentLength {
				panic(err)
			}
		}, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"},
		{"large", "GET / HTTP/1.1", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, strings.Repeat("x", 20000)) },
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + strings.Repeat("x", 20000) + "\r\n0\r\n\r\n"},
	}
	for _, c := range cases {
		h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Date"] = nil
			c.handler(w, r)
		})
		if got := h.say(c.request + "\r\nHost: a\r\n\r\n"); got != c.want {
			t.Errorf("%s: got\n%q\nwant\n%q", c.name, got, c.want)
		}
	}
}

func TestAnAnswerHasADate(t *testing.T) {
	h := newHost(t, describe)
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(h.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))), nil)
	must(t, err)
	if at, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Since(at) > time.Minute {
		t.Errorf("Date is %q", res.Header.Get("Date"))
	}
}

func TestAnIncompleteAnswerIsCut(t *testing.T) {
	cases := map[string]http.HandlerFunc{
		"too little": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "abc")
		},
		"aborted before anything was sent": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "abc")
			panic(http.ErrAbortHandler)
		},
		"aborted": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "abc")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	}
	for name, handler := range cases {
		h := newHost(t, handler)
		for _, version := range []string{"1.1", "1.0"} {
			c := h.dial()
			io.WriteString(c, "GET / HTTP/"+version+"\r\nHost: a\r\n\r\n")
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			must(t, err)
			if body, err := io.ReadAll(res.Body); err == nil {
				t.Errorf("%s for HTTP/%s: %q looks whole", name, version, body)
			}
		}
		if strings.Contains(h.log.String(), "panic") {
			t.Errorf("%s: logged %s", name, h.log)
		}
	}
}

func TestAPanicIsLoggedAndEndsTheConnection(t *testing.T) {
	h := newHost(t, func(http.ResponseWriter, *http.Request) { panic("of its own") })
	if got := h.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n"); got != "" {
		t.Errorf("the client got %q", got)
	}
	<-h.ended
	if !strings.Contains(h.log.String(), "of its own") {
		t.Errorf("logged %q", h.log)
	}
}
