package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// everything is an application with pages, large answers, endless ones, slow ones, broken ones and
// sockets.
func everything() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("/", pages)
	m.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintln(w, n)
	})
	m.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2<<20)) })
	m.HandleFunc("/slow", func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	})
	m.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			io.WriteString(w, "data: "+strings.Repeat("x", 500)+"\n\n")
			http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	m.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := http.NewResponseController(w).Hijack()
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 500000\r\n\r\n"+page)
		c.Close()
	})
	m.HandleFunc("/socket", func(w http.ResponseWriter, _ *http.Request) {
		c, rw, _ := http.NewResponseController(w).Hijack()
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		io.Copy(c, rw)
	})
	return m
}

const handshake = "GET /socket HTTP/1.1\r\nHost: soak.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"

// mix is all of it at once, at a rate that two cores have time for.
func mix(s *stage) error {
	if s.mixed == 0 {
		return nil
	}
	if err := errors.Join(s.app(everything()), s.start(s.site(), 0)); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("files/a.css"), []byte(strings.Repeat("a{color:red}\n", 5000)), 0o600); err != nil {
		return err
	}
	warm, end := context.WithTimeout(context.Background(), min(s.mixed/4, 20*time.Second))
	s.visitors(warm)
	end()
	before, err := s.rest(figures{})
	if err != nil {
		return err
	}
	ctx, end := context.WithTimeout(context.Background(), s.mixed)
	defer end()
	var samples []figures
	var watching sync.WaitGroup
	watching.Go(func() {
		every(ctx, max(s.mixed/60, time.Second), func() { samples = append(samples, s.figures()); s.tell(samples) })
	})
	t := s.visitors(ctx)
	watching.Wait()
	after, err := s.rest(before)
	s.say("good visitors: %s", t)
	s.say("at rest before: %s", before)
	s.say("at rest after:  %s", after)
	return errors.Join(err, t.wrong(time.Second+slack), flat(samples))
}

// tell shows one of ten samples.
func (s *stage) tell(samples []figures) {
	if len(samples)%6 == 1 {
		s.say("%s", samples[len(samples)-1])
	}
}

// rest waits until the proxy has given back what it took for its visitors, down to what it had before.
func (s *stage) rest(before figures) (now figures, err error) {
	err = s.eventually(90*time.Second, "descriptors and goroutines are given back", func() bool {
		was := now
		if now = s.figures(); before.descriptors > 0 {
			return now.spooled == 0 && now.descriptors <= before.descriptors && now.goroutines <= before.goroutines
		}
		return now.spooled == 0 && now.goroutines < 40 && now.goroutines == was.goroutines
	})
	return now, err
}

// flat is an error when the last third of the samples takes clearly more than the first.
func flat(samples []figures) error {
	third := len(samples) / 3
	if third == 0 {
		return errors.New("it was too short to say anything")
	}
	middle := func(list []figures, of func(figures) int) int {
		var values []int
		for _, f := range list {
			values = append(values, of(f))
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	for name, of := range map[string]func(figures) int{
		"memory":      func(f figures) int { return f.rss },
		"descriptors": func(f figures) int { return f.descriptors },
		"goroutines":  func(f figures) int { return f.goroutines },
	} {
		early, late := middle(samples[:third], of), middle(samples[len(samples)-third:], of)
		if late > early+early/4 {
			return fmt.Errorf("%s grew from %d to %d", name, early, late)
		}
	}
	return nil
}

// visitors are there until ctx ends. What the good ones saw is returned.
func (s *stage) visitors(ctx context.Context) *tally {
	var all sync.WaitGroup
	defer all.Wait()
	bad := func(pause time.Duration, f func()) {
		all.Go(func() { every(ctx, pause, func() { all.Go(f) }) })
	}
	for range 100 {
		all.Go(func() {
			for ctx.Err() == nil {
				s.trickle(ctx, "", get("/"), time.Second)
			}
		})
	}
	for range 10 {
		all.Go(func() { s.sip(ctx, get("/large"), 1<<10) })
		all.Go(func() { s.trickle(ctx, handshake, "x", time.Second) })
	}
	form := "POST /echo HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 200000\r\n\r\n" + strings.Repeat("x", 200_000)
	bad(200*time.Millisecond, func() { s.ask(form) })
	bad(500*time.Millisecond, func() { s.ask(get("/large")) })
	bad(200*time.Millisecond, func() { s.ask("GET /broken HTTP/1.1\r\nHost: soak.example\r\n\r\n") })
	bad(200*time.Millisecond, func() { s.ask(strings.Replace(get("/"), "soak.", "other.", 1)) })
	bad(200*time.Millisecond, func() {
		s.ask("POST / HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	})
	bad(200*time.Millisecond, func() { s.ask(get("/static/a.css")) })
	bad(200*time.Millisecond, func() { s.ask("GET /static/a.css HTTP/1.1\r\nHost: soak.example\r\nAccept-Encoding: gzip\r\n\r\n") })
	bad(time.Second, func() { s.abort(8) })
	bad(10*time.Second, func() { syscall.Kill(s.pid, syscall.SIGHUP) }) // settings and routes are read again
	return s.visit(ctx, get("/"), 10)
}
