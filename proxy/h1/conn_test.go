package h1_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/h1"
)

// within fails the test when ch brings nothing.
func within[T any](t testing.TB, ch <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-ch:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %s", what, patience)
	}
	return v
}

func TestTheBodyIsAskedForWhenItIsRead(t *testing.T) {
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			describe(w, r)
		}
	})
	c := h.dial()
	in := bufio.NewReader(c)
	io.WriteString(c, "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	res, err := http.ReadResponse(in, nil)
	must(t, err)
	if res.StatusCode != 100 {
		t.Fatalf("got %s", res.Status)
	}
	io.WriteString(c, "abc")
	res, err = http.ReadResponse(in, nil)
	must(t, err)
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || res.Close || !strings.HasSuffix(string(body), `"abc"`) {
		t.Errorf("got %s, close %v, %s", res.Status, res.Close, body)
	}
	io.WriteString(c, "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
	if res, err = http.ReadResponse(in, nil); err != nil || res.StatusCode != 200 || !res.Close {
		t.Errorf("without reading: got %v, %v", res, err)
	}
}

// The bytes of a body that the handler did not want look like a request, and are none.
func TestABodyThatNobodyReadIsNoRequest(t *testing.T) {
	var paths = make(chan string, 100)
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		paths <- r.URL.Path
		w.Header().Set("Content-Length", "0")
	})
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, raw := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n" + smuggled,
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + smuggled,
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n26\r\n" + smuggled + "\r\n0\r\n\r\n",
		"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\n" + smuggled,
		"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 38\r\n\r\n" + smuggled,
	} {
		if n := strings.Count(h.say(raw), "HTTP/1.1 "); n != 1 {
			t.Errorf("%q has %d answers", raw, n)
		}
		if path := <-paths; path != "/" || len(paths) > 0 {
			t.Errorf("%q was served as %s, and %d more", raw, path, len(paths))
		}
	}
}

func TestTheAnswerReachesAClientThatStillSends(t *testing.T) {
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		io.WriteString(w, "too large")
	})
	large := make([]byte, 8<<20) // more than the sockets' buffers
	for _, head := range []string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8388608\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"} {
		c := h.dial()
		io.WriteString(c, head)
		if _, err := c.Write(large); err != nil {
			t.Errorf("the client could not go on: %v", err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode < 400 || !res.Close {
			t.Errorf("the client got %v, %v", res, err)
		}
		c.Close()
		within(t, h.ended, "the end of the connection")
	}
}

func TestAClientThatLeavesEndsTheContext(t *testing.T) {
	begun, canceled := make(chan string, 1), make(chan struct{}, 1)
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		io.ReadAll(r.Body)
		begun <- r.URL.Path
		<-r.Context().Done()
		canceled <- struct{}{}
	})
	for _, leave := range []func(*net.TCPConn){
		func(c *net.TCPConn) { c.Close() },
		func(c *net.TCPConn) { c.CloseWrite() },
		func(c *net.TCPConn) { c.SetLinger(0); c.Close() },
	} {
		for _, raw := range []string{
			"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na",
			"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\n", // what is pipelined hides nothing
		} {
			c := h.dial()
			io.WriteString(c, raw)
			within(t, begun, "the request")
			started := time.Now()
			leave(c)
			within(t, canceled, "the end of the context")
			if took := time.Since(started); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			within(t, h.ended, "the end of the connection")
		}
	}
}

func TestTheContextEndsWithTheRequest(t *testing.T) {
	contexts := make(chan context.Context, 1)
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) { contexts <- r.Context() })
	h.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	within(t, (<-contexts).Done(), "the end of the context")
}

func TestAHijackedConnectionIsTheHandlers(t *testing.T) {
	release := make(chan struct{})
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if _, err := w.Write([]byte("x")); err != http.ErrHijacked {
			t.Errorf("writing after it: %v", err)
		}
		<-release
		line, _ := rw.ReadString('\n')
		io.WriteString(c, "you said "+line)
	})
	c := h.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\nearly ")
	within(t, h.ended, "the end for the server")
	h.Close() // is not about that connection any more
	io.WriteString(c, "and late\n")
	close(release)
	if all, err := io.ReadAll(c); string(all) != "you said early and late\n" || err != nil {
		t.Errorf("got %q, %v", all, err)
	}
}

