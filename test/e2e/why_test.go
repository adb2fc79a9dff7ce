//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// prepared is a failure that is brought about in a project of its own. In the script $N is the
// project's name, $P its directory and $S the beginning of its units' names; the functions are those
// of preparing.
type prepared struct{ name, kind, how string }

const preparing = `
	wsgi() { echo "$1" >>$P/tiny/wsgi.py; systemctl restart $S.service || true; }
	settings() { echo "$1" >>$P/tiny/settings.py; systemctl restart $S.service || true; }
	urls() { printf "$1" >>$P/tiny/urls.py; systemctl restart $S.service; }
	file() { printf "$1\n" >>/etc/sandwich/projects/$N.hcl; sandwich apply $N; }
	dropin() {
		mkdir -p /etc/systemd/system/$S.service.d
		printf "[Service]\n$1\n" >/etc/systemd/system/$S.service.d/test.conf
		systemctl daemon-reload; systemctl restart $S.service || true
	}
	mask() { systemctl stop $1; ln -sf /dev/null /etc/systemd/system/$1; systemctl daemon-reload; }
`

// failing are failures of one project each; each batch is prepared and asked about together.
var failing = []prepared{
	{"import", "import-broken", `wsgi 'raise RuntimeError("no such sandwich")'`},
	{"syntax", "code-broken", `wsgi 'x = = 1'`},
	{"module", "module-missing", `wsgi 'import nosuchmodule'`},
	{"app", "app-not-found", `sed -i s/^application/other/ $P/tiny/wsgi.py; systemctl restart $S.service || true`},
	{"improper", "settings-wrong", `settings 'from django.core.exceptions import ImproperlyConfigured as I; raise I("no such sandwich")'`},
	{"key", "secret-key-missing", `settings 'import os; SECRET_KEY = os.environ["SECRET_KEY"]'`},
	{"variable", "environment-missing", `settings 'import os; MODE = os.environ["TINY_MODE"]'`},
	{"unreadable", "file-permission", `touch $P/tiny/hidden.py; chmod 600 $P/tiny/hidden.py; wsgi 'import tiny.hidden'`},
	{"unreachable", "directory-unreachable", `chown root:root $P; chmod 700 $P; systemctl restart $S.service || true`},
	{"readonly", "read-only", `wsgi 'open("/srv/readonly/x", "w")'`},
	{"refusal", "sandbox-refusal", `wsgi 'import os; os.chroot("/")'`},
	{"sigsys", "sandbox-refusal", `echo 'import os; os.chroot("/")' >>$P/tiny/wsgi.py; dropin SystemCallErrorNumber=kill`},
	{"tasks", "tasks-limit", `dropin LimitNPROC=1`},
	{"slow", "start-timeout", `echo 'import time; time.sleep(60)' >>$P/tiny/wsgi.py; dropin TimeoutStartSec=2`},
	{"loop", "crash-loop", `dropin 'ExecStart=\nExecStart=/bin/sh -c "exit 7"'`},
	{"crash", "killed", `dropin 'ExecStart=\nExecStart=/bin/sh -c "kill -SEGV $$$$"'`},
	{"python", "python-gone", `rm $P/venv/bin/python3 $P/venv/bin/python; systemctl restart $S.service || true`},
	{"user", "user-gone", `useradd --system somebody; file 'user = "somebody"'; systemctl stop $S.service; userdel -f somebody; systemctl start $S.service || true`},
	{"envfile", "env-file-missing", `touch $P.env; chmod 600 $P.env; file 'env_file = "/srv/envfile.env"'; rm $P.env; systemctl restart $S.service || true`},
	{"refused", "new-code-refused", `echo 'raise ImportError("no such sandwich")' >>$P/tiny/wsgi.py; sandwich restart $N || true`},
	{"dropin", "drop-in-broken", `dropin ExecStart=`},
	{"masked", "service-masked", `mask $S.service`},
	{"nosocket", "socket-masked", `mask $S.socket`},
	{"gone", "unit-missing", `systemctl stop $S.service; rm /etc/systemd/system/$S.service; systemctl daemon-reload`},
	{"edited", "unit-edited", `sed -i s/RestartSec=.*/RestartSec=77/ /etc/systemd/system/$S.service; systemctl daemon-reload`},
	{"stopped", "stopped", `sandwich stop $N`},
	{"waiting", "service-stopped", `systemctl stop $S.service`},
	{"removed", "socket-file-gone", `rm /run/sandwich/$N.sock`},
	{"closed", "socket-unreachable", `chown root:root /run/sandwich/$N.sock; chmod 600 /run/sandwich/$N.sock`},
	{"port", "port-taken", `file 'listen = "127.0.0.1:8001"'; sandwich stop $N
		systemd-run -q --unit=thief --service-type=notify python3 -c 'import os, socket, time; s = socket.create_server(("127.0.0.1", 8001)); n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"]); time.sleep(1000)'
		systemctl start $S.socket || true`},
	{"full", "disk-full", `mount -t tmpfs -o size=1m full $P/media`},
	{"nodatabase", "database-down", `settings 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "1", "NAME": "x"}}'`},
	{"nofile", "database-directory", `rm $P/db/db.sqlite3`},
	{"pending", "migrations-pending", `printf 'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [("tiny", "0001_initial")]\n' >$P/tiny/migrations/0002_more.py`},
	{"hosts", "allowed-hosts", `settings 'ALLOWED_HOSTS = ["other.example"]'`},
	{"page", "page-fails", `urls 'urlpatterns[:] = [path("", lambda request: 1 / 0)]\n'`},
	{"timeout", "worker-timeout", `urls 'import time\nurlpatterns.insert(0, path("slow", lambda request: time.sleep(30)))\n'; curl -s -o /dev/null -H 'Host: timeout.test' http://127.0.0.1/slow`},
	{"static", "static-unreachable", `chown root:root $P/static; chmod 700 $P/static`},
	{"needs", "need-down", `file 'needs = ["nosuch.service"]'`},
	{"unapplied", "not-applied", `echo 'environment = { A = "b" }' >>/etc/sandwich/projects/$N.hcl`},
	{"mistake", "project-file", `echo 'nosuch = 1' >>/etc/sandwich/projects/$N.hcl`},
	{"nofile2", "file-gone", `rm /etc/sandwich/projects/$N.hcl`},
	{"disabled", "not-enabled", `sandwich disable $N`},
	{"unfinished", "restart-unfinished", `systemctl start $S.next.service; busctl call io.sandwich.Proxy1 /io/sandwich/Proxy1 io.sandwich.Proxy1 Switch ss $N next`},
}

