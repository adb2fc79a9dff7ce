package metrics

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/tls"
)

type fake struct {
	mu      sync.Mutex
	address string
	moved   chan struct{}
}

func (f *fake) Status() []proxy.Status {
	st := proxy.Status{
		Name: "client-x", Responses: map[string]uint64{"2xx": 4, "5xx": 1}, InFlight: 2, Held: 1, HeldTotal: 5, Retried: 6,
		Failures: 7, Limited: 8, Shed: 9, Sent: 1000, Received: 10, Closed: true,
	}
	st.Durations.Counts[0], st.Durations.Counts[2], st.Durations.Counts[len(proxy.Bounds)] = 1, 2, 3
	st.Durations.Sum = 200 * time.Second
	return []proxy.Status{st, {Name: "client-y"}}
}

func (f *fake) Summary() proxy.Summary {
	return proxy.Summary{Projects: 2, Connections: 3, Tunnels: 4, UnknownHosts: 5, LinesDropped: 6}
}

func (f *fake) Certificates() []tls.Certificate {
	return []tls.Certificate{
		{Host: "x.example", Project: "client-x", From: "auto", State: tls.OK, Ends: time.Unix(2_000_000_000, 0)},
		{Host: "y.example", Project: "client-y", From: "internal", State: tls.Waiting, Ends: time.Unix(1_900_000_000, 0)},
		{Host: "z.example", Project: "client-y", From: "files", State: tls.Expiring, Ends: time.Unix(1_800_000_000, 0)},
	}
}

func (f *fake) MetricsAddress() (string, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.address, f.moved
}

func (f *fake) move(address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.moved)
	f.address, f.moved = address, make(chan struct{})
}

// scrape reads the metrics as Prometheus does.
func scrape(t *testing.T, network, address string) (string, error) {
	t.Helper()
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}}
	res, err := client.Get("http://localhost/metrics")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) { // nobody tells
		if time.Now().After(deadline) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}

func start(t *testing.T, f *fake, socket string) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); Run(ctx, f, "1.2.3", socket, slog.New(slog.DiscardHandler)) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func TestTheSocketTellsEverythingOfEachProject(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "metrics.sock")
	start(t, &fake{moved: make(chan struct{})}, socket)
	var body string
	eventually(t, "an answer", func() (ok bool) {
		var err error
		body, err = scrape(t, "unix", socket)
		return err == nil
	})
	for _, want := range []string{
		`sandwich_requests_total{class="2xx",project="client-x"} 4`,
		`sandwich_requests_total{class="5xx",project="client-x"} 1`,
		`sandwich_requests_total{class="2xx",project="client-y"} 0`,
		`sandwich_request_duration_seconds_bucket{project="client-x",le="0.001"} 1`,
		`sandwich_request_duration_seconds_bucket{project="client-x",le="0.005"} 3`,
		`sandwich_request_duration_seconds_bucket{project="client-x",le="60"} 3`,
		`sandwich_request_duration_seconds_bucket{project="client-x",le="+Inf"} 6`,
		`sandwich_request_duration_seconds_sum{project="client-x"} 200`,
		`sandwich_request_queue_seconds_count{project="client-x"} 0`,
		`sandwich_requests_in_flight{project="client-x"} 2`, `sandwich_requests_held{project="client-x"} 1`,
		`sandwich_requests_held_total{project="client-x"} 5`, `sandwich_requests_retried_total{project="client-x"} 6`,
		`sandwich_upstream_failures_total{project="client-x"} 7`, `sandwich_requests_rate_limited_total{project="client-x"} 8`,
		`sandwich_requests_shed_total{project="client-x"} 9`, `sandwich_sent_bytes_total{project="client-x"} 1000`,
		`sandwich_received_bytes_total{project="client-x"} 10`, `sandwich_maintenance{project="client-x"} 1`,
		`sandwich_certificate_expiry_timestamp_seconds{from="auto",host="x.example",project="client-x"} 2e+09`,
		`sandwich_certificate_expiry_timestamp_seconds{from="files",host="z.example",project="client-y"} 1.8e+09`,
		`sandwich_certificate_ok{host="x.example",project="client-x"} 1`, `sandwich_certificate_ok{host="y.example",project="client-y"} 1`,
		`sandwich_certificate_ok{host="z.example",project="client-y"} 0`,
		`sandwich_maintenance{project="client-y"} 0`, "sandwich_projects 2", "sandwich_connections 3", "sandwich_websockets 4",
		"sandwich_unknown_host_requests_total 5", "sandwich_access_log_lines_dropped_total 6", `sandwich_build_info{version="1.2.3"} 1`,
		"process_resident_memory_bytes ", "process_open_fds ", "process_cpu_seconds_total ", "go_goroutines ",
	} {
		if !strings.Contains(body, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if n := strings.Count(body, `project="client-x"`); n > 60 {
		t.Errorf("%d series for a project", n)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

func TestTheNextProcessTakesTheSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "metrics.sock")
	answers := func() bool { _, err := scrape(t, "unix", socket); return err == nil }
	stop := start(t, &fake{moved: make(chan struct{})}, socket)
	eventually(t, "the first answers", answers)
	before, err := os.Stat(socket)
	if err != nil {
		t.Fatal(err)
	}
	start(t, &fake{moved: make(chan struct{})}, socket)
	eventually(t, "the second has it", func() bool { now, err := os.Stat(socket); return err == nil && !os.SameFile(before, now) })
	stop()
	eventually(t, "the second answers", answers)
}

func TestAPortIsOfferedWhileTheSettingsSaySo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := taken.Addr().String()
	f := &fake{moved: make(chan struct{})}
	start(t, f, "")
	f.move(address) // somebody else has it, for example the process before
	taken.Close()
	answers := func() bool { _, err := scrape(t, "tcp", address); return err == nil }
	eventually(t, "it answers", answers)
	f.move("")
	eventually(t, "it does not answer any more", func() bool { return !answers() })
}
