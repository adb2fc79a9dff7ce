package bus_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sandwich/proxy"
	"sandwich/proxy/bus"
	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

const patience = time.Minute

// daemon is a message bus of the test's own at a fixed address.
type daemon struct {
	*testing.T
	address string
	cmd     *exec.Cmd
}

func newDaemon(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{T: t, address: "unix:path=" + t.TempDir() + "/bus"}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", d.address)
	t.Cleanup(d.stop)
	return d
}

// start returns when the bus accepts connections: then it prints its address.
func (d *daemon) start() {
	d.Helper()
	d.cmd = exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address="+d.address)
	out, err := d.cmd.StdoutPipe()
	must(d, err)
	must(d, d.cmd.Start())
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		d.Fatalf("dbus-daemon does not start: %v", err)
	}
}

func (d *daemon) stop() {
	if d.cmd != nil {
		d.cmd.Process.Kill()
		d.cmd.Wait()
		d.cmd = nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fake is a proxy that says what it is told to say.
type fake struct {
	calls  chan string
	answer atomic.Pointer[error]
	status []proxy.Status

	certificates []certs.Certificate
	changes      chan string

	mu    sync.Mutex
	units []string
	moved chan struct{}
	seen  chan string

	signals chan proxy.Signal
}

func (f *fake) Apply(name string) error  { return f.called("Apply " + name) }
func (f *fake) Forget(name string) error { return f.called("Forget " + name) }
func (f *fake) Hold(name string, d time.Duration) error {
	return f.called(fmt.Sprint("Hold ", name, " ", d))
}
func (f *fake) Release(name string) error    { return f.called("Release " + name) }
func (f *fake) Switch(name, up string) error { return f.called("Switch " + name + " " + up) }
func (f *fake) Drain(name string, d time.Duration) error {
	return f.called(fmt.Sprint("Drain ", name, " ", d))
}
func (f *fake) Summary() proxy.Summary { return proxy.Summary{Connections: 3, UnknownHosts: 4} }

func (f *fake) Status() []proxy.Status { return f.status }

func (f *fake) StatusOf(name string) (proxy.Status, error) {
	for _, st := range f.status {
		if st.Name == name {
			return st, nil
		}
	}
	return proxy.Status{}, proxy.ErrNotServed
}

func (f *fake) Certificates() []certs.Certificate { return f.certificates }
func (f *fake) CertificateOrders() map[string]int { return map[string]int{"a.example": 3} }
func (f *fake) CertificateChanges() <-chan string { return f.changes }
func (f *fake) RenewCertificate(_ context.Context, host string) error {
	return f.called("RenewCertificate " + host)
}
func (f *fake) RevokeCertificate(_ context.Context, host string, reason int) error {
	return f.called(fmt.Sprint("RevokeCertificate ", host, " ", reason))
}

func (f *fake) Units() ([]string, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.units, f.moved
}

func (f *fake) UnitSeen(unit, active, sub, result string) {
	f.say(strings.TrimSpace(unit + " " + active + " " + sub + " " + result))
}
func (f *fake) Signals() <-chan proxy.Signal { return f.signals }

func (f *fake) UnitsUnseen() { f.say("unseen") }

func (f *fake) say(what string) {
	if f.seen != nil {
		f.seen <- what
	}
}

func (f *fake) called(what string) error {
	f.calls <- what
	if err := f.answer.Load(); err != nil {
		return *err
	}
	return nil
}

// offer runs the bus side of p until the test ends.
func offer(t *testing.T, p bus.Proxy) *logLines {
	log := &logLines{lines: make(chan string, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { bus.Run(ctx, ctx, p, slog.New(slog.NewTextHandler(log, nil))); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	return log
}

type logLines struct{ lines chan string }

func (l *logLines) Write(p []byte) (int, error) { l.lines <- string(p); return len(p), nil }

func (l *logLines) wait(t *testing.T, what string) {
	t.Helper()
	for {
		select {
		case line := <-l.lines:
			if strings.Contains(line, what) {
				return
			}
		case <-time.After(patience):
			t.Fatalf("%q was not logged", what)
		}
	}
}

// client is a connection of somebody else.
func client(t *testing.T) dbus.BusObject {
	t.Helper()
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn.Object(bus.Name, bus.Path)
}

func TestNewsReachWhoListens(t *testing.T) {
	newDaemon(t).start()
	f := &fake{signals: make(chan proxy.Signal, 1)}
	offer(t, f).wait(t, "owning "+bus.Name)
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	defer conn.Close()
	must(t, conn.AddMatchSignal(dbus.WithMatchInterface(bus.Name)))
	heard := make(chan *dbus.Signal, 10)
	conn.Signal(heard)
	f.signals <- proxy.Signal{Member: "ProjectIdle", Args: []any{"client-x"}}
	for {
		select {
		case s := <-heard:
			if s.Name == bus.Name+".ProjectIdle" && s.Path == bus.Path && reflect.DeepEqual(s.Body, []any{"client-x"}) {
				return
			}
		case <-time.After(patience):
			t.Fatal("nobody hears of an idle project")
		}
	}
}

func TestCallsReachTheProxyAndErrorsComeBackAsSentences(t *testing.T) {
	d := newDaemon(t)
	d.start()
	f := &fake{calls: make(chan string, 10)}
	offer(t, f).wait(t, "owning "+bus.Name)
	object := client(t)
	must(t, object.Call(bus.Name+".Apply", 0, "client-x").Err)
	must(t, object.Call(bus.Name+".Forget", 0, "client-y").Err)
	must(t, object.Call(bus.Name+".Hold", 0, "client-x", uint32(3)).Err)
	must(t, object.Call(bus.Name+".Release", 0, "client-x").Err)
	must(t, object.Call(bus.Name+".Switch", 0, "client-x", "next").Err)
	must(t, object.Call(bus.Name+".Drain", 0, "client-x", uint32(4)).Err)
	for _, want := range []string{"Apply client-x", "Forget client-y", "Hold client-x 3s", "Release client-x", "Switch client-x next", "Drain client-x 4s"} {
		if got := <-f.calls; got != want {
			t.Errorf("call was %s, want %s", got, want)
		}
	}
	for _, c := range []struct {
		err  error
		name string
	}{
		{proxy.ErrName, "InvalidName"}, {proxy.ErrNoFile, "NoSuchRoute"}, {proxy.ErrBroken, "InvalidRoute"},
		{route.ErrDomainTaken, "DomainTaken"}, {proxy.ErrNotServed, "NotServed"}, {proxy.ErrNoUpstream, "NoSuchUpstream"},
		{proxy.ErrTimeout, "Timeout"}, {errors.New("other"), "Failed"},
	} {
		answer := fmt.Errorf("cannot apply route: %w", c.err)
		f.answer.Store(&answer)
		var busErr dbus.Error
		err := object.Call(bus.Name+".Apply", 0, "client-x").Err
		if !errors.As(err, &busErr) || busErr.Name != bus.Name+".Error."+c.name || err.Error() != answer.Error() {
			t.Errorf("the error is %v (%s), want %s", err, busErr.Name, c.name)
		}
	}
}

func TestStatusOnTheBus(t *testing.T) {
	d := newDaemon(t)
	d.start()
	at := time.UnixMicro(1700000000000001)
	offer(t, &fake{status: []proxy.Status{{
		Name: "client-x", Hash: "abc", Domains: []string{"client-x.example"}, InFlight: 1, Held: 2, Requests: 3, Rate: 0.5,
		Responses: map[string]uint64{"2xx": 4}, HeldTotal: 5, Retried: 6, Failures: 7, LastError: "oops", LastErrorAt: at,
		Upstream: "next", UnitState: "active (running)", Holding: true, HeldUntil: at,
		Limited: 8, Shed: 9, Sent: 10, Received: 11, Closed: true, ClosedSince: at,
	}, {Name: "client-y"}}}).wait(t, "owning")
	var got map[string]map[string]dbus.Variant
	object := client(t)
	must(t, object.Call(bus.Name+".Status", 0).Store(&got))
	var alone map[string]dbus.Variant
	must(t, object.Call(bus.Name+".ProjectStatus", 0, "client-x").Store(&alone))
	if !reflect.DeepEqual(alone, got["client-x"]) {
		t.Errorf("alone it is %v\nwant %v", alone, got["client-x"])
	}
	var busErr dbus.Error
	if err := object.Call(bus.Name+".ProjectStatus", 0, "client-z").Err; !errors.As(err, &busErr) || busErr.Name != bus.Name+".Error.NotServed" {
		t.Errorf("of nobody it is %v", err)
	}
	plain := map[string]any{}
	for key, v := range got["client-x"] {
		plain[key] = v.Value()
	}
	want := map[string]any{
		"hash": "abc", "domains": []string{"client-x.example"}, "in_flight": uint32(1), "held": uint32(2),
		"requests": uint64(3), "requests_per_second": 0.5, "responses": map[string]uint64{"2xx": 4}, "held_total": uint64(5), "retried": uint64(6),
		"upstream": "next", "unit_state": "active (running)", "holding": true, "held_until": uint64(at.UnixMicro()),
		"upstream_failures": uint64(7), "last_error": "oops", "last_error_at": uint64(at.UnixMicro()),
		"sent": uint64(10), "received": uint64(11), "durations": make([]uint64, len(proxy.Bounds)+1),
		"rate_limited": uint64(8), "shed": uint64(9), "maintenance": true, "maintenance_since": uint64(at.UnixMicro()),
	}
	if !reflect.DeepEqual(plain, want) {
		t.Errorf("status is %v\nwant %v", plain, want)
	}
	if _, ok := got["client-y"]["last_error"]; ok || len(got) != 2 {
		t.Errorf("status is %v", got)
	}
}

func TestTheObjectDescribesItself(t *testing.T) {
	d := newDaemon(t)
	d.start()
	offer(t, &fake{}).wait(t, "owning")
	var xml string
	must(t, client(t).Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&xml))
	for _, part := range []string{`<interface name="io.sandwich.Proxy1">`, `name="Apply"`, `name="Forget"`, `type="a{sa{sv}}" direction="out"`} {
		if !strings.Contains(xml, part) {
			t.Errorf("%s is missing in\n%s", part, xml)
		}
	}
	if out, err := exec.Command("busctl", "--address="+d.address, "introspect", bus.Name, bus.Path).CombinedOutput(); err != nil {
		t.Errorf("busctl cannot read it: %v\n%s", err, out)
	}
}

func TestTheBusMayComeLaterAndGo(t *testing.T) {
	d := newDaemon(t)
	f := &fake{calls: make(chan string, 10)}
	log := offer(t, f)
	log.wait(t, "cannot be reached over the system bus")
	d.start()
	log.wait(t, "owning")
	d.stop()
	log.wait(t, "cannot be reached over the system bus")
	d.start()
	log.wait(t, "owning")
	must(t, client(t).Call(bus.Name+".Apply", 0, "client-x").Err)
}
