package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/dbusctl"
)

var topBounds = []time.Duration{10 * time.Millisecond, 100 * time.Millisecond, time.Second}

func TestAQuantileIsWithinItsBucket(t *testing.T) {
	for _, c := range []struct {
		counts []uint64
		q      float64
		want   float64
	}{
		{[]uint64{0, 0, 0, 0}, 0.5, 0}, {[]uint64{10, 0, 0, 0}, 0.5, 0.005}, {[]uint64{50, 50, 0, 0}, 0.5, 0.01},
		{[]uint64{50, 40, 10, 0}, 0.95, 0.55}, {[]uint64{0, 0, 0, 9}, 0.5, 1}, {nil, 0.5, 0},
	} {
		if got := quantileOf(c.counts, topBounds, c.q); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("quantile %v of %v is %v, want %v", c.q, c.counts, got, c.want)
		}
	}
}

// busyHost is what a host with n projects says, more each time.
func busyHost(n int) func(context.Context) (sample, error) {
	looks := uint64(0)
	return func(context.Context) (sample, error) {
		s := sample{at: time.Unix(int64(looks), 0), routes: map[string]dbusctl.Route{}, usage: map[string]usage{}, proxy: dbusctl.ProxySummary{Bounds: topBounds, Connections: 7}}
		for i := range n {
			name := fmt.Sprintf("p%03d", i)
			s.routes[name] = dbusctl.Route{Requests: looks * uint64(i) * 10, Failed: looks, InFlight: 1, Held: 2, Durations: []uint64{0, looks * 10, 0, 0}, Sent: looks * 1000}
			s.usage[name] = usage{cpu: time.Duration(looks) * 500 * time.Millisecond, memory: 1 << 20, workers: 3}
		}
		looks++
		return s, nil
	}
}

func TestTopShowsWhatHappenedBetweenTwoLooks(t *testing.T) {
	p := &top{look: busyHost(3), order: "req", every: time.Millisecond}
	if err := p.next(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := p.rows()
	want := topRow{Name: "p002", Requests: 20, P50: 0.055, P95: 0.0955, Errors: 1, InFlight: 1, Held: 2, Workers: 3, Memory: 1 << 20, CPU: 50, Sent: 1000}
	rows[0].P50, rows[0].P95 = math.Round(rows[0].P50*1e6)/1e6, math.Round(rows[0].P95*1e6)/1e6
	if len(rows) != 3 || rows[0] != want || rows[2].Name != "p000" {
		t.Errorf("rows are %+v", rows)
	}
	p.order, p.names = "name", []string{"p001", "p000"}
	if rows := p.rows(); len(rows) != 2 || rows[0].Name != "p000" {
		t.Errorf("rows are %+v", rows)
	}
}

func TestFiveHundredProjectsFitOnAScreen(t *testing.T) {
	p := &top{look: busyHost(500), order: "req", every: time.Millisecond}
	if err := p.next(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := p.screen(100, 24)
	if len(lines) != 24 || !strings.HasPrefix(lines[4], "p499 ") || !strings.Contains(lines[0], "500 projects") {
		t.Errorf("%d lines:\n%s", len(lines), strings.Join(lines, "\n"))
	}
	if lines := p.screen(100, 3); len(lines) != 3 {
		t.Errorf("%d lines on a screen of three", len(lines))
	}
	for _, width := range []int{80, 100, 200} {
		for _, line := range p.screen(width, 24) {
			if len(line) > width {
				t.Errorf("%d columns hold %q", width, line)
			}
		}
	}
}

func TestTopOnceIsATableOrJSON(t *testing.T) {
	for asJSON, want := range map[bool]string{true: `"requests_per_second": 10`, false: "p001      10.0"} {
		var out bytes.Buffer
		term := &terminal{stdout: &out, stderr: io.Discard}
		if err := term.topOnce(t.Context(), &top{look: busyHost(2), order: "req", every: time.Millisecond}, asJSON); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%v:\n%s", err, out.String())
		}
	}
}

// newTerminal is both ends of a terminal of 100 columns and 10 lines.
func newTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { person.Close() })
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 10, Col: 100}); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return person, program
}

func TestTopIsLiveUntilQIsTyped(t *testing.T) {
	person, program := newTerminal(t)
	ended := make(chan error, 1)
	go func() {
		ended <- (&top{look: busyHost(20), order: "req", every: time.Millisecond}).live(t.Context(), program, program)
	}()
	seen := make(chan string, 1000)
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := person.Read(buf)
			if err != nil {
				return
			}
			seen <- string(buf[:n])
		}
	}()
	until := func(what string) {
		t.Helper()
		deadline, text := time.After(time.Minute), ""
		for !strings.Contains(text, what) {
			select {
			case part := <-seen:
				text = text[max(0, len(text)-1000):] + part
			case <-deadline:
				t.Fatalf("no %q in %q", what, text)
			}
		}
	}
	until("p019 ")
	io.WriteString(person, "n")
	until("by name")
	io.WriteString(person, "q")
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("q does not end it")
	}
	until(screenOff)
}

func TestUsageIsReadFromTheSlice(t *testing.T) {
	root := t.TempDir()
	slice := filepath.Join(root, "sandwich.slice", `sandwich-client\x2dx.slice`)
	service := filepath.Join(slice, "sandwich-client-x.service")
	for name, content := range map[string]string{
		filepath.Join(slice, "cpu.stat"):       "usage_usec 1500000\nuser_usec 1\n",
		filepath.Join(slice, "memory.current"): "4096\n",
		filepath.Join(service, "cgroup.procs"): "1\n2\n3\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := usageOf(root, "client-x"); got != (usage{cpu: 1500 * time.Millisecond, memory: 4096, workers: 2}) {
		t.Errorf("usage is %+v", got)
	}
	if got := usageOf(root, "nobody"); got != (usage{}) {
		t.Errorf("usage is %+v", got)
	}
}
