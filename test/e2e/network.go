//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/test/load"
)

// Dial opens a connection inside the machine's network. The address must be numeric: a name would
// be looked up on another thread, and so in another network.
func (m *Machine) Dial(ctx context.Context, network, address string) (c net.Conn, err error) {
	if m.front != "" {
		address = m.front
	}
	if entered := m.inNetwork(func() { c, err = (&net.Dialer{}).DialContext(ctx, network, address) }); entered != nil {
		return nil, entered
	}
	return c, err
}

// ListenPacket opens a UDP socket inside the machine's network.
func (m *Machine) ListenPacket(address string) (c net.PacketConn, err error) {
	if entered := m.inNetwork(func() { c, err = net.ListenPacket("udp", address) }); entered != nil {
		return nil, entered
	}
	return c, err
}

// inNetwork does something inside the machine's network: a socket stays in the one that it was made in.
func (m *Machine) inNetwork(do func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	defer home.Close()
	there, err := os.Open("/proc/" + m.pid() + "/ns/net")
	if err != nil {
		return err
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("cannot enter the machine's network: %w", err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err != nil {
			panic("cannot leave the machine's network: " + err.Error())
		}
	}()
	do()
	return nil
}

// pid is the process whose network is the machine's. Another boot of a virtual one has another.
func (m *Machine) pid() string {
	if m.virtual {
		pid, _ := os.ReadFile(m.live() + "/pid")
		return strings.TrimSpace(string(pid))
	}
	m.pidOnce.Do(func() { m.pidText = strings.TrimSpace(start(nil, lab("pid", m.name)).Stdout) })
	return m.pidText
}

// Answer is a response with its body read.
type Answer struct {
	*http.Response
	Body string
}

// Client is an HTTP client inside the machine that follows no redirect and keeps no connection.
func (m *Machine) Client() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DialContext: m.Dial, DisableKeepAlives: true, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       40 * time.Second,
	}
}

// Get asks the proxy for a path of a site.
func (m *Machine) Get(host, path string) Answer {
	m.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	request.Host = host
	return m.Do(request)
}

// Do sends a request and fails the test when no answer comes.
func (m *Machine) Do(request *http.Request) Answer {
	m.t.Helper()
	response, err := m.Client().Do(request)
	if err != nil {
		m.t.Fatalf("no answer from %s: %v", request.Host, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		m.t.Fatalf("the answer of %s was cut: %v", request.Host, err)
	}
	return Answer{Response: response, Body: string(body)}
}

// Curl runs curl in the machine as a person would and gives its output.
func (m *Machine) Curl(args ...string) Result {
	return m.Run(append([]string{"curl", "-sS", "--max-time", "40"}, args...)...)
}

// UnderLoad sends requests while during runs and gives the report. The load begins before during
// and goes on for a moment after it.
func (m *Machine) UnderLoad(l load.Load, during func()) *load.Report {
	m.t.Helper()
	l.Dial, l.Duration = m.Dial, 5*time.Minute
	if l.URL == "" {
		l.URL = "http://127.0.0.1/"
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	reports := make(chan *load.Report, 1)
	go func() {
		report, err := l.Run(ctx)
		if err != nil {
			m.t.Error(err)
		}
		reports <- report
	}()
	const around = 500 * time.Millisecond
	<-time.After(around)
	during()
	<-time.After(around)
	stop()
	report := <-reports
	m.t.Logf("%s: %s", m.Suite, report)
	return report
}

// wantNoFailure fails the test when a request of the load failed.
func wantNoFailure(t testing.TB, report *load.Report) {
	t.Helper()
	if report.Sent == 0 || report.Failed > 0 {
		t.Errorf("%d of %d requests failed: %+v", report.Failed, report.Sent, report)
	}
}
