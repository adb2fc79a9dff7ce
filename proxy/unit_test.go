package proxy_test

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

const unit = "sandwich-demo.service"

// silent is a socket in whose queue connections wait.
func silent(t *testing.T) (socket string, l net.Listener) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", socket)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return socket, l
}

// see tells the proxy a course of states, each as ACTIVE/SUB or ACTIVE/SUB/RESULT.
func (f *front) see(course ...string) {
	for _, s := range course {
		active, sub, _ := strings.Cut(s, "/")
		sub, result, _ := strings.Cut(sub, "/")
		f.UnitSeen(unit, active, sub, result)
	}
}

func (f *front) state() string { return f.Status()[0].UnitState }

func TestWhenAServiceFails(t *testing.T) {
	restart := []string{"active/running", "deactivating/stop-sigterm", "inactive/dead", "activating/start"}
	for _, c := range []struct {
		name    string
		course  []string
		failing bool
	}{
		{"restart", append(restart, "active/running"), false},
		{"restart on its way", restart, false},
		{"broken restart", append(restart, "activating/auto-restart"), true},
		{"broken restart, told in steps", append(restart, "failed/failed", "activating/auto-restart"), true},
		{"next try", append(restart, "activating/auto-restart", "activating/start"), true},
		{"next try of systemd 252", append(restart, "activating/auto-restart", "inactive/dead", "activating/start"), true},
		{"repaired", append(restart, "activating/auto-restart", "activating/start", "active/running"), false},
		{"first crash", []string{"active/running", "activating/auto-restart"}, false},
		{"first crash, told in steps", []string{"active/running", "deactivating/stop-post", "failed/failed-before-auto-restart", "activating/auto-restart-queued"}, false},
		{"first crash, starting", []string{"active/running", "activating/auto-restart", "inactive/dead", "activating/start"}, false},
		{"second crash", []string{"active/running", "activating/auto-restart", "activating/start", "activating/auto-restart"}, true},
		{"crash after recovery", []string{"active/running", "activating/auto-restart", "activating/start", "active/running", "activating/auto-restart"}, false},
		{"failed for good when first seen", []string{"failed/failed"}, true},
		{"failing when first seen", []string{"activating/auto-restart"}, true},
		{"stopped when first seen", []string{"inactive/dead"}, false},
		{"failure that was reset", []string{"failed/failed", "inactive/dead"}, false},
		{"restart whose start has no process", append(restart[:2:2], "activating/auto-restart/resources"), true},
		{"crash, then a start without a process", []string{"active/running", "activating/auto-restart/signal", "activating/auto-restart/resources"}, true},
		{"first crash, told twice", []string{"active/running", "activating/auto-restart/signal", "activating/auto-restart/signal"}, false},
		{"start without a process, repaired", []string{"activating/auto-restart/resources", "activating/start/success", "active/running/success"}, false},
		{"reload", []string{"active/running", "reloading/reload", "active/running"}, false},
	} {
		f := newFront(t, demo("/nowhere"))
		if f.see(c.course...); strings.Contains(f.state(), "fail") != c.failing {
			t.Errorf("%s: state is %s", c.name, f.state())
		}
		must(t, f.stop())
	}
}

func TestTheUnitsOfAllProjectsAreFollowed(t *testing.T) {
	f := newFront(t, demo("/nowhere"))
	names, moved := f.Units()
	if !slices.Equal(names, []string{unit}) {
		t.Errorf("units are %v", names)
	}
	other := named("other", "/nowhere", "other.example")
	other.Upstream.Unit, other.Next = "other.service", &route.Upstream{Network: "unix", Address: "/next", Unit: "next.service"}
	f.write(other)
	must(t, f.Apply("other"))
	within(t, moved, "the news of other units")
	if names, _ := f.Units(); !slices.Equal(names, []string{"next.service", "other.service", unit}) {
		t.Errorf("units are %v", names)
	}
	f.UnitSeen("stranger.service", "failed", "failed", "")
	f.see("active/running")
	if f.UnitsUnseen(); f.state() != "" {
		t.Errorf("state is %s", f.state())
	}
}

