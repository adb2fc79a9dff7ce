//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
	"time"
)

// broken is a prepared failure: how to bring it about, what "sandwich why" must call it, and what
// puts right what restoring the project and enabling it again does not.
type broken struct{ kind, how, repair string }

// wsgi appends a line to the application's module and restarts the service.
func wsgi(code string) string {
	return "echo '" + code + "' >>/srv/polls/mysite/wsgi.py; systemctl restart sandwich-polls.service || true"
}

// settings appends a line to the settings and restarts the service.
func settings(code string) string {
	return "echo '" + code + "' >>/srv/polls/mysite/settings.py; systemctl restart sandwich-polls.service || true"
}

// dropIn extends the service and restarts it.
func dropIn(lines string) string {
	return `mkdir -p /etc/systemd/system/sandwich-polls.service.d
		printf '[Service]\n` + lines + `\n' >/etc/systemd/system/sandwich-polls.service.d/test.conf
		systemctl daemon-reload; systemctl restart --no-block sandwich-polls.service`
}

const noDropIn = "rm -r /etc/systemd/system/sandwich-polls.service.d; systemctl daemon-reload; systemctl stop sandwich-polls.service"

// file appends a line to the project file and applies it.
func file(line string) string {
	return "echo '" + line + "' >>/etc/sandwich/projects/polls.hcl; sandwich apply polls"
}

const (
	startProxy = "systemctl start sandwich-proxy.socket sandwich-proxy.service"
	stopProxy  = "systemctl stop sandwich-proxy.socket sandwich-proxy.service"
)

