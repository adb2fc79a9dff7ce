//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

func TestTheHostFileMovesTheProxyAndReachesEveryProject(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/sandwich/sandwich.hcl", `proxy {
  http            = ["127.0.0.1:8080"]
  trusted_proxies = ["127.0.0.1/32"]
}

defaults {
  gunicorn {
    workers = 2
  }
}
`)
		m.Run("sandwich", "plan").wants(t, 0, "sandwich-proxy.socket.d/10-sandwich.conf", "+ListenStream=127.0.0.1:8080", "--workers 2")
		m.Run("sandwich", "apply").wants(t, 0)
		m.Run("sandwich", "plan").wants(t, 0, "polls: nothing to do")
		m.Run("sandwich", "restart", "polls").wants(t, 0)
		if code := m.MustRun("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: polls.example", "http://127.0.0.1:8080/polls/"); code != "200" {
			t.Errorf("at its new address the proxy answers %s", code)
		}
		if listens := m.MustRun("ss", "-Hltn"); strings.Contains(listens, ":80 ") {
			t.Errorf("it still listens at the old address:\n%s", listens)
		}

		m.MustRun("rm", "/etc/sandwich/sandwich.hcl")
		m.Run("sandwich", "apply").wants(t, 0)
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("without a host file the site answers %s", answer.Status)
		}
		if m.Has("/var/lib/sandwich/proxy.json") || m.Has("/etc/systemd/system/sandwich-proxy.socket.d/10-sandwich.conf") {
			t.Error("something of the host file is left")
		}
	})
}

func TestAMistakeInTheHostFileLeavesEverythingAsItIs(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  http = [\"0.0.0.0:80\", \"[::]:80\"]\n}\n")
		m.Run("sandwich", "apply").wants(t, 0)
		m.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  http = [\"everywhere\"]\n  memory_budget = \"a lot\"\n}\n")
		m.Run("sandwich", "apply").wants(t, 5, "sandwich.hcl:2,", "sandwich.hcl:3,", "a lot")
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("the site answers %s", answer.Status)
		}
		if !m.Has("/etc/systemd/system/sandwich-proxy.socket.d/10-sandwich.conf") {
			t.Error("the proxy lost its addresses")
		}
	})
}