func TestRequestsInTheQueueOfAFailingServiceAreRefusedAtOnce(t *testing.T) {
	socket, _ := silent(t)
	f := newFront(t, demo(socket))
	f.see("active/running", "deactivating/stop-sigterm", "activating/start")
	got := make(chan answer, 2)
	go func() { got <- f.get("/") }()
	go func() {
		got <- f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc")
	}()
	f.eventually("both are in flight", inFlight(2))
	f.see("activating/auto-restart")
	for range 2 {
		res := within(t, got, "an answer").want(t, 503)
		if res.Header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
	f.eventually("nothing is in flight", inFlight(0))
	if st := f.Status()[0]; st.Retried != 0 || st.LastError == "" {
		t.Errorf("status is %+v", st)
	}
}

func TestAnAnswerThatHasBegunIsNotCutWhenTheServiceFails(t *testing.T) {
	release := make(chan struct{})
	a := newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) {
		io.WriteString(c, "HTTP/1.1 103 Early Hints\r\n\r\n")
		<-release
		io.WriteString(c, ok)
	})
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.read(r, "GET").want(t, 103)
	f.see("activating/auto-restart")
	close(release)
	f.read(r, "GET").want(t, 200)
}

func TestAFailingServiceIsNotSentRequests(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.see("activating/auto-restart")
	started := time.Now()
	f.get("/").want(t, 503)
	f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc").want(t, 503)
	if took := time.Since(started); took < 1500*time.Millisecond || took > patience/3 { // it would be held for all of it
		t.Errorf("two refusals took %s", took)
	}
	if len(a.heads) != 0 {
		t.Error("the application was asked")
	}
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	f.eventually("the request is held", held(1))
	f.see("activating/start", "active/running")
	within(t, got, "the answer").want(t, 200)
}

func TestAServiceThatFailedForGoodIsWokenButNotSentRequests(t *testing.T) {
	socket, l := silent(t)
	f := newFront(t, demo(socket))
	f.see("failed/failed")
	got := make(chan answer, 1)
	go func() { got <- f.get("/") }()
	c, err := l.Accept()
	must(t, err)
	if text, err := io.ReadAll(c); len(text) > 0 || err != nil {
		t.Errorf("the application got %q, %v", text, err)
	}
	within(t, got, "the answer").want(t, 503)
}

func TestAStoppedServiceWithoutASocketIsRefusedWithinASecond(t *testing.T) {
	f := newFront(t, demo("/nowhere/app.sock"))
	got := make(chan answer, 2)
	go func() { got <- f.get("/") }()
	f.eventually("the request waits", held(1))
	started := time.Now()
	f.see("active/running", "deactivating/stop-sigterm", "inactive/dead")
	go func() { got <- f.get("/") }()
	within(t, got, "the answer").want(t, 503)
	within(t, got, "the answer").want(t, 503)
	if took := time.Since(started); took > patience/3 { // it would be held for all of it
		t.Errorf("it took %s", took)
	}
}

func TestAStoppedServiceWithASocketIsWokenByTheRequest(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.see("inactive/dead")
	f.get("/").want(t, 200)
}

func TestOnlyTheGenerationThatFailsIsRefused(t *testing.T) {
	next := newApp(t, says(word("next")))
	f := newFront(t, twice(newApp(t, says(word("main"))), next))
	f.UnitSeen("sandwich-demo.next.service", "failed", "failed", "")
	f.get("/").want(t, 200)
	must(t, f.Switch("demo", "next"))
	f.get("/").want(t, 503)
	f.UnitSeen("sandwich-demo.next.service", "active", "running", "")
	f.see("failed/failed")
	f.get("/").want(t, 200)
	f.eventually("the state is the next generation's", func(st proxy.Status) bool { return st.UnitState == "active (running)" })
}
