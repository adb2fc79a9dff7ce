package proxy

import (
	"errors"
	"runtime"
	"sync"
	"time"
)

// wakingsMost is how many projects that sleep are woken at the same time: a start is an import, all
// of it CPU time. A health check of all sites, or a bot's burst, does not start the whole host at once.
var wakingsMost = max(2, runtime.NumCPU())

// wakingTime is how long a project may take to begin its start before another has its place.
const wakingTime = 10 * time.Second

// errAsleep says that a project was not woken in time, because others were.
var errAsleep = errors.New("its service sleeps, and other projects are being woken first")

// wakings lets requests wake projects that sleep, a few at the same time, those first that are asked
// for first. Safe for concurrent use; the zero value is ready.
type wakings struct {
	mu    sync.Mutex
	awake map[*site]*time.Timer // those being woken: each has a place until it is up, or fails
	queue []*site
}

// ask is for a request that found its project asleep, and waits at its gate.
func (w *wakings) ask(s *site) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.gate.callForWaking() {
		w.queue = append(w.queue, s)
	}
	w.next()
}

// next gives places to those that have waited longest. Whom nobody waits for any more is left asleep.
func (w *wakings) next() {
	for len(w.queue) > 0 && len(w.awake) < wakingsMost {
		s := w.queue[0]
		w.queue = w.queue[1:]
		if s.held.Load() == 0 || !s.gate.isAsleep() {
			s.gate.sleepOn()
			continue
		}
		if w.awake == nil {
			w.awake = map[*site]*time.Timer{}
		}
		w.awake[s] = time.AfterFunc(wakingTime, func() { w.seen(s, false) })
		s.gate.wakeUp()
	}
}

// seen gives the place of a project on, unless it is on its way up. starting says whether the
// project may take more time: a start has a time limit of its own.
func (w *wakings) seen(s *site, starting bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	timer, ok := w.awake[s]
	if !ok || s.gate.isStarting(starting) {
		return
	}
	timer.Stop()
	delete(w.awake, s)
	s.gate.sleepOn()
	w.next()
}
