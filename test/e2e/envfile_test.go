//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// dotenv is the env_file of the project "own", written as systemd's users write them.
const dotenv = `# the secrets of this site
TOKEN="canary of own"
; another comment
SINGLE='say "it" $HOME'
LONG=one \
  two
`

// ownSecrets has every kind of process of a project say its token. The file with it is the project's own.
const ownSecrets = `root     = "/srv/own"
domains  = ["own.test"]
env_file = "/srv/own/.env"
gunicorn {
  workers = 1
}
worker "w" {
  command = ["sh", "-c", "echo worker $TOKEN >media/worker; exec sleep 100000"]
}
timer "t" {
  command  = ["sh", "-c", "echo timer $TOKEN >media/timer; cat /proc/self/limits >media/limits"]
  schedule = "daily"
}
release {
  steps = [["sh", "-c", "echo step $TOKEN >media/step"]]
}
`

// TestAnEnvFileMayLieInTheProject shows that a project's own .env works everywhere, and that a
// project cannot have systemd read it anything else that way.
func TestAnEnvFileMayLieInTheProject(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("tiny", "own")
		m.Write("/srv/own/tiny/urls.py", m.MustRun("cat", "/srv/own/tiny/urls.py")+`
import json, os
urlpatterns += [path("env", lambda request: HttpResponse(json.dumps([os.environ.get(n) for n in ("TOKEN", "SINGLE", "LONG")])))]
`)
		m.writeEnv(dotenv)
		m.Write("/etc/sandwich/projects/own.hcl", ownSecrets)
		m.As("own", "sh", "-ec", "cd /srv/own; ./manage.py migrate -v0").wants(t, 0)
		m.Run("sandwich", "enable", "own").wants(t, 0)
		m.allHaveTheToken(t)
		m.noCopyIsSeen(t)
		m.noCoreIsLeft(t)
		m.rootsFilesStayRoots(t)
		m.itWorksAgain(t)
	})
}

// writeEnv makes the .env anew, as the project's user.
func (m *Machine) writeEnv(content string) {
	m.t.Helper()
	m.Write("/srv/own/.env.new", content)
	m.Shell("cd /srv/own; chown own: .env.new; chmod 600 .env.new; rm -f .env; mv .env.new .env")
}

func (m *Machine) allHaveTheToken(t *testing.T) {
	t.Helper()
	const token = "canary of own"
	if got := m.Get("own.test", "/env").Body; got != `["canary of own", "say \"it\" $HOME", "one   two"]` {
		t.Errorf("the site has %s", got)
	}
	m.MustRun("systemctl", "start", "sandwich-own.t.service")
	m.Run("sandwich", "deploy", "own").wants(t, 0)
	for _, kind := range []string{"worker", "timer", "step"} {
		if got := strings.TrimSpace(m.MustRun("cat", "/srv/own/media/"+kind)); got != kind+" "+token {
			t.Errorf("%s has %q", kind, got)
		}
	}
	m.Run("sandwich", "manage", "own", "shell", "-c", `import os; print(os.environ["TOKEN"])`).wants(t, 0, token)
	m.Run("sandwich", "run", "own", "--", "sh", "-c", "echo $TOKEN").wants(t, 0, token)
	m.writeEnv(strings.ReplaceAll(dotenv, token, "another"))
	m.Run("sandwich", "run", "own", "--", "sh", "-c", "echo $TOKEN").wants(t, 0, "another")
	m.Run("sandwich", "restart", "own").wants(t, 0)
	if got := m.Get("own.test", "/env").Body; !strings.Contains(got, `"another"`) {
		t.Errorf("restarted, the site has %s", got)
	}
	// Root may have written it, and closed it to the project's user.
	m.writeEnv(dotenv)
	m.Shell("chown root:root /srv/own/.env; chmod 600 /srv/own/.env")
	m.Run("sandwich", "restart", "own").wants(t, 0)
	if got := m.Get("own.test", "/env").Body; !strings.Contains(got, token) {
		t.Errorf("with a file of root's the site has %s", got)
	}
	m.writeEnv(dotenv)
}

// noCopyIsSeen looks for the token where others may look.
func (m *Machine) noCopyIsSeen(t *testing.T) {
	t.Helper()
	if mode := strings.TrimSpace(m.MustRun("stat", "-c", "%U %a", "/run/sandwich/own.env")); mode != "root 600" {
		t.Errorf("the copy is %s", mode)
	}
	for _, where := range []string{
		"cat /etc/systemd/system/sandwich-own*", "cat /var/lib/sandwich/routes/own.json", "journalctl -b -o export --no-pager",
		"systemctl show 'sandwich-own*' --all", "ps axww -o args", "cat /proc/[0-9]*/cmdline", "sandwich status --json own; sandwich plan --json own",
	} {
		if out := m.Run("sh", "-c", where); strings.Contains(out.Stdout+out.Stderr, "canary") {
			t.Errorf("%s tells the token", where)
		}
	}
	for _, user := range []string{"own", "nobody"} {
		if r := m.As(user, "cat", "/run/sandwich/own.env"); r.Code == 0 {
			t.Errorf("%s may read the copy", user)
		}
	}
	if left := m.MustRun("sh", "-c", "ls -A /run/sandwich | grep -v -e sock -e '^own.env$' || true"); strings.Contains(left, ".env") {
		t.Errorf("copies were left behind: %s", left)
	}
}