func TestFilesAreSentAsTheyAre(t *testing.T) {
	content := make([]byte, 5<<20)
	rand.NewChaCha8([32]byte{1}).Read(content)
	name := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(name, content, 0o644))
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		must(t, err)
		defer f.Close()
		http.ServeContent(w, r, "a.bin", time.Time{}, f)
	})
	c := h.dial()
	in := bufio.NewReader(c)
	for _, part := range [][2]int{{0, 5 << 20}, {0, 10}, {100, 9000}, {1 << 20, 4 << 20}, {5<<20 - 1, 5 << 20}} {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes="+strconv.Itoa(part[0])+"-"+strconv.Itoa(part[1]-1)+"\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		must(t, err)
		if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, content[part[0]:part[1]]) {
			t.Errorf("part %v: %d bytes, %v", part, len(got), err)
		}
	}
}

func TestAFileThatBecomesShorterCutsTheAnswer(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(name, make([]byte, 1<<20), 0o644))
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open(name)
		must(t, err)
		defer f.Close()
		w.Header().Set("Content-Length", "1048576")
		must(t, os.Truncate(name, 1000))
		io.CopyN(w, f, 1<<20)
	})
	c := h.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	if n, err := io.Copy(io.Discard, res.Body); n != 1000 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// inBubble serves one connection with a clock of its own, with the times of the real server.
func inBubble(t *testing.T, handler http.HandlerFunc, test func(*testing.T, *h1.Server, net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		s := h1.New(h1.Config{Handler: handler, HeaderTime: 10 * time.Second, IdleTime: 75 * time.Second,
			BodyTime: time.Minute, Grace: time.Second})
		done := make(chan struct{})
		go func() { defer close(done); s.ServeConn(halves{theirs}, func() {}) }()
		test(t, s, ours)
		ours.Close()
		<-done
	})
}

// halves is a connection that is closed by halves, as TCP's are. Nobody notices the first half here.
type halves struct{ net.Conn }

func (halves) CloseWrite() error { return nil }

// Whoever was too slow does not get more time to be slow.
func TestWhoWasTooSlowIsCutAtOnce(t *testing.T) {
	slowBody := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); os.IsTimeout(err) {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}
	for head, limit := range map[string]time.Duration{
		"GET / HTTP/1.1\r\nX: ": 10 * time.Second,
		"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1000\r\n\r\n": time.Minute,
	} {
		inBubble(t, slowBody, func(t *testing.T, _ *h1.Server, c net.Conn) {
			go io.Copy(io.Discard, c)
			started := time.Now()
			_, err := io.WriteString(c, head)
			for err == nil {
				time.Sleep(time.Second)
				_, err = io.WriteString(c, "x")
			}
			if after := time.Since(started); after > limit+2*time.Second {
				t.Errorf("%.4s: it was cut after %s", head, after)
			}
		})
	}
}

// lasts says how long the other side keeps the connection, and what it said.
func lasts(c net.Conn) (string, time.Duration) {
	started := time.Now()
	all, _ := io.ReadAll(c)
	return string(all), time.Since(started)
}

