package units

import (
	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// timer is one timer block of a project: a timer, the service that it starts, and the one that
// follows a failure.
type timer struct {
	generation
	project.Timer
}

func (g generation) timer(t project.Timer) timer {
	g.part, g.service = t.Name, TimerService(g.Name, t.Name)
	return timer{generation: g, Timer: t}
}

func (t timer) name() string { return t.Project.Name }

func (t timer) renderTimer() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, t.name()+": when "+t.part+" runs")
	d.each("PartOf", unitfile.UnitName, Target(t.name()))
	t.schedule(d.in("Timer"))
	d.in("Install").each("WantedBy", unitfile.UnitName, Target(t.name()))
	return d.seal(Timer(t.name(), t.part), t.File)
}

// schedule never runs the command twice at a time: systemd does not start what still runs.
func (t timer) schedule(d draft) {
	if t.Calendar != "" {
		d.each("OnCalendar", unitfile.Text, t.Calendar)
		if t.Persistent {
			d.fixed("Persistent", "yes")
		}
	} else {
		d.seconds("OnActiveSec", t.Every)
		d.seconds("OnUnitActiveSec", t.Every)
	}
	// By default systemd may be a minute late, to wake up less often.
	d.fixed("AccuracySec", "1s")
	if t.Jitter > 0 {
		d.seconds("RandomizedDelaySec", t.Jitter)
		// The same delay each time: the runs of many projects stay spread, and as far apart as before.
		d.fixed("FixedRandomDelay", "yes")
	}
}

func (t timer) renderService() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, t.name()+": "+t.part)
	t.order(d)
	if len(t.OnFailure) > 0 {
		d.each("OnFailure", unitfile.UnitName, TimerFailure(t.name(), t.part))
	}
	t.once(d, t.Timer.Command)
	return d.seal(t.service, t.File)
}

func (t timer) renderFailure() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, t.name()+": "+t.part+" has failed")
	t.order(d)
	t.once(d, t.OnFailure)
	return d.seal(TimerFailure(t.name(), t.part), t.File)
}

// order leaves out PartOf=: a run that has begun is not for a stop or restart of the project to
// end, it ends by itself or at its time limit.
func (t timer) order(d draft) {
	d.each("Wants", unitfile.UnitName, t.Needs...)
	d.fixed("After", "network.target")
	d.each("After", unitfile.UnitName, t.Needs...)
}

func (t timer) once(d draft, command []string) {
	service := d.in("Service")
	service.fixed("Type", "oneshot")
	if t.Timeout > 0 {
		service.seconds("TimeoutStartSec", t.Timeout)
	} else {
		service.fixed("TimeoutStartSec", "infinity")
	}
	t.identity(service)
	service.environment("SANDWICH_JOB", t.name()+"."+t.part)
	t.environment(service)
	t.secrets(service)
	t.run(service, "ExecStart", command)
	service.fixed("KillMode", "mixed")
	t.umask(service)
	t.sandbox(service)
}