// onHost are failures of the host, and what puts each right again.
var onHost = []struct{ kind, how, repair string }{
	{"dns-elsewhere", "ip addr add 198.51.100.7/32 dev lo; sed -i 's/127.0.0.1 well/192.0.2.9 well/' /etc/hosts", "ip addr del 198.51.100.7/32 dev lo; sed -i 's/192.0.2.9 well/127.0.0.1 well/' /etc/hosts"},
	{"proxy-down", "systemctl stop sandwich-proxy.socket sandwich-proxy.service", ""},
	{"proxy-port-taken", "systemctl start nginx", "systemctl stop nginx; systemctl start sandwich-proxy.socket sandwich-proxy.service"},
	{"proxy-frozen", "kill -STOP $(systemctl show -P MainPID sandwich-proxy)", "kill -CONT $(systemctl show -P MainPID sandwich-proxy)"},
	{"journal-down", "systemctl mask --runtime systemd-journald.service; systemctl stop $(systemctl list-units --plain --no-legend 'systemd-journald*.socket' | cut -d' ' -f1) systemd-journald.service", "systemctl unmask --runtime systemd-journald.service; systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"},
}

func TestWhyNamesCauseAndRemedy(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("tiny", "tiny")
		m.As("tiny", "sh", "-ec", "cd /srv/tiny; ./manage.py migrate -v0; python3 -m venv --without-pip --system-site-packages venv").wants(t, 0)
		begun := time.Now()
		for batch := range slices.Chunk(failing, 8) {
			m.prepare(t, batch)
			m.wantCauses(t, batch)
			m.Shell("sandwich stop " + names(batch) + " || true")
		}
		t.Logf("%d failures in %.0f s", len(failing), time.Since(begun).Seconds())
		well := []prepared{{"well", "", ":"}}
		m.prepare(t, well)
		m.wantCauses(t, well)
		for _, failure := range onHost {
			m.Shell(failure.how)
			m.wantCauses(t, []prepared{{"well", failure.kind, ""}})
			m.Shell(failure.repair)
		}
		m.wantCauses(t, well)
		if r := m.As("nobody", "sandwich", "why", "well"); r.Code != 0 || !strings.Contains(r.Stdout, "only root can") {
			t.Errorf("without root it exits with %d and says:\n%s%s", r.Code, r.Stdout, r.Stderr)
		}
	})
}