func TestAHeaderHasTenSecondsInAll(t *testing.T) {
	inBubble(t, describe, func(t *testing.T, _ *h1.Server, c net.Conn) {
		var slow sync.WaitGroup
		slow.Go(func() {
			for _, b := range []byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n") {
				if _, err := c.Write([]byte{b}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		})
		defer slow.Wait()
		defer c.Close()
		said, after := lasts(c)
		if !strings.HasPrefix(said, "HTTP/1.1 408 ") || after != 10*time.Second {
			t.Errorf("after %s: %.40q", after, said)
		}
	})
	inBubble(t, describe, func(t *testing.T, _ *h1.Server, c net.Conn) { // the second request, after a while
		in := bufio.NewReader(c)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if res, err := http.ReadResponse(in, nil); err == nil {
			io.Copy(io.Discard, res.Body)
		}
		time.Sleep(70 * time.Second)
		io.WriteString(c, "GET / HTTP/1.1\r\nHo")
		started := time.Now()
		res, err := http.ReadResponse(in, nil)
		if after := time.Since(started); err != nil || res.StatusCode != 408 || after != 10*time.Second {
			t.Errorf("after %s: %v, %v", after, res, err)
		}
	})
}

func TestAtTheEndAnIdleConnectionHasItsGrace(t *testing.T) {
	inBubble(t, describe, func(t *testing.T, s *h1.Server, c net.Conn) {
		in := bufio.NewReader(c)
		ask := func() *http.Response {
			t.Helper()
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			res, err := http.ReadResponse(in, nil)
			must(t, err)
			io.Copy(io.Discard, res.Body)
			return res
		}
		if ask().Close {
			t.Fatal("the connection is not kept")
		}
		synctest.Wait()
		s.Drain()
		time.Sleep(900 * time.Millisecond)
		if !ask().Close {
			t.Error("the last answer does not say so")
		}
	})
	inBubble(t, describe, func(t *testing.T, s *h1.Server, c net.Conn) {
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		io.CopyN(io.Discard, res.Body, res.ContentLength)
		synctest.Wait()
		s.Drain()
		if said, after := lasts(c); said != "" || after != time.Second {
			t.Errorf("after %s: %q", after, said)
		}
	})
	inBubble(t, describe, func(t *testing.T, s *h1.Server, c net.Conn) { // nothing was asked yet
		s.Drain()
		time.Sleep(9 * time.Second)
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if res, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || !res.Close {
			t.Errorf("got %v, %v", res, err)
		}
	})
}

func TestIdleConnectionsCanBeGivenUp(t *testing.T) {
	release := make(chan struct{})
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
	})
	var idle []*net.TCPConn
	for range 3 {
		c := h.dial()
		io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, err := http.ReadResponse(bufio.NewReader(c), nil)
		must(t, err)
		idle = append(idle, c)
	}
	working := h.dial()
	io.WriteString(working, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
	for n := 0; n < 2; {
		n += h.CloseIdle(2 - n)
	}
	within(t, h.ended, "the end of one")
	within(t, h.ended, "the end of another")
	for n := 0; n < 1; {
		n += h.CloseIdle(10)
	}
	for _, c := range idle {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("an idle one ends with %v", err)
		}
	}
	close(release)
	if _, err := http.ReadResponse(bufio.NewReader(working), nil); err != nil {
		t.Errorf("the one that works: %v", err)
	}
}

func TestCloseEndsWhatIsBeingServed(t *testing.T) {
	begun := make(chan struct{})
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
	})
	c := h.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-begun
	h.Close()
	within(t, h.ended, "the end")
}

func TestABodyMayBeReadWhileTheAnswerIsWritten(t *testing.T) {
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		ctl := http.NewResponseController(w)
		must(t, ctl.EnableFullDuplex())
		buf := make([]byte, 10)
		for {
			n, err := r.Body.Read(buf)
			w.Write(buf[:n])
			ctl.Flush()
			if err != nil {
				return
			}
		}
	})
	c := h.dial()
	in := bufio.NewReader(c)
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	res, err := http.ReadResponse(in, nil)
	must(t, err)
	one := make([]byte, 1)
	for _, letter := range "abc" {
		if _, err := io.ReadFull(res.Body, one); err != nil || one[0] != byte(letter) {
			t.Fatalf("got %q, %v", one, err)
		}
		if letter < 'c' {
			io.WriteString(c, "1\r\n"+string(letter+1)+"\r\n")
		}
	}
	io.WriteString(c, "0\r\n\r\n")
	if rest, err := io.ReadAll(res.Body); len(rest) > 0 || err != nil {
		t.Errorf("at the end came %q, %v", rest, err)
	}
}

func TestADeadlineOfTheHandlerEndsItsRead(t *testing.T) {
	failed := make(chan error, 1)
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Millisecond))
		_, err := io.ReadAll(r.Body)
		failed <- err
	})
	c := h.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
	if err := within(t, failed, "the end of the read"); !os.IsTimeout(err) {
		t.Errorf("it ends with %v", err)
	}
}
