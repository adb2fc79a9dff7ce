//go:build e2e && vm

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// BootVirtual makes and boots a machine of test/vm, with a kernel of its own.
func BootVirtual(t testing.TB, suite string) *Machine {
	t.Helper()
	m := &Machine{t: t, Suite: suite, virtual: true, name: fmt.Sprintf("e2e-%d-%d", os.Getpid(), booted.Add(1))}
	t.Cleanup(m.end)
	m.must("up", m.name, suite)
	m.front = "10.0.2.15:80"
	return m
}

func (m *Machine) must(args ...string) string {
	m.t.Helper()
	r := start(nil, m.tool(args...))
	if r.Code != 0 {
		m.t.Fatalf("test/vm %s: %s", strings.Join(args, " "), r.Stderr)
	}
	return r.Stdout
}

// Reboot boots the machine anew, as its administrator does.
func (m *Machine) Reboot() {
	m.t.Helper()
	m.Run("systemctl", "reboot") // it may end before it has answered
	m.must("boot", m.name)
}

// CutWithin cuts the power of the machine at a random moment of a command, that would take so long.
func (m *Machine) CutWithin(lasts time.Duration, command ...string) (after time.Duration) {
	m.t.Helper()
	begun := m.command(command...)
	if err := begun.Start(); err != nil {
		m.t.Fatal(err)
	}
	after = rand.N(lasts)
	<-time.After(after)
	m.must("cut", m.name)
	_ = begun.Wait()
	m.must("boot", m.name)
	return after
}
