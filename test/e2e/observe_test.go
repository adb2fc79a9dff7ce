//go:build e2e

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// prints has gunicorn print the id of each request, as an application does that logs it.
const prints = `gunicorn {
  args = ["--access-logfile", "-", "--access-logformat", "served %({x-request-id}i)s"]
}`

func TestWhatAnOperatorSees(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls", prints)
		answer := m.Get("polls.example", "/polls/?seen")
		id := answer.Header.Get("X-Request-Id")
		m.eventually("the access log has the request", "grep -q id="+id+" /var/log/sandwich/polls.access.log")
		if got := m.MustRun("stat", "-c", "%a %U %G", "/var/log/sandwich", "/var/log/sandwich/polls.access.log"); strings.TrimSpace(got) != "2750 sandwich-proxy adm\n640 sandwich-proxy adm" {
			t.Errorf("owners and modes are\n%s", got)
		}
		m.eventually("the journal has what the application printed", "sandwich logs --request "+id+" | grep -q 'served "+id+"'")
		m.Run("sandwich", "logs", "--request", id).wants(t, 0, "GET /polls/?seen", "served "+id, "polls.access: ")
		m.Run("sandwich", "logs", "-n", "500", "polls").wants(t, 0, "GET /polls/?seen", "Booting worker", "Started sandwich-polls.service", "polls[")
		m.Run("sandwich", "logs", "--level", "err", "--since", "1h", "polls")

		rotated(t, m)
		metrics := m.MustRun("curl", "-s", "--unix-socket", "/run/sandwich-proxy/metrics.sock", "http://localhost/metrics")
		for _, want := range []string{`sandwich_requests_total{class="2xx",project="polls"} `, "process_open_fds ", "process_resident_memory_bytes ", `sandwich_request_duration_seconds_bucket{project="polls",le="1"}`} {
			if !strings.Contains(metrics, want) {
				t.Errorf("metrics have no %s", want)
			}
		}
		m.As("nobody", "curl", "-sf", "--unix-socket", "/run/sandwich-proxy/metrics.sock", "http://localhost/metrics").wants(t, 0)
		m.Write("/etc/sandwich/sandwich.hcl", "proxy {\n  metrics = \"127.0.0.1:9145\"\n}\n")
		m.MustRun("sandwich", "apply")
		m.eventually("metrics are on the port", "curl -sf http://127.0.0.1:9145/metrics >/dev/null")

		var top struct {
			Projects []struct {
				Name    string
				Workers int
			}
		}
		said := m.MustRun("sandwich", "top", "--json", "--interval", "200ms")
		if err := json.Unmarshal([]byte(said), &top); err != nil || len(top.Projects) != 1 || top.Projects[0].Name != "polls" || top.Projects[0].Workers < 1 {
			t.Errorf("top says %s", said)
		}
		m.Run("sandwich", "proxy", "reload").wants(t, 0, "read its settings")
		m.Run("sandwich", "proxy", "status").wants(t, 0, "connections", "unknown hosts", "polls")
	})
}

// rotated moves the log away, as logrotate does, and wants the next line in a new file.
func rotated(t *testing.T, m *Machine) {
	t.Helper()
	const file = "/var/log/sandwich/polls.access.log"
	for n, signal := range []string{"true", "systemctl kill -s USR1 sandwich-proxy"} {
		m.Shell("mv " + file + " " + file + ".1")
		m.Get("polls.example", "/polls/")
		m.Shell(signal)
		m.eventually("there is a new file", "test -s "+file)
		if n == 1 && m.Run("systemctl", "is-active", "sandwich-proxy").Code != 0 {
			t.Error("the signal has ended the proxy")
		}
	}
}

func TestWhoMayComeAndHowOften(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Shell("echo bob:$(openssl passwd -apr1 secret) >/etc/sandwich/polls.htpasswd; chmod 600 /etc/sandwich/polls.htpasswd")
		m.Enable("polls", "polls")
		file := "/etc/sandwich/projects/polls.hcl"
		m.Write(file, m.MustRun("cat", file)+`
proxy {
  rate_limit "/admin/login/" {
    rate  = "2/h"
    burst = 2
  }

  access {
    basic_auth_file = "/etc/sandwich/polls.htpasswd"
  }
}
`)
		m.Run("sandwich", "check", "polls").wants(t, 5, "cannot read the password file", "chgrp sandwich-proxy")
		m.Shell("chgrp sandwich-proxy /etc/sandwich/polls.htpasswd && chmod 640 /etc/sandwich/polls.htpasswd")
		m.Shell("sandwich apply polls || true") // its front page asks for a password
		status := func(want, path string, args ...string) {
			t.Helper()
			got := m.MustRun(append([]string{"curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: polls.example", "http://127.0.0.1" + path}, args...)...)
			if got != want {
				t.Errorf("%s answers %s, want %s", path, got, want)
			}
		}
		status("401", "/polls/")
		status("401", "/polls/", "-u", "bob:wrong")
		status("200", "/polls/", "-u", "bob:secret")
		status("200", "/admin/login/", "-u", "bob:secret")
		status("200", "/admin/login/", "-u", "bob:secret")
		status("429", "/admin/login/", "-u", "bob:secret")

		m.Run("sandwich", "maintenance", "on", "polls", "--retry-after", "10m").wants(t, 0, "closed for maintenance")
		status("503", "/polls/", "-u", "bob:secret")
		m.Run("sandwich", "list").wants(t, 0, "maintenance")
		m.Run("sandwich", "status", "polls").wants(t, 0, "maintenance: on")
		m.Run("sandwich", "restart", "polls").wants(t, 0)
		m.MustRun("systemctl", "restart", "sandwich-proxy")
		status("503", "/polls/", "-u", "bob:secret")
		m.Run("sandwich", "maintenance", "off", "polls").wants(t, 0, "open")
		status("200", "/polls/", "-u", "bob:secret")
	})
}
