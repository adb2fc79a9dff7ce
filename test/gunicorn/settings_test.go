//go:build e2e

package gunicorn

import (
	"path"
	"strings"
	"testing"

	"sandwich/units"
	"sandwich/units/project"
)

// ownSettings is a project's gunicorn.conf.py with every hook that sandwich's settings file has too.
const ownSettings = `
import os

workers = 3
graceful_timeout = 7
keepalive = 75
daemon = True
raw_env = ["FROM_OWN_SETTINGS=" + os.path.basename(__file__)]

def pre_fork(server, worker):
    server.log.info("own pre_fork")

def post_fork(server, worker):
    server.log.info("own post_fork")

def post_worker_init(worker):
    worker.log.info("own post_worker_init")

def worker_exit(server, worker):
    server.log.info("own worker_exit")

def when_ready(server):
    server.log.info("own when_ready")
`

func installWithOwnSettings(t *testing.T, m machine) site {
	t.Helper()
	s := install(t, m, "own", func(p *project.Project) { p.Gunicorn.Config = path.Join(p.Dir, "gunicorn.conf.py") })
	if err := m.write(s.Gunicorn.Config, ownSettings); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestProjectsOwnSettingsAndHooksCount(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := installWithOwnSettings(t, m)
		s.start(t)
		if status := s.property(t, units.Service(s.Name), "StatusText"); !strings.HasPrefix(status, "3 of 3 workers") {
			t.Errorf("status is %q", status)
		}
		if got := s.process(t).Environment["FROM_OWN_SETTINGS"]; got != "gunicorn.conf.py" {
			t.Errorf("raw_env gave %q", got)
		}
		s.run(t, "systemctl", "stop", units.Service(s.Name))
		journal := s.journal(t)
		for _, hook := range []string{"pre_fork", "post_fork", "post_worker_init", "worker_exit", "when_ready"} {
			if !strings.Contains(journal, "own "+hook) {
				t.Errorf("the project's own %s was not called", hook)
			}
		}
	})
}

func TestWhatIsSystemdsToSayIsIgnoredInTheProjectsOwnSettings(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "theirs", func(p *project.Project) { p.Gunicorn.Config = path.Join(p.Dir, "gunicorn.conf.py") })
		if err := m.write(s.Gunicorn.Config, `
bind = ["127.0.0.1:8000", "unix:/run/theirs/gunicorn.sock"]
daemon = True
pidfile = "/run/theirs/gunicorn.pid"
user = "www-data"
group = "www-data"
umask = 0o27
`); err != nil {
			t.Fatal(err)
		}
		s.start(t)
		s.must(t, "/")
		pid := s.property(t, units.Service(s.Name), "MainPID")
		if user := strings.TrimSpace(m.run(t, "ps", "-o", "user=", "-p", pid)); user != s.User {
			t.Errorf("gunicorn runs as %q", user)
		}
		want := s.Gunicorn.Config + ": bind, daemon, group, pidfile, user: systemd sees to that, ignoring"
		if journal := s.journal(t); strings.Count(journal, want) != 1 {
			t.Errorf("the journal does not say once %q", want)
		}
	})
}

func TestCheckConfigWorks(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := installWithOwnSettings(t, m)
		s.run(t, "sh", "-ec", `cd "$0" && SANDWICH_GUNICORN_CONFIG=$0/gunicorn.conf.py DJANGO_SETTINGS_MODULE=mysite.settings \
			python3 -m gunicorn -c /usr/share/sandwich/gunicorn.conf.py --check-config mysite.wsgi:application`, s.Dir)
	})
}

func TestHangUpLoadsNewWorkersAndKeepsServing(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "hup", nil)
		s.start(t)
		watch := s.follow(t)
		for range 2 {
			watch.until(t, "Booting worker")
		}
		old := s.process(t).PID
		s.run(t, "systemctl", "kill", "--kill-whom=main", "-s", "HUP", units.Service(s.Name))
		for range 2 {
			watch.until(t, "Worker exiting")
		}
		if now := s.process(t).PID; now == old {
			t.Errorf("worker %d still answers", old)
		}
		if status := s.property(t, units.Service(s.Name), "ActiveState"); status != "active" {
			t.Errorf("the service is %s", status)
		}
	})
}

func TestStopTimeoutFollowsTheProjectsOwnGracefulTimeout(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "graceful", func(p *project.Project) {
			p.Gunicorn.Config = path.Join(p.Dir, "gunicorn.conf.py")
			// The unit would allow 5 s; the drop-in below makes it less than the request takes.
			p.Gunicorn.GracefulTimeout = 0
		})
		if err := m.write(s.Gunicorn.Config, "graceful_timeout = 20\ndaemon = False\npidfile = None\n"); err != nil {
			t.Fatal(err)
		}
		if err := m.write("/etc/systemd/system/"+units.Service(s.Name)+".d/short.conf", "[Service]\nTimeoutStopSec=1\n"); err != nil {
			t.Fatal(err)
		}
		m.run(t, "systemctl", "daemon-reload")
		s.start(t)
		if journal := s.journal(t); strings.Contains(journal, "ignoring") {
			t.Error("what says nothing else than sandwich does is called ignored")
		}
		s.drains(t)
	})
}

func TestTargetStartsAndStopsTheWholeProject(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "whole", nil)
		all := []string{units.Socket(s.Name), units.Service(s.Name), units.Target(s.Name)}
		s.run(t, append([]string{"systemctl", "enable"}, all...)...)
		t.Cleanup(func() { s.run(t, append([]string{"systemctl", "disable"}, all...)...) })
		s.run(t, "systemctl", "start", units.Target(s.Name))
		s.must(t, "/")
		for _, unit := range all {
			if state := s.property(t, unit, "ActiveState"); state != "active" {
				t.Errorf("after the start %s is %s", unit, state)
			}
		}
		watch := s.follow(t)
		// The stop of a target does not wait for what stops with it.
		s.run(t, "systemctl", "stop", units.Target(s.Name))
		watch.until(t, "Closed "+units.Socket(s.Name))
		for _, unit := range all {
			if state := s.property(t, unit, "ActiveState"); state != "inactive" {
				t.Errorf("after the stop %s is %s", unit, state)
			}
		}
		if slice := s.property(t, units.Service(s.Name), "Slice"); slice != units.Slice(s.Name) {
			t.Errorf("the service is in %s", slice)
		}
	})
}
