//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

func TestEverybodyMayLookAndOnlySomeMayChange(t *testing.T) {
	proxy := []string{"io.sandwich.Proxy1", "/io/sandwich/Proxy1"}
	call := func(method string, args ...string) []string {
		return append(append(append([]string{"busctl", "call"}, proxy...), "io.sandwich.Proxy1", method), args...)
	}
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Shell("useradd --system --user-group --groups sandwich operator1; useradd --system --user-group visitor")

		for _, user := range []string{"visitor", "operator1", "root"} {
			if r := m.As(user, call("Status")...); r.Code != 0 {
				t.Errorf("%s may not call Status: %s", user, r.Stderr)
			}
			if r := m.As(user, append([]string{"busctl", "introspect"}, proxy...)...); !strings.Contains(r.Stdout, ".Apply") {
				t.Errorf("%s cannot introspect: %s", user, r.Stderr)
			}
		}
		if r := m.As("visitor", call("ProjectStatus", "s", "polls")...); !strings.Contains(r.Stderr, "no such project") {
			t.Errorf("visitor may not call ProjectStatus: %d %s", r.Code, r.Stderr)
		}
		for _, method := range []string{"Apply", "Forget"} {
			if r := m.As("visitor", call(method, "s", "polls")...); !strings.Contains(r.Stderr, "Access denied") {
				t.Errorf("visitor calls %s: %d %s", method, r.Code, r.Stderr)
			}
			if r := m.As("operator1", call(method, "s", "polls")...); strings.Contains(r.Stderr, "denied") {
				t.Errorf("the group sandwich may not call %s: %s", method, r.Stderr)
			}
		}
		own := []string{"python3", "-c", "import ctypes, sys; bus = ctypes.c_void_p(); sd = ctypes.CDLL('libsystemd.so.0'); " +
			"sd.sd_bus_open_system(ctypes.byref(bus)); sys.exit(-sd.sd_bus_request_name(bus, b'io.sandwich.Proxy1', ctypes.c_uint64(0)))"}
		const accessDenied = 13
		if r := m.As("visitor", own...); r.Code != accessDenied {
			t.Errorf("visitor asks for the proxy's name: %d %s", r.Code, r.Stderr)
		}
	})
}

func TestACallStartsTheProxy(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.MustRun("systemctl", "stop", "sandwich-proxy.service")
		m.MustRun("busctl", "call", "io.sandwich.Proxy1", "/io/sandwich/Proxy1", "io.sandwich.Proxy1", "Status")
		m.MustRun("systemctl", "is-active", "sandwich-proxy.service")
	})
}
