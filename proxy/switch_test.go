package proxy_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

// twice is a project that can run twice.
func twice(main, next *app, changes ...func(*route.Route)) *route.Route {
	return demo(main.socket, append(changes, func(r *route.Route) {
		r.Next = &route.Upstream{Network: "unix", Address: next.socket, Unit: "sandwich-demo.next.service"}
	})...)
}

// named answers with a word.
func word(text string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(text), text)
}

// gated answers with a word as soon as it may.
func gated(release <-chan struct{}, text string) script {
	return func(c net.Conn, _ string, _ *bufio.Reader) { <-release; io.WriteString(c, word(text)) }
}

func TestRequestsGoToTheGenerationThatIsSwitchedTo(t *testing.T) {
	f := newFront(t, twice(newApp(t, says(word("main"))), newApp(t, says(word("next")))))
	for _, to := range []string{"main", "next", "next", "main"} {
		must(t, f.Switch("demo", to))
		if got := f.get("/").want(t, 200).body; got != to {
			t.Errorf("%s answers, want %s", got, to)
		}
		if got := f.Status()[0].Upstream; got != to {
			t.Errorf("status says %s, want %s", got, to)
		}
	}
}

func TestWhatCannotBeSwitched(t *testing.T) {
	a := newApp(t, says(word("main")))
	f := newFront(t, demo(a.socket))
	for _, c := range []struct {
		err  error
		want error
	}{
		{f.Switch("demo", "next"), proxy.ErrNoUpstream}, {f.Switch("demo", "other"), proxy.ErrNoUpstream},
		{f.Switch("none", "main"), proxy.ErrNotServed}, {f.Hold("none", 1), proxy.ErrNotServed},
		{f.Release("none"), proxy.ErrNotServed}, {f.Drain("none", 1), proxy.ErrNotServed},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("error is %v, want %v", c.err, c.want)
		}
	}
	f.get("/").want(t, 200)
}

func TestASwitchOutlivesTheProcess(t *testing.T) {
	main, next := newApp(t, says(word("main"))), newApp(t, says(word("next")))
	f := newFront(t, twice(main, next))
	again := func(want string) {
		t.Helper()
		must(t, f.stop())
		f.start(filepath.Join(t.TempDir(), "proxy.json"))
		if got := f.get("/").want(t, 200).body; got != want {
			t.Errorf("%s answers, want %s", got, want)
		}
	}
	must(t, f.Switch("demo", "next"))
	again("next")
	must(t, f.Switch("demo", "main"))
	again("main")
	must(t, f.Switch("demo", "next"))
	must(t, f.Forget("demo"))
	again("main")
	must(t, f.Switch("demo", "next"))
	f.write(demo(main.socket))
	must(t, f.Apply("demo"))
	if got := f.get("/").want(t, 200).body; got != "main" {
		t.Errorf("%s answers for a project that cannot run twice any more", got)
	}
	f.write(twice(main, next))
	again("main")
}

func TestASwitchThatCannotBeRememberedIsNotMade(t *testing.T) {
	f := newFront(t, twice(newApp(t, says(word("main"))), newApp(t, says(word("next")))))
	must(t, os.RemoveAll(f.run))
	if err := f.Switch("demo", "next"); err == nil || !strings.Contains(err.Error(), "cannot remember the switch") {
		t.Errorf("Switch: %v", err)
	}
	if got := f.get("/").want(t, 200).body; got != "main" {
		t.Errorf("%s answers", got)
	}
}

func TestDrainWaitsForTheGenerationThatGetsNoRequests(t *testing.T) {
	release := make(chan struct{})
	main := newApp(t, gated(release, "main"))
	f := newFront(t, twice(main, newApp(t, says(word("next")))))
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	within(t, main.heads, "the request")
	must(t, f.Drain("demo", time.Minute)) // the main generation is not to be drained
	must(t, f.Switch("demo", "next"))
	err := f.Drain("demo", 10*time.Millisecond)
	if !errors.Is(err, proxy.ErrTimeout) || !strings.Contains(err.Error(), "1 requests are in flight") {
		t.Errorf("Drain: %v", err)
	}
	f.get("/").want(t, 200)
	drained := make(chan error, 1)
	go func() { drained <- f.Drain("demo", patience) }()
	close(release)
	must(t, within(t, drained, "the drain"))
	if body := within(t, got, "the answer").want(t, 200).body; body != "main" {
		t.Errorf("%s answers a request that was in flight", body)
	}
}