// noCoreIsLeft has processes crash that have secrets. A core would be in the directory they are in.
func (m *Machine) noCoreIsLeft(t *testing.T) {
	t.Helper()
	limits := m.MustRun("cat", "/srv/own/media/limits")
	for _, unit := range []string{"sandwich-own.service", "sandwich-own.w@1.service", "sandwich-proxy.service"} {
		// All of its processes: gunicorn's workers, too.
		limits += m.MustRun("sh", "-c", "cat $(sed 's|.*|/proc/&/limits|' /sys/fs/cgroup$(systemctl show -P ControlGroup "+unit+")/cgroup.procs)")
	}
	if all, none := strings.Count(limits, "Max core file size"), strings.Count(limits, "Max core file size        0                    0  "); all < 5 || all != none {
		t.Errorf("%d of %d processes leave no core", none, all)
	}
	crash := func(command ...string) bool {
		m.Run(append(command, "sh", "-c", "ulimit -c unlimited; cd /srv/own/media && kill -SEGV $$")...)
		return m.Run("sh", "-c", "rm /srv/own/media/core*").Code == 0
	}
	if crash("sandwich", "run", "own", "--") {
		t.Error("a process of the project leaves a core")
	}
	if pattern := strings.TrimSpace(m.MustRun("cat", "/proc/sys/kernel/core_pattern")); pattern == "core" && !crash() {
		t.Error("nothing leaves a core here: that proves nothing")
	}
}

// rootsFilesStayRoots has the project put, in the place of its .env, a link to what only root reads.
func (m *Machine) rootsFilesStayRoots(t *testing.T) {
	t.Helper()
	m.Write("/root/secret.env", "TOKEN=stolen\nSINGLE=stolen\n")
	m.MustRun("chmod", "600", "/root/secret.env")
	m.As("own", "sh", "-ec", "rm -f /srv/own/.env; ln -s /root/secret.env /srv/own/.env").wants(t, 0)
	const says = "cannot read env_file /srv/own/.env as own: Permission denied"
	m.Run("sandwich", "check", "own").wants(t, 5, "cannot read its env_file", "such as /etc/sandwich")
	m.Run("sandwich", "restart", "own").wants(t, 1, says)
	if got := m.Get("own.test", "/env").Body; !strings.Contains(got, "canary of own") {
		t.Errorf("after a restart that was refused the site has %s", got)
	}
	m.Run("sandwich", "run", "own", "--", "env").wants(t, 1, says)
	m.Run("sandwich", "manage", "own", "check").wants(t, 1, says)
	if r := m.Run("sandwich", "deploy", "own"); r.Code == 0 {
		t.Error("a deploy goes on without its secrets")
	}
	for _, unit := range []string{"sandwich-own.t.service", "sandwich-own.release.service", "sandwich-own.release.gate.service", "sandwich-own.next.service"} {
		if r := m.Run("systemctl", "start", unit); r.Code == 0 {
			t.Errorf("%s starts without its secrets", unit)
		}
		m.Run("systemctl", "stop", unit, "sandwich-own.next.socket")
	}
	m.Run("systemctl", "restart", "sandwich-own.w@1.service", "sandwich-own.service").wants(t, 1)
	m.Run("sandwich", "why", "own").wants(t, 0, "its env_file cannot be read", "/srv/own/.env as own: Permission denied")
	for _, where := range []string{"cat /srv/own/media/*", "cat /run/sandwich/*.env", "cat /proc/[0-9]*/environ", "journalctl -b -o export --no-pager"} {
		if out := m.Run("sh", "-c", where); strings.Contains(out.Stdout, "stolen") {
			t.Errorf("%s shows what only root may read", where)
		}
	}
	// systemd itself opens no pipe: PID 1 would wait for somebody to write to it.
	m.As("own", "sh", "-ec", "rm /srv/own/.env; mkfifo /srv/own/.env").wants(t, 0)
	m.MustRun("systemctl", "--no-block", "restart", "sandwich-own.service")
	m.Run("sandwich", "run", "own", "--", "env").wants(t, 1, "nothing came of it")
}

// itWorksAgain repairs it, nothing else being done, and takes the project away.
func (m *Machine) itWorksAgain(t *testing.T) {
	t.Helper()
	m.writeEnv(dotenv)
	m.Run("sandwich", "start", "own").wants(t, 0)
	if got := m.Get("own.test", "/env").Body; !strings.Contains(got, "canary of own") {
		t.Errorf("repaired, the site has %s", got)
	}
	m.Run("sandwich", "why", "own").wants(t, 0)
	m.Run("sandwich", "disable", "own").wants(t, 0)
	if m.Has("/run/sandwich/*own*") {
		t.Error("a project that is disabled leaves something in /run/sandwich")
	}
	file := "/etc/sandwich/projects/own.hcl"
	m.Write(file, m.MustRun("cat", file)+fmt.Sprintf("credentials = { token = %q }\n", "/srv/own/.env"))
	m.Run("sandwich", "enable", "own").wants(t, 5, "Not only root chooses what systemd reads", "/etc/sandwich/secrets")
}
