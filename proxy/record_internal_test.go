package proxy

import (
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"sandwich/proxy/accesslog"
	"sandwich/proxy/header"
	"sandwich/proxy/route"
)

func TestTimesAreCountedInTheRightBucket(t *testing.T) {
	var h histogram
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 59 * time.Second, time.Minute, time.Hour} {
		h.add(d)
	}
	got := h.read()
	last := len(Bounds)
	if got.Counts[0] != 2 || got.Counts[1] != 1 || got.Counts[last-1] != 2 || got.Counts[last] != 1 {
		t.Errorf("counted %v", got.Counts)
	}
	for i := 1; i < last; i++ {
		if Bounds[i] <= Bounds[i-1] {
			t.Errorf("bound %d is %v, after %v", i, Bounds[i], Bounds[i-1])
		}
	}
}

func TestRecordingCostsNoMemory(t *testing.T) {
	site := &site{name: "demo", access: accesslog.Open(t.TempDir(), slog.New(slog.DiscardHandler)).Log("demo")}
	u, _ := url.Parse("/page?a=b")
	v := &visit{
		p: &serving{site: site, route: &route.Route{Name: "demo"}},
		r: &http.Request{Method: "GET", URL: u, RequestURI: "/page?a=b", Host: "demo.example", Proto: "HTTP/1.1",
			Header: http.Header{"User-Agent": {"Mozilla/5.0"}, "Referer": {"http://demo.example/"}}},
		origin: header.Origin{Client: "192.0.2.1", ID: "0123456789abcdef", Start: time.Now()},
	}
	v.status = 200
	for range 3000 { // until it has the room it needs, or more than it may have
		v.record()
	}
	if n := testing.AllocsPerRun(1000, v.record); n != 0 {
		t.Errorf("%v allocations for a request", n)
	}
}