func TestHeldRequestsWaitAndAreLetGo(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("body{}"), 0o644))
	release := make(chan struct{})
	main := newApp(t, gated(release, "main"))
	next := newApp(t, says(word("next")))
	f := newFront(t, twice(main, next, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir}}
	}))
	got := make(chan answer, 10)
	go func() { got <- f.get("/") }()
	within(t, main.heads, "the first request")
	must(t, f.Hold("demo", time.Minute))
	go func() { got <- f.get("/") }()
	go func() {
		got <- f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc")
	}()
	f.eventually("two requests are held", held(2))
	f.get("/static/a.css").want(t, 200)
	if st := f.Status()[0]; !st.Holding || time.Until(st.HeldUntil) < time.Second {
		t.Errorf("status is %+v", st)
	}
	drained := make(chan error, 1)
	go func() { drained <- f.Drain("demo", patience) }()
	close(release)
	must(t, within(t, drained, "the drain"))
	if n := len(main.heads); n != 0 {
		t.Errorf("%d requests came through a hold", n)
	}
	must(t, f.Release("demo"))
	for range 3 {
		within(t, got, "an answer").want(t, 200)
	}
	if st := f.Status()[0]; st.Held != 0 || st.HeldTotal != 2 || st.Holding {
		t.Errorf("status is %+v", st)
	}
}

func TestAHoldIsForTheMainGeneration(t *testing.T) {
	f := newFront(t, twice(newApp(t, says(word("main"))), newApp(t, says(word("next")))))
	must(t, f.Hold("demo", time.Minute))
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	f.eventually("the request is held", held(1))
	must(t, f.Switch("demo", "next"))
	if body := within(t, got, "the answer").want(t, 200).body; body != "next" {
		t.Errorf("%s answers", body)
	}
	if f.get("/").want(t, 200); f.Status()[0].Holding {
		t.Error("the next generation is held")
	}
}

func TestAForgottenHoldEndsByItself(t *testing.T) {
	f := newFront(t, demo(newApp(t, says(ok)).socket))
	must(t, f.Hold("demo", 20*time.Millisecond))
	f.get("/").want(t, 200)
	quick := newFront(t, demo(newApp(t, says(ok)).socket, func(r *route.Route) { r.HoldMS = 20 }))
	must(t, quick.Hold("demo", time.Hour))
	quick.get("/").want(t, 200)
}

func TestAClientThatLeavesTheGateIsForgotten(t *testing.T) {
	f := newFront(t, demo(newApp(t, says(ok)).socket))
	must(t, f.Hold("demo", time.Hour))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.eventually("the request is held", held(1))
	c.Close()
	f.eventually("the request is let go", func(st proxy.Status) bool { return st.Held == 0 && st.InFlight == 0 })
	must(t, f.Drain("demo", time.Millisecond))
}

// Whoever switched and drained may stop the old generation: nothing may come to it after that.
func TestNoRequestReachesAGenerationThatWasDrained(t *testing.T) {
	var stopped [2]atomic.Bool
	var late atomic.Int64
	generation := func(i int) *app {
		return newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
			if stopped[i].Load() {
				late.Add(1)
			}
			io.WriteString(c, ok)
		})
	}
	main, next := generation(0), generation(1)
	main.heads, next.heads = make(chan string, 1e6), make(chan string, 1e6)
	f := newFront(t, twice(main, next))
	done := make(chan struct{})
	var visitors sync.WaitGroup
	for range 8 {
		visitors.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					f.get("/").want(t, 200)
				}
			}
		})
	}
	for i := range 50 {
		old := i % 2
		stopped[1-old].Store(false)
		must(t, f.Switch("demo", []string{"next", "main"}[old]))
		must(t, f.Drain("demo", patience))
		stopped[old].Store(true)
	}
	close(done)
	visitors.Wait()
	if n := late.Load(); n > 0 {
		t.Errorf("%d requests came to a generation that was drained", n)
	}
}

func TestARequestIsSentAgainToTheGenerationThatServes(t *testing.T) {
	first := make(chan struct{})
	main := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) { <-first; reset(c) })
	f := newFront(t, twice(main, newApp(t, says(word("next")))))
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	within(t, main.heads, "the request")
	must(t, f.Switch("demo", "next"))
	close(first)
	if body := within(t, got, "the answer").want(t, 200).body; body != "next" {
		t.Errorf("%s answers", body)
	}
	must(t, f.Drain("demo", patience))
	if st := f.Status()[0]; st.Retried != 1 {
		t.Errorf("status is %+v", st)
	}
}

func TestAProcessThatEndsFollowsSwitchesOfTheNextOne(t *testing.T) {
	kept := func(text string) script { return says(strings.Replace(word(text), "close", "keep-alive", 1)) }
	f := newFront(t, twice(newApp(t, kept("main")), newApp(t, kept("next"))))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.read(r, "GET").want(t, 200)
	go f.stop()
	f.told("STOPPING=1")
	must(t, os.WriteFile(filepath.Join(f.run, "demo.next"), nil, 0o600))
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	if got := f.read(r, "GET").want(t, 200).body; got != "next" {
		t.Errorf("%s answers", got)
	}
}
