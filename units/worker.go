package units

import (
	"time"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// worker is one worker block of a project; its unit is a template with an instance for each copy.
type worker struct {
	generation
	project.Worker
}

func (g generation) worker(w project.Worker) worker {
	g.part, g.service = w.Name, WorkerTemplate(g.Name, w.Name)
	return worker{generation: g, Worker: w}
}

func (w worker) render() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, w.Project.Name+": worker "+w.part)
	w.beside(d)
	service := d.in("Service")
	service.fixed("Type", "exec")
	w.identity(service)
	w.environment(service)
	w.secrets(service)
	w.run(service, "ExecStart", w.Worker.Command)
	w.again(service)
	w.end(service)
	w.umask(service)
	w.sandbox(service)
	return d.seal(w.service, w.File)
}

// beside orders a unit after what the project needs, and ties it to the project's target.
func (g generation) beside(d draft) {
	d.each("PartOf", unitfile.UnitName, Target(g.Project.Name))
	d.each("Wants", unitfile.UnitName, g.Needs...)
	d.fixed("After", "network.target")
	d.each("After", unitfile.UnitName, g.Needs...)
}

// workerMaxDelay is where the back-off of a worker that keeps ending stops growing: nobody waits
// at a socket for it.
const workerMaxDelay = time.Minute

// again never gives up, also on a worker that ends by itself: a queue without workers is noticed
// late.
func (w worker) again(d draft) {
	d.in("Unit").fixed("StartLimitIntervalSec", "0")
	d.fixed("Restart", "always")
	d.seconds("RestartSec", restartDelay)
	if w.version >= 254 {
		d.number("RestartSteps", 5)
		d.seconds("RestartMaxDelaySec", workerMaxDelay)
	}
	if w.Kind == project.KindCelery {
		// Celery's main process replaces a child that was killed; the others go on.
		d.fixed("OOMPolicy", "continue")
	}
}

// end asks the main process only: children that work on a task finish it, and what is left after
// the time is killed together.
func (w worker) end(d draft) {
	if w.StopSignal != "SIGTERM" {
		d.each("KillSignal", unitfile.Signal, w.StopSignal)
	}
	d.fixed("KillMode", "mixed")
	d.seconds("TimeoutStopSec", w.StopTimeout)
}
