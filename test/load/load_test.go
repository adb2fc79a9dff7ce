package load

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEveryRequestIsCountedOnce(t *testing.T) {
	for _, keepAlive := range []bool{false, true} {
		t.Run(fmt.Sprintf("keep-alive %v", keepAlive), func(t *testing.T) {
			var served atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n, _ := io.Copy(io.Discard, r.Body); n != 1000 || r.Host != "shop.example" {
					t.Errorf("got %d bytes for %s", n, r.Host)
				}
				if served.Add(1)%10 == 0 {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
				fmt.Fprint(w, "release r1\n")
			}))
			defer server.Close()
			report := run(t, Load{
				URL: server.URL + "/echo", Host: "shop.example", Rate: 500, Duration: time.Second / 5,
				Post: 1000, KeepAlive: keepAlive,
			})
			if report.Sent != 100 || served.Load() != 100 || report.Failed != 10 {
				t.Errorf("served %d: %s", served.Load(), report)
			}
			if report.Status[200] != 90 || report.Status[503] != 10 || report.Answers["release r1"] != 100 {
				t.Errorf("%+v", report)
			}
		})
	}
}

func TestAStallIsSeenByEveryRequestThatWasDue(t *testing.T) {
	const stall = 300 * time.Millisecond
	open := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-open }))
	defer server.Close()
	time.AfterFunc(stall, func() { close(open) })
	report := run(t, Load{URL: server.URL, Rate: 100, Duration: stall})
	if report.Sent != 30 || report.Failed != 0 || report.Max < 250 {
		t.Error(report)
	}
}

func TestAConnectionClosedInTheMiddleOfARequestIsAFailure(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, buffered, _ := http.NewResponseController(w).Hijack()
		fmt.Fprint(buffered, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		buffered.Flush()
		connection.Read(make([]byte, 1000))
		connection.Close()
	}))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 20, Duration: time.Second / 5, KeepAlive: true})
	if report.Failed != 2 || report.FirstFailure == "" || report.Kinds["no answer: closed"]+report.Kinds["no answer: reset"] != 2 {
		t.Errorf("%+v", report)
	}
}

func TestAKeptConnectionThatWasClosedIsNotUsed(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, buffered, _ := http.NewResponseController(w).Hijack()
		fmt.Fprint(buffered, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		buffered.Flush()
		connection.Close()
	}))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 20, Duration: time.Second / 5, KeepAlive: true})
	if report.Failed != 0 || report.Stale != 3 {
		t.Errorf("%+v", report)
	}
}

func TestConnectionsAreBoundedAndAllUsed(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.RemoteAddr] = true
	}))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 400, Duration: time.Second / 5, KeepAlive: true, Connections: 7})
	if report.Sent != 80 || report.Failed != 0 || len(seen) != 7 {
		t.Errorf("%d connections: %+v", len(seen), report)
	}
}

func TestARequestWaitsForAFreeConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-time.After(100 * time.Millisecond) }))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 100, Duration: time.Second / 20, Connections: 1})
	if report.Sent != 5 || report.Failed != 0 || report.Max < 400 {
		t.Error(report)
	}
	report = run(t, Load{URL: server.URL, Rate: 100, Duration: time.Second / 20, Connections: 1, Timeout: 150 * time.Millisecond})
	if report.Kinds["connect: busy"]+report.Kinds["no answer: timeout"] == 0 {
		t.Errorf("%+v", report)
	}
}

func TestAMixIsMixedEvenly(t *testing.T) {
	var paths []string
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.Method+" "+r.URL.RequestURI())
	}))
	defer server.Close()
	mix := Load{URL: server.URL, Rate: 40, Duration: time.Second / 5, Mix: []Request{
		{Path: "/a", Weight: 2}, {Path: "/b", Post: 40}, {Path: "/c?d=e", Weight: 1},
	}}
	target, _ := url.Parse(server.URL)
	var round []string
	for _, k := range newClient(mix, target).round {
		round = append(round, k.Path)
	}
	if got := strings.Join(round, " "); got != "/a /b /c?d=e /a" {
		t.Errorf("one round is %s", got)
	}
	report := run(t, mix)
	slices.Sort(paths) // two may arrive in another order
	want := "GET /a GET /a GET /a GET /a GET /c?d=e GET /c?d=e POST /b POST /b"
	if got := strings.Join(paths, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if report.Paths["GET /a"].Sent != 4 || report.Paths["GET /c"].Sent != 2 || len(report.Done) != 2 {
		t.Errorf("%+v", report)
	}
}

func TestEveryBodyHasAnIDOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		id, _, _ := strings.Cut(string(body), "\n")
		mu.Lock()
		defer mu.Unlock()
		seen[id]++
	}))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 500, Duration: time.Second / 5, Post: 200})
	if len(seen) != 100 || len(report.Done) != 100 {
		t.Errorf("%d different ids, %d answered", len(seen), len(report.Done))
	}
	for _, id := range report.Done {
		if seen[id] != 1 {
			t.Errorf("%q came %d times", id, seen[id])
		}
	}
}

func TestAnAnswerWithoutItsEndIsAFailure(t *testing.T) {
	whole := strings.Repeat("a part\n", 3000)
	digest := fmt.Sprintf("%x\n", sha256.Sum256([]byte(whole)))
	for name, one := range map[string]struct {
		serve http.HandlerFunc
		kind  string
	}{
		"whole": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, whole, digest) }, ""},
		"ended": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, whole) }, "cut answer: incomplete"},
		"holed": {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, whole[7:], digest) }, "cut answer: incomplete"},
		"cut": {func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, whole)
			panic(http.ErrAbortHandler)
		}, "cut answer: closed"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(one.serve)
			defer server.Close()
			report := run(t, Load{URL: server.URL, Rate: 10, Duration: time.Second / 10, Mix: []Request{{Path: "/", Whole: true}}})
			if one.kind == "" && report.Failed != 0 || one.kind != "" && report.Kinds[one.kind] != 1 {
				t.Errorf("%+v", report)
			}
		})
	}
}

func TestAGapBeginsAndEndsWithASuccess(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	r := newRecorder(start)
	k := &kind{name: "GET /"}
	for _, o := range []struct{ ms, status int }{{10, 200}, {30, 200}, {40, 503}, {130, 200}, {150, 503}} {
		r.record(outcome{kind: k, due: at(o.ms), begun: at(o.ms), ended: at(o.ms), answer: answer{status: o.status}})
	}
	if gap := r.report().Gap; gap != 100 {
		t.Errorf("gap of %v ms", gap)
	}
}

func TestTheApplicationsOwnTimeIsNoWait(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-time.After(200 * time.Millisecond) }))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 10, Duration: time.Second / 5, Mix: []Request{{Takes: 200 * time.Millisecond}}})
	if report.Max > 150 {
		t.Error(report)
	}
}

func run(t *testing.T, l Load) *Report {
	t.Helper()
	report, err := l.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return report
}
