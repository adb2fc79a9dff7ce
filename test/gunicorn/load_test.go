//go:build e2e

package gunicorn

import (
	"testing"
	"time"

	"sandwich/units"
	"sandwich/units/project"
)

// TestRestartUnderLoadLosesNothing asks 100 times a second while the service restarts ten times.
func TestRestartUnderLoadLosesNothing(t *testing.T) {
	classes := map[string]func(*project.Project){
		"sync":    func(*project.Project) {},
		"gthread": func(p *project.Project) { p.Gunicorn.Threads, p.Gunicorn.WorkerClass = 4, "gthread" },
	}
	for name, change := range classes {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, m machine) {
				s := install(t, m, "busy", change)
				s.start(t)
				load := s.load(t, 50)
				for range 5 {
					s.run(t, "systemctl", "restart", units.Service(s.Name))
					// In its turn, behind all that waited: a queue that is never worked off fills up
					// on a busy machine, and without the proxy nobody tries again.
					if _, err := get(s.client(t), "/"); err != nil {
						t.Errorf("after the restart: %v", err)
					}
				}
				asked, failed, worst := load.stop()
				t.Logf("%d requests, %d failed, the longest took %v", asked, len(failed), worst)
				if len(failed) > 0 {
					t.Errorf("first failure: %v", failed[0])
				}
			})
		})
	}
}

// load asks for "/" at a constant rate until it is stopped.
type load struct {
	done    chan struct{}
	asked   chan int
	answers chan answer
}

type answer struct {
	err  error
	took time.Duration
}

func (s site) load(t *testing.T, perSecond int) *load {
	t.Helper()
	client := s.client(t)
	l := &load{make(chan struct{}), make(chan int, 1), make(chan answer, 1<<16)}
	ticks := time.NewTicker(time.Second / time.Duration(perSecond))
	ask := func(begun time.Time) {
		_, err := get(client, "/")
		l.answers <- answer{err, time.Since(begun)}
	}
	go func() {
		defer ticks.Stop()
		for asked := 0; ; asked++ {
			select {
			case <-l.done:
				l.asked <- asked
				return
			case begun := <-ticks.C:
				go ask(begun)
			}
		}
	}()
	return l
}

// stop waits for every answer.
func (l *load) stop() (asked int, failed []error, worst time.Duration) {
	close(l.done)
	asked = <-l.asked
	for range asked {
		a := <-l.answers
		worst = max(worst, a.took)
		if a.err != nil {
			failed = append(failed, a.err)
		}
	}
	return asked, failed, worst
}
