package dbusctl

import (
	"bufio"
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// systemBus starts a message bus that is the system's for this test.
func systemBus(t *testing.T) {
	t.Helper()
	address := "unix:path=" + t.TempDir() + "/bus"
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", "--address="+address)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	// It prints its address when it accepts connections.
	_, err = bufio.NewReader(out).ReadString('\n')
	must(t, err)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// process is a process of the proxy on the bus.
type process struct {
	conn *dbus.Conn
	next *process // who owns the name when this one has ended; nil: it stays
}

func newProcess(t *testing.T, next *process) *process {
	t.Helper()
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	p := &process{conn, next}
	must(t, conn.Export(p, proxyPath, proxyName))
	return p
}

func (p *process) own() error {
	_, err := p.conn.RequestName(proxyName, dbus.NameFlagAllowReplacement|dbus.NameFlagReplaceExisting)
	return err
}

// Apply is answered by the last process only: the others end in the middle of it.
func (p *process) Apply(string) *dbus.Error {
	if p.next == nil {
		return nil
	}
	if err := p.next.own(); err != nil {
		return dbus.MakeFailedError(err)
	}
	p.conn.Close()
	return nil
}

func TestACallThatDiesWithAProcessOfTheProxyIsMadeAgain(t *testing.T) {
	systemBus(t)
	must(t, newProcess(t, newProcess(t, newProcess(t, nil))).own())
	proxy, err := ConnectProxy()
	must(t, err)
	defer proxy.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, proxy.Apply(ctx, "x"))
}