var prepared = map[string]broken{
	"broken import":           {"import-broken", wsgi(`raise RuntimeError("no such sandwich")`), ""},
	"syntax error":            {"code-broken", wsgi(`x = = 1`), ""},
	"missing module":          {"module-missing", wsgi(`import nosuchmodule`), ""},
	"wrong app":               {"app-not-found", "sed -i s/application/other/ /srv/polls/mysite/wsgi.py; systemctl restart sandwich-polls.service || true", ""},
	"settings not right":      {"settings-wrong", settings(`DATABASES = {"default": {"ENGINE": "nosuch"}}`), ""},
	"no SECRET_KEY":           {"secret-key-missing", settings(`import os; SECRET_KEY = os.environ["SECRET_KEY"]`), ""},
	"no variable":             {"environment-missing", settings(`import os; MODE = os.environ["POLLS_MODE"]`), ""},
	"unreadable code":         {"file-permission", "chown root /srv/polls/mysite/urls.py; chmod 600 /srv/polls/mysite/urls.py; echo 'import mysite.urls' >>/srv/polls/mysite/wsgi.py; systemctl restart sandwich-polls.service || true", ""},
	"unreachable code":        {"directory-unreachable", "chown root:root /srv/polls; chmod 700 /srv/polls; systemctl restart sandwich-polls.service || true", ""},
	"read-only place":         {"read-only", wsgi(`open("/srv/polls/x", "w")`), ""},
	"sandbox refuses":         {"sandbox-refusal", wsgi(`import os; os.chroot("/")`), ""},
	"sandbox kills":           {"sandbox-refusal", "echo 'import os; os.chroot(\"/\")' >>/srv/polls/mysite/wsgi.py;" + dropIn(`SystemCallErrorNumber=kill`), noDropIn},
	"no more processes":       {"tasks-limit", dropIn(`LimitNPROC=1`), noDropIn},
	"slow import":             {"start-timeout", "echo 'import time; time.sleep(60)' >>/srv/polls/mysite/wsgi.py;" + dropIn(`TimeoutStartSec=2`), noDropIn},
	"crash loop":              {"crash-loop", dropIn(`ExecStart=\nExecStart=/bin/sh -c "exit 7"`), noDropIn},
	"segmentation fault":      {"killed", dropIn(`ExecStart=\nExecStart=/bin/sh -c "kill -SEGV \$\$\$\$"`), noDropIn},
	"python gone":             {"python-gone", "mv /srv/polls/venv/bin /srv/polls/venv/away; systemctl restart sandwich-polls.service || true", "rm -r /srv/polls/venv/away"},
	"user gone":               {"user-gone", "id -u polls >/root/uid; systemctl stop sandwich-polls.service; userdel -f polls; systemctl start sandwich-polls.service || true", "useradd --system --user-group --uid $(cat /root/uid) polls"},
	"env_file gone":           {"env-file-missing", "touch /etc/polls.env; chmod 600 /etc/polls.env;" + file(`env_file = "/etc/polls.env"`) + "; rm /etc/polls.env; systemctl restart sandwich-polls.service || true", ""},
	"new code refused":        {"new-code-refused", "echo 'raise ImportError(\"no such sandwich\")' >>/srv/polls/polls/views.py; sed -i 's/^application.*/&\\nimport polls.views/' /srv/polls/mysite/wsgi.py; sandwich restart polls || true", ""},
	"drop-in broken":          {"drop-in-broken", "mkdir -p /etc/systemd/system/sandwich-polls.service.d; printf '[Service]\\nExecStart=\\n' >/etc/systemd/system/sandwich-polls.service.d/test.conf; systemctl daemon-reload", noDropIn},
	"service masked":          {"service-masked", "systemctl stop sandwich-polls.service; ln -sf /dev/null /etc/systemd/system/sandwich-polls.service; systemctl daemon-reload", "rm /etc/systemd/system/sandwich-polls.service"},
	"socket masked":           {"socket-masked", "systemctl stop sandwich-polls.socket; ln -sf /dev/null /etc/systemd/system/sandwich-polls.socket; systemctl daemon-reload", "rm /etc/systemd/system/sandwich-polls.socket"},
	"unit gone":               {"unit-missing", "systemctl stop sandwich-polls.service; rm /etc/systemd/system/sandwich-polls.service; systemctl daemon-reload", ""},
	"unit edited":             {"unit-edited", "sed -i s/RestartSec=.*/RestartSec=77/ /etc/systemd/system/sandwich-polls.service; systemctl daemon-reload", ""},
	"stopped":                 {"stopped", "sandwich stop polls", ""},
	"service stopped":         {"service-stopped", "systemctl stop sandwich-polls.service", ""},
	"socket file gone":        {"socket-file-gone", "rm /run/sandwich/polls.sock", "sandwich restart polls"},
	"socket of somebody else": {"socket-unreachable", "chown root:root /run/sandwich/polls.sock; chmod 600 /run/sandwich/polls.sock", "systemctl stop sandwich-polls.socket"},
	"port taken": {"port-taken", file(`listen = "127.0.0.1:8001"`) + `
		sandwich stop polls; systemd-run -q --unit=thief python3 -m http.server 8001
		until curl -s -o /dev/null http://127.0.0.1:8001/; do :; done
		systemctl start sandwich-polls.socket || true`, "systemctl stop thief; systemctl reset-failed; systemctl stop sandwich-polls.socket"},
	"disk full":              {"disk-full", "mount -t tmpfs -o size=1m full /srv/polls/media", "umount /srv/polls/media"},
	"database down":          {"database-down", settings(`DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": "1", "NAME": "x"}}`), ""},
	"database file gone":     {"database-directory", "mv /srv/polls/db/db.sqlite3 /root", ""},
	"migrations pending":     {"migrations-pending", "printf 'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [(\"polls\", \"0001_initial\")]\n' >/srv/polls/polls/migrations/0002_more.py", "rm /srv/polls/polls/migrations/0002_more.py"},
	"wrong ALLOWED_HOSTS":    {"allowed-hosts", settings(`ALLOWED_HOSTS = ["other.example"]`), ""},
	"page fails":             {"page-fails", "echo 'import mysite.views' >/dev/null; printf 'def fail(request):\n    raise ValueError(\"no such sandwich\")\nurlpatterns.insert(0, path(\"\", fail))\n' >>/srv/polls/mysite/urls.py; systemctl restart sandwich-polls.service", ""},
	"worker timeout":         {"worker-timeout", "printf 'def slow(request):\n    import time; time.sleep(30)\nurlpatterns.insert(0, path(\"slow\", slow))\n' >>/srv/polls/mysite/urls.py;" + file("gunicorn {\n  timeout = \"1s\"\n}") + "; curl -s -o /dev/null -H 'Host: polls.example' http://127.0.0.1/slow", ""},
	"static files forbidden": {"static-unreachable", "chown root:root /srv/polls/static; chmod 700 /srv/polls/static", ""},
	"need down":              {"need-down", file(`needs = ["nosuch.service"]`), ""},
	"name leads elsewhere":   {"dns-elsewhere", "ip addr add 198.51.100.7/32 dev lo; sed -i 's/127.0.0.1 polls/192.0.2.9 polls/' /etc/hosts", "ip addr del 198.51.100.7/32 dev lo; sed -i 's/192.0.2.9 polls/127.0.0.1 polls/' /etc/hosts"},
	"name leads nowhere":     {"dns-missing", "sed -i 's/127.0.0.1 polls/#127.0.0.1 polls/' /etc/hosts", "sed -i 's/#127.0.0.1 polls/127.0.0.1 polls/' /etc/hosts"},
	"proxy down":             {"proxy-down", stopProxy, startProxy},
	"proxy's port taken":     {"proxy-port-taken", stopProxy + "; systemctl start nginx", "systemctl stop nginx;" + startProxy},
	"proxy frozen":           {"proxy-frozen", "kill -STOP $(systemctl show -P MainPID sandwich-proxy)", "kill -CONT $(systemctl show -P MainPID sandwich-proxy)"},
	"restart unfinished":     {"restart-unfinished", "systemctl start sandwich-polls.next.service; busctl call io.sandwich.Proxy1 /io/sandwich/Proxy1 io.sandwich.Proxy1 Switch ss polls next", "sandwich restart polls"},
	"not applied":            {"not-applied", "printf 'gunicorn {\n  workers = 3\n}\n' >>/etc/sandwich/projects/polls.hcl", ""},
	"mistake in the file":    {"project-file", "echo 'nosuch = 1' >>/etc/sandwich/projects/polls.hcl", ""},
	"file gone":              {"file-gone", "rm /etc/sandwich/projects/polls.hcl", ""},
	"not enabled":            {"not-enabled", "sandwich disable polls", ""},
	"journald gone":          {"journal-down", "systemctl mask --runtime systemd-journald.service; systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald.service", "systemctl unmask --runtime systemd-journald.service; systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald.service"},
}