func names(batch []prepared) string {
	var list []string
	for _, p := range batch {
		list = append(list, p.name)
	}
	return strings.Join(list, " ")
}

// prepare makes projects out of the tiny one, enables all of them and breaks each.
func (m *Machine) prepare(t *testing.T, batch []prepared) {
	t.Helper()
	for _, p := range batch {
		m.Shell(fmt.Sprintf(`cp -a /srv/tiny /srv/%[1]s; echo '127.0.0.1 %[1]s.test' >>/etc/hosts
			printf 'root    = "/srv/%[1]s"\ndomains = ["%[1]s.test"]\ngunicorn {\n  workers = 1\n  timeout = "2s"\n}\n' >/etc/sandwich/projects/%[1]s.hcl`, p.name))
	}
	m.Shell("sandwich enable " + names(batch))
	var script strings.Builder
	for _, p := range batch {
		fmt.Fprintf(&script, "(N=%[1]s; P=/srv/%[1]s; S=sandwich-%[1]s\n%[2]s\n) &\n", p.name, p.how)
	}
	m.Shell(preparing + script.String() + "wait")
}

// cause is one that "sandwich why --json" gives.
type cause struct {
	Kind, Cause, Remedy string
	Next                []string
}

// wantCauses fails the test unless the first cause of each becomes the one that was prepared. What
// systemd has been asked to do may take a moment.
func (m *Machine) wantCauses(t *testing.T, batch []prepared) {
	t.Helper()
	said := map[string][]cause{}
	wrong := func(p prepared) bool {
		causes := said[p.name]
		return len(causes) == 0 && p.kind != "" || len(causes) > 0 && causes[0].Kind != p.kind
	}
	for deadline := time.Now().Add(120 * time.Second); ; {
		said = m.why(t, names(batch))
		if !slices.ContainsFunc(batch, wrong) {
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	for _, p := range batch {
		if wrong(p) {
			t.Errorf("%s: it does not say %q first, but %+v", p.name, p.kind, said[p.name])
		}
	}
}

func (m *Machine) why(t *testing.T, names string) map[string][]cause {
	t.Helper()
	r := m.Run(append([]string{"sandwich", "why", "--json"}, strings.Fields(names)...)...)
	var answer struct {
		Why []struct {
			Name   string
			Causes []cause
		}
	}
	if err := json.Unmarshal([]byte(r.Stdout), &answer); err != nil || r.Code != 0 {
		t.Fatalf("why exits with %d and says %v:\n%s%s", r.Code, err, r.Stdout, r.Stderr)
	}
	said := map[string][]cause{}
	for _, one := range answer.Why {
		said[one.Name] = one.Causes
	}
	return said
}
