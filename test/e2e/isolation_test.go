//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestProjectsKeepToThemselves(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Write("/etc/sandwich/b.env", "API_KEY=canary-env-file\n")
		m.Write("/etc/sandwich/secrets/b", "canary-credential")
		m.MustRun("chmod", "0600", "/etc/sandwich/b.env", "/etc/sandwich/secrets/b")
		m.Enable("shop", "b", `env_file = "/etc/sandwich/b.env"`, `credentials = { token = "/etc/sandwich/secrets/b" }`,
			`environment = { PLAIN = "canary-environment" }`)
		m.Enable("polls", "a")
		m.neighboursAreHidden()
		m.secretsStayInside()
		m.socketsAreTheProxys()
		m.whatIsPermittedIsSeen()
	})
}

// neighboursAreHidden looks from inside project a, whose sandbox "sandwich run" has, for what is b's.
// Every file below /srv/b is readable by everybody outside of the sandbox.
func (m *Machine) neighboursAreHidden() {
	m.t.Helper()
	m.MustRun("chmod", "-R", "a+rX", "/srv/b")
	for _, path := range []string{
		"/srv/b", "/srv/b/manage.py", "/srv/a/../b/manage.py", "/var/www", "/etc/sandwich", "/etc/sandwich/b.env", "/etc/sandwich/projects",
		"/run/sandwich/b.sock", "/run/sandwich", "/var/lib/sandwich/routes", "/run/credentials/sandwich-b.service/token", "/var/log/sandwich",
	} {
		if r := m.Run("sandwich", "run", "a", "--", "sh", "-c", "cat "+path+" 2>/dev/null || ls "+path); r.Code == 0 && strings.TrimSpace(r.Stdout) != "" {
			m.t.Errorf("project a sees %s:\n%s", path, r.Stdout)
		}
	}
	b := strings.TrimSpace(m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-b.service"))
	for _, command := range []string{"ls /proc/" + b, "kill -0 " + b, "cat /proc/" + b + "/environ", "touch /srv/a/manage.py", "echo x >/etc/x", "cat /etc/shadow"} {
		if r := m.Run("sandwich", "run", "a", "--", "sh", "-c", command); r.Code == 0 {
			m.t.Errorf("project a can %s:\n%s", command, r.Stdout)
		}
	}
	if r := m.Run("sandwich", "run", "a", "--", "sh", "-c", "cat manage.py && touch db/ok && rm db/ok"); r.Code != 0 {
		m.t.Errorf("project a cannot use its own files: %s", r.Stderr)
	}
}

// secretsStayInside searches for secrets where everybody, or another project's user, may look.
func (m *Machine) secretsStayInside() {
	m.t.Helper()
	if r := m.Run("sandwich", "run", "b", "--", "sh", "-c", `echo $API_KEY; cat $CREDENTIALS_DIRECTORY/token`); !strings.Contains(r.Stdout, "canary-env-file") || !strings.Contains(r.Stdout, "canary-credential") {
		m.t.Errorf("project b does not get its secrets: %+v", r)
	}
	m.Run("sandwich", "status", "b")
	for _, where := range []string{
		"cat /etc/systemd/system/sandwich-b*", "cat /var/lib/sandwich/routes/b.json", "journalctl -b -o export --no-pager",
		"systemctl show 'sandwich-b*' --all", "systemctl cat sandwich-b.service", "ps axww -o args", "cat /proc/[0-9]*/cmdline",
		"sandwich status --json b", "sandwich plan --json b", "sandwich check --json b", "busctl tree io.sandwich.Proxy1; sandwich proxy status --json",
		"busctl call io.sandwich.Proxy1 /io/sandwich/Proxy1 io.sandwich.Proxy1 Status", "cat /proc/$(systemctl show -P MainPID sandwich-proxy)/environ",
	} {
		out := m.Run("sh", "-c", where)
		for _, canary := range []string{"canary-env-file", "canary-credential"} {
			if strings.Contains(out.Stdout+out.Stderr, canary) {
				m.t.Errorf("%s tells %s", where, canary)
			}
		}
	}
	for _, where := range []string{"ps axeww", "cat /proc/[0-9]*/environ", "cat /etc/sandwich/b.env /etc/sandwich/secrets/b", "cat /run/credentials/*/*"} {
		for _, user := range []string{"a", "nobody"} {
			if r := m.As(user, "sh", "-c", where); strings.Contains(r.Stdout, "canary-") {
				m.t.Errorf("as %s, %s tells a secret", user, where)
			}
		}
	}
}

// socketsAreTheProxys knocks at b's socket as others.
func (m *Machine) socketsAreTheProxys() {
	m.t.Helper()
	for _, user := range []string{"a", "nobody"} {
		if r := m.As(user, "curl", "-s", "--max-time", "5", "--unix-socket", "/run/sandwich/b.sock", "http://b.example/"); r.Code == 0 {
			m.t.Errorf("%s may connect to b's socket", user)
		}
		for _, method := range []string{"Apply s b", "Forget s b", "Hold sd b 5", "Release s b", "Switch ss b next", "Drain sd b 5"} {
			call := "busctl call io.sandwich.Proxy1 /io/sandwich/Proxy1 io.sandwich.Proxy1 " + method
			if r := m.As(user, "sh", "-c", call); r.Code == 0 || !strings.Contains(r.Stderr, "ccess denied") {
				m.t.Errorf("%s: %s: %+v", user, method, r)
			}
		}
		if r := m.As(user, "busctl", "call", "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName", "su", "io.sandwich.Proxy1", "0"); r.Code == 0 {
			m.t.Errorf("%s may take the proxy's name", user)
		}
		for _, verb := range []string{"stop", "restart", "kill"} {
			if r := m.As(user, "systemctl", "--no-ask-password", verb, "sandwich-b.service"); r.Code == 0 {
				m.t.Errorf("%s may %s b", user, verb)
			}
		}
	}
}

func (m *Machine) whatIsPermittedIsSeen() {
	m.t.Helper()
	file := "/etc/sandwich/projects/a.hcl"
	m.Write(file, m.MustRun("cat", file)+fmt.Sprintf("permit = [%q]\n", "neighbours"))
	m.MustRun("sandwich", "apply", "a")
	if r := m.Run("sandwich", "run", "a", "--", "cat", "/srv/b/manage.py"); r.Code != 0 {
		m.t.Errorf("with permit = [\"neighbours\"] a still sees no neighbours: %s", r.Stderr)
	}
}

// needed is what Django projects do beside answering requests, as a script of the project "a".
const needed = `
import io, smtplib, subprocess, threading, multiprocessing.pool
import numpy, PIL.Image, psycopg2
assert (numpy.ones((300, 300)) @ numpy.ones((300, 300)))[0][0] == 300
picture = io.BytesIO()
PIL.Image.new("RGB", (640, 480), "red").resize((64, 48)).save(picture, "PNG")
assert PIL.Image.open(picture).size == (64, 48)
for where in [{}, {"host": "127.0.0.1", "password": "of-a"}]:
    connection = psycopg2.connect(dbname="a", user="a", **where)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS t (n int); INSERT INTO t VALUES (1); SELECT count(*) FROM t")
        assert cursor.fetchone()[0] >= 1
with smtplib.SMTP("127.0.0.1", 2525, timeout=10) as mail:
    mail.sendmail("a@a.example", ["b@b.example"], "Subject: hello\n\nhello")
assert subprocess.run(["sh", "-c", "echo out"], capture_output=True).stdout == b"out\n"
assert multiprocessing.pool.ThreadPool(4).map(abs, [-1] * 8) == [1] * 8
with multiprocessing.Pool(2) as pool: assert pool.map(abs, [-1, 2]) == [1, 2]
print("all of it works")
`

// post is a mail server for one mail.
const post = `
import socket
def serve(c):
    c.sendall(b"220 post\r\n")
    for line in c.makefile("rb"):
        verb = line[:4].upper()
        if verb == b"DATA": c.sendall(b"354 go on\r\n")
        elif verb == b"QUIT": c.sendall(b"221 bye\r\n"); return
        elif line == b".\r\n" or verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT"): c.sendall(b"250 ok\r\n")
server = socket.create_server(("127.0.0.1", 2525))
while True: serve(server.accept()[0])
`

func TestTheSandboxIsNoHindrance(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Write("/root/post.py", post)
		m.Shell(`systemctl start postgresql; systemd-run -q --unit=post python3 /root/post.py
			runuser -u postgres -- psql -qc "CREATE USER a PASSWORD 'of-a'" -c "CREATE DATABASE a OWNER a"`)
		m.Enable("polls", "a", `needs = ["postgresql.service"]`, limited, "worker \"w\" {\n  command = [\"sleep\", \"100000\"]\n}")
		m.limitsAreTheSlices(t)
		m.Write("/srv/a/needed.py", needed)
		score := map[string]float64{}
		for _, level := range []string{"default", "strict"} {
			file := "/etc/sandwich/projects/a.hcl"
			m.Write(file, m.MustRun("sed", "/^hardening/d", file)+fmt.Sprintf("hardening = %q\n", level))
			m.MustRun("sandwich", "apply", "a")
			m.Run("sandwich", "run", "a", "--", "python3", "needed.py").wants(t, 0, "all of it works")
			score[level] = exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-a.service"))
			score["worker, "+level] = exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-a.w@1.service"))
		}
		score["proxy"] = exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-proxy.service"))
		t.Logf("%s: systemd-analyze security: %v", m.Suite, score)
		if score["default"] > 1.5 || score["worker, default"] > 1.5 || score["proxy"] > 2 || score["strict"] >= score["default"] {
			t.Errorf("systemd-analyze security: %v", score)
		}
	})
}

const limited = `limits {
  memory      = "500M"
  memory_high = "400M"
  cpu         = "150%"
  tasks       = 200
  io_write    = "20M"
}`

// limitsAreTheSlices: there are no controllers in these machines, so the properties are looked at; test/vm
// shows what they do.
func (m *Machine) limitsAreTheSlices(t *testing.T) {
	t.Helper()
	for property, want := range map[string]string{
		"MemoryMax": "524288000", "MemoryHigh": "419430400", "CPUQuotaPerSecUSec": "1.500000s", "TasksMax": "200", "CPUWeight": "100", "IOWeight": "100",
		"IOWriteBandwidthMax": "/srv/a 20000000",
	} {
		if got := m.property("sandwich-a.slice", property); got != want {
			t.Errorf("%s of the slice is %q, want %q", property, got, want)
		}
	}
	for _, unit := range []string{"sandwich-a.service", "sandwich-a.next.service", "sandwich-a.release.gate.service"} {
		if slice := m.property(unit, "Slice"); slice != "sandwich-a.slice" {
			t.Errorf("%s is in %s", unit, slice)
		}
	}
}
