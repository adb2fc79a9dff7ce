package load

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

func TestAClosedKeptConnectionIsAFailure(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		connection, buffered, _ := http.NewResponseController(w).Hijack()
		fmt.Fprint(buffered, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		buffered.Flush()
		connection.Close()
	}))
	defer server.Close()
	report := run(t, Load{URL: server.URL, Rate: 20, Duration: time.Second / 5, KeepAlive: true})
	if report.Failed == 0 || report.FirstFailure == "" {
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
