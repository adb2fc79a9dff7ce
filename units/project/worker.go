package project

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// WorkerKind is a program that is known to need a stop of its own.
type WorkerKind string

// The kinds of workers. Plain is every other program.
const (
	KindPlain  WorkerKind = "plain"
	KindCelery WorkerKind = "celery"
	KindRQ     WorkerKind = "rq"
	KindHuey   WorkerKind = "huey"
)

// Worker is one worker block: a command that runs Count times beside the web service.
type Worker struct {
	Name        string
	Command     []string
	Count       int
	CountReason string // why it is not as the file states, for plan; empty when it is
	Kind        WorkerKind
	StopSignal  string // asks it to end: SIGTERM, ...
	StopTimeout time.Duration
}

// Scale is how many of what there should be, in place of what the project file says. Web is the
// number of gunicorn's workers, 0 as the file says; Workers the count of each worker.
type Scale struct {
	Web     int            `json:"web,omitempty"`
	Workers map[string]int `json:"workers,omitempty"`
}

// scale has numbers that were set by hand win over those of the file, and says so.
func (c *completion) scale() {
	if n := c.found.Scale.Web; n > 0 && c.p.Command == nil {
		c.p.Gunicorn.WorkersReason = fmt.Sprintf("as sandwich scale says, in place of %d", c.p.Gunicorn.Workers)
		c.p.Gunicorn.Workers, c.p.Gunicorn.Scaled = n, true
	}
	for i := range c.p.Workers {
		w := &c.p.Workers[i]
		if n, ok := c.found.Scale.Workers[w.Name]; ok && n != w.Count {
			w.CountReason = fmt.Sprintf("as sandwich scale says, in place of %d", w.Count)
			w.Count = n
		}
	}
}

var workerSettings = []setting[Worker]{
	{"command", commandOf(func(w *Worker) *[]string { return &w.Command })},
	{"count", number(func(w *Worker) *int { return &w.Count }, 0, maxInstances)},
	{"kind", text(func(w *Worker) *string { return (*string)(&w.Kind) }, oneOf("plain", "celery", "rq", "huey"))},
	{"stop_signal", text(func(w *Worker) *string { return &w.StopSignal }, signal)},
	{"stop_timeout", duration(func(w *Worker) *time.Duration { return &w.StopTimeout }, time.Second)},
}

// maxInstances is more than any host runs of one worker.
const maxInstances = 100

// How long a worker may take to end. A job queue's worker finishes the task it has begun: systemd
// would kill it after 90 s, and supervisord after 10 s.
const (
	plainStop = 30 * time.Second
	warmStop  = 10 * time.Minute
)

func decodeWorker(d *decoder, g *group) {
	w := Worker{Name: g.label, Count: 1, Kind: KindPlain}
	fill(d, g, workerSettings, &w)
	if !partName(d, g) || !d.stated(g) {
		return
	}
	w.preset()
	d.p.Workers = append(d.p.Workers, w)
}

// preset is the warm stop of each kind: Celery and RQ finish the task at hand at the first SIGTERM,
// Huey at SIGINT (SIGTERM interrupts it).
func (w *Worker) preset() {
	if w.StopSignal == "" {
		w.StopSignal = "SIGTERM"
		if w.Kind == KindHuey {
			w.StopSignal = "SIGINT"
		}
	}
	if w.StopTimeout == 0 {
		w.StopTimeout = warmStop
		if w.Kind == KindPlain {
			w.StopTimeout = plainStop
		}
	}
}

var signals = []string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGWINCH"}

func signal(_ *decoder, s string) (string, *fault) {
	name := "SIG" + strings.TrimPrefix(strings.ToUpper(s), "SIG")
	if !slices.Contains(signals, name) {
		return "", wrong("is no signal that ends a program", "Write one of TERM, INT, QUIT, HUP, USR1, USR2, WINCH.")
	}
	return name, nil
}
