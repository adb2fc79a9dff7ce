//go:build e2e

package gunicorn

import (
	"strings"
	"testing"
	"time"

	"sandwich/units"
	"sandwich/units/project"
)

func TestStartReturnsWhenEveryWorkerHasImportedTheApplication(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "slow", func(p *project.Project) {
			p.Environment["SITE_IMPORT_SECONDS"], p.Environment["SITE_VIEWS_SECONDS"] = "0.7", "0.8"
		})
		begun := time.Now()
		s.start(t)
		if took := time.Since(begun); took < 1500*time.Millisecond {
			t.Errorf("start returned after %v, before the application can have been imported", took)
		} else {
			t.Logf("start of an application that imports for 1.5 s: %v", took)
		}
		if status := s.property(t, units.Service(s.Name), "StatusText"); !strings.HasPrefix(status, "2 of 2 workers have loaded") {
			t.Errorf("status is %q", status)
		}
		for range 10 { // of both workers
			begun = time.Now()
			s.must(t, "/")
			if took := time.Since(begun); took > 700*time.Millisecond {
				t.Errorf("one of the first requests after the start took %v", took)
			}
		}
	})
}

// The project goes on serving what does not need them.
func TestBrokenViewsAreNoReasonNotToStart(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "blind", nil)
		s.touch(t, "broken-views")
		s.start(t)
		if body, err := s.ask(t, "/"); err == nil || !strings.Contains(err.Error(), "500") {
			t.Errorf("it answers %q, %v", body, err)
		}
		if journal := s.journal(t); !strings.Contains(journal, "RuntimeError: the views are broken") {
			t.Error("the journal has no traceback")
		}
	})
}

func TestStartOfBrokenCodeFailsWithTheTraceback(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "broken", nil)
		s.touch(t, "broken")
		begun := time.Now()
		out, err := s.try("systemctl", "start", units.Service(s.Name))
		t.Logf("start of broken code: %v", time.Since(begun))
		if err == nil {
			t.Errorf("start succeeded: %s", out)
		}
		if took := time.Since(begun); took > 10*time.Second {
			t.Errorf("start failed only after %v", took)
		}
		if journal := s.journal(t); !strings.Contains(journal, "RuntimeError: the site is broken") {
			t.Error("the journal has no traceback")
		}
	})
}

func TestWorkersOfEveryClass(t *testing.T) {
	classes := map[string]func(*project.Project){
		"sync":    func(*project.Project) {},
		"gthread": func(p *project.Project) { p.Gunicorn.Threads, p.Gunicorn.WorkerClass = 4, "gthread" },
		"uvicorn": func(p *project.Project) {
			p.App, p.ASGI, p.Gunicorn.WorkerClass = "mysite.asgi:application", true, "uvicorn.workers.UvicornWorker"
		},
		"preload": func(p *project.Project) { p.Gunicorn.Preload = true },
	}
	for name, change := range classes {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, m machine) {
				s := install(t, m, name, change)
				s.start(t)
				s.must(t, "/")
				s.drains(t)
			})
		})
	}
}

// drains wants a request of two seconds answered that a stop interrupts.
func (s site) drains(t *testing.T) {
	t.Helper()
	client := s.client(t)
	answer := make(chan error, 1)
	go func() {
		_, err := get(client, "/slow")
		answer <- err
	}()
	s.waitForSlowRequest(t)
	begun := time.Now()
	s.run(t, "systemctl", "stop", units.Service(s.Name))
	if err := <-answer; err != nil {
		t.Errorf("a request of 2 s was lost at the stop, which took %v: %v", time.Since(begun), err)
	}
	t.Logf("stop with a request of 2 s in progress: %v", time.Since(begun))
	if result := s.property(t, units.Service(s.Name), "Result"); result != "success" {
		t.Errorf("the stop ended with %q", result)
	}
}
