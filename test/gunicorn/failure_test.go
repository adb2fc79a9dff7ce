//go:build e2e

package gunicorn

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sandwich/units"
	"sandwich/units/project"
)

func TestSocketSurvivesThirtyFailedStartsUnderTraffic(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "flaky", nil)
		s.touch(t, "broken")
		s.hurry(t)
		s.run(t, "systemctl", "start", units.Socket(s.Name))
		watch := s.follow(t)
		stop := s.traffic(t)
		watch.until(t, "restart counter is at 30.")
		if state := s.property(t, units.Socket(s.Name), "ActiveState"); state != "active" {
			t.Errorf("the socket is %s", state)
		}
		s.unlink(t, "broken")
		begun := time.Now()
		s.must(t, "/")
		t.Logf("first answer after the fix: %v", time.Since(begun))
		stop()
	})
}

// hurry makes failing starts follow each other closely: the delay between them is not the subject.
func (s site) hurry(t *testing.T) {
	t.Helper()
	steps := ""
	if s.version >= 254 {
		steps = "RestartSteps=0\n"
	}
	if err := s.write("/etc/systemd/system/"+units.Service(s.Name)+".d/hurry.conf", "[Service]\nRestartSec=100ms\n"+steps); err != nil {
		t.Fatal(err)
	}
	s.run(t, "systemctl", "daemon-reload")
}

// traffic keeps eight requests going, whatever becomes of them, until the returned function is called.
func (s site) traffic(t *testing.T) (stop func()) {
	t.Helper()
	client := s.client(t)
	var stopped atomic.Bool
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for !stopped.Load() {
				get(client, "/")
			}
		})
	}
	return func() { stopped.Store(true); clients.Wait() }
}

func TestWorkerThatMeetsBrokenCodeLaterDoesNotEndTheMaster(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "aging", nil)
		s.start(t)
		master := s.property(t, units.Service(s.Name), "MainPID")
		s.touch(t, "broken")
		watch := s.follow(t)
		victim := s.process(t).PID
		s.run(t, "kill", "-KILL", strconv.Itoa(victim))
		watch.until(t, "A new worker could not load the application")
		s.must(t, "/")
		if status := s.property(t, units.Service(s.Name), "StatusText"); !strings.HasPrefix(status, "1 of 2 workers") {
			t.Errorf("status is %q", status)
		}
		s.unlink(t, "broken")
		watch.until(t, "Booting worker")
		s.must(t, "/")
		if now := s.property(t, units.Service(s.Name), "MainPID"); now != master {
			t.Errorf("the master was %s and is %s", master, now)
		}
	})
}

func TestMasterWithoutAnyWorkerLeftEndsAndIsStartedAgain(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "lonely", func(p *project.Project) { p.Gunicorn.Workers = 1 })
		s.start(t)
		s.touch(t, "broken")
		watch := s.follow(t)
		s.run(t, "kill", "-KILL", strconv.Itoa(s.process(t).PID))
		watch.until(t, "Scheduled restart job")
		s.unlink(t, "broken")
		s.must(t, "/")
	})
}

func TestImportThatTakesLongerThanTheTimeoutIsNotCutOff(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "patient", func(p *project.Project) {
			p.Gunicorn.Timeout = 2 * time.Second
			p.Environment["SITE_IMPORT_SECONDS"] = "6"
		})
		s.start(t)
		if journal := s.journal(t); strings.Contains(journal, "WORKER TIMEOUT") {
			t.Error("a worker was killed while it imported")
		}
	})
}

func TestImportThatHangsSaysWhere(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "hanging", func(p *project.Project) {
			p.Environment["SITE_IMPORT_SECONDS"] = "1000"
			// Five seconds for the import.
			p.Environment["SANDWICH_START_TIMEOUT"] = "15"
		})
		s.run(t, "systemctl", "start", "--no-block", units.Service(s.Name))
		s.follow(t).until(t, fmt.Sprintf(`%s/mysite/settings.py", line`, s.Dir))
	})
}