// why is what "sandwich why" says of polls.
func why(t *testing.T, m *Machine) (causes []struct{ Kind, Cause, Remedy string }, text string) {
	t.Helper()
	r := m.Run("sandwich", "why", "polls", "--json")
	var said struct {
		Why []struct {
			Causes []struct{ Kind, Cause, Remedy string }
		}
	}
	if err := json.Unmarshal([]byte(r.Stdout), &said); err != nil || r.Code != 0 || len(said.Why) != 1 {
		t.Fatalf("why exits with %d and says %v:\n%s%s", r.Code, err, r.Stdout, r.Stderr)
	}
	return said.Why[0].Causes, r.Stdout
}

func TestWhyNamesCauseAndRemedy(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Shell("echo '127.0.0.1 polls.example www.polls.example' >>/etc/hosts")
		m.AddProject("polls", "polls")
		m.Shell("python3 -m venv --without-pip --system-site-packages /srv/polls/venv; sandwich init /srv/polls")
		m.Shell("sandwich enable polls; tar -C /srv -cpf /root/polls.tar polls; cp /etc/sandwich/projects/polls.hcl /root")
		if causes, text := why(t, m); len(causes) > 0 {
			t.Errorf("of a project that is well it says:\n%s", text)
		}
		for name, failure := range prepared {
			t.Run(name, func(t *testing.T) {
				began := time.Now()
				m.Shell(failure.how)
				causes, text := why(t, m)
				for deadline := time.Now().Add(20 * time.Second); (len(causes) == 0 || causes[0].Kind != failure.kind) && time.Now().Before(deadline); {
					causes, text = why(t, m)
				}
				if len(causes) == 0 || causes[0].Kind != failure.kind {
					t.Errorf("it does not say %s but:\n%s", failure.kind, text)
				}
				m.Shell("set +e\n" + failure.repair + "\nset -e\nrm -rf /srv/polls/mysite /srv/polls/polls /srv/polls/venv; tar -C /srv -xpf /root/polls.tar; cp /root/polls.hcl /etc/sandwich/projects; systemctl daemon-reload; sandwich enable polls")
				t.Logf("%s: %.1f s", name, time.Since(began).Seconds())
			})
		}
		if causes, text := why(t, m); len(causes) > 0 {
			t.Errorf("after everything was repaired it says:\n%s", text)
		}
	})
}
