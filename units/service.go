package units

import (
	"time"

	"sandwich/units/unitfile"
)

// startTimeout is how long a start may take, the import of the application included.
const startTimeout = 90 * time.Second

// StopReserve is what a stop may take beyond the graceful timeout, to end what did not end itself.
const StopReserve = 5 * time.Second

// The back-off of failing starts: from restartFirst to restartMaxDelay in restartSteps steps, or
// always restartDelay where systemd knows no steps. A service that crashed once is back at once; a
// request that comes in between waits for the next start, so the longest delay stays well below
// the time the proxy holds a request.
const (
	restartFirst    = 100 * time.Millisecond
	restartMaxDelay = 5 * time.Second
	restartSteps    = 4
	restartDelay    = 2 * time.Second
)

func (g generation) renderService() (unitfile.File, error) {
	d := newUnit()
	g.about(d)
	g.order(d)
	service := d.in("Service")
	g.readiness(service)
	g.identity(service)
	g.environment(service)
	g.secrets(service)
	g.exec(service)
	g.hooks(service)
	g.restart(service)
	g.stop(service)
	g.umask(service)
	g.sandbox(service)
	if !g.next {
		d.in("Install").each("WantedBy", unitfile.UnitName, Target(g.Name))
	}
	return d.seal(g.service, g.File)
}

func (g generation) about(d draft) {
	what := g.App + " in gunicorn"
	if g.Command != nil {
		what = "web service"
	}
	if g.next {
		what += ", next generation during a restart"
	}
	d.each("Description", unitfile.Text, g.Name+": "+what)
	d.each("PartOf", unitfile.UnitName, Target(g.Name))
}

// order requires the socket: without it gunicorn would quietly listen on a port of its own.
func (g generation) order(d draft) {
	d.each("Requires", unitfile.UnitName, g.socket)
	d.each("Wants", unitfile.UnitName, g.Needs...)
	d.fixed("After", "network.target")
	d.each("After", unitfile.UnitName, g.socket)
	d.each("After", unitfile.UnitName, g.Needs...)
}

// readiness lets a start succeed when the application is loaded: sandwich's gunicorn settings send
// READY=1 then, from the main process.
func (g generation) readiness(d draft) {
	if g.Command != nil {
		d.fixed("Type", "exec")
	} else {
		d.fixed("Type", "notify")
		d.fixed("NotifyAccess", "main")
	}
	d.seconds("TimeoutStartSec", startTimeout)
}

func (g generation) identity(d draft) {
	d.each("User", notRoot, g.User)
	if g.Group != "" {
		d.each("Group", unitfile.Account, g.Group)
	}
	d.each("WorkingDirectory", unitfile.Path, g.Dir)
	d.each("Slice", unitfile.UnitName, Slice(g.Name))
	d.each("SyslogIdentifier", unitfile.Text, g.identifier())
}

// identifier is what the journal calls the process.
func (g generation) identifier() string {
	if g.part == "" {
		return g.Name
	}
	return g.Name + "." + g.part
}

// restart never gives up: a start limit that is hit would take the listening socket down with it
// (service-start-limit-hit). The delay keeps a broken project from starting in a tight loop.
func (g generation) restart(d draft) {
	d.in("Unit").fixed("StartLimitIntervalSec", "0")
	d.fixed("Restart", "on-failure")
	if g.version >= 254 {
		d.seconds("RestartSec", restartFirst)
		d.number("RestartSteps", restartSteps)
		d.seconds("RestartMaxDelaySec", restartMaxDelay)
	} else {
		d.seconds("RestartSec", restartDelay)
	}
	if g.Command == nil {
		// gunicorn replaces a worker that was killed; the others go on.
		d.fixed("OOMPolicy", "continue")
	}
}

// stop asks the main process only, which lets its workers finish, and kills what is left together.
func (g generation) stop(d draft) {
	d.fixed("KillMode", "mixed")
	d.seconds("TimeoutStopSec", g.Gunicorn.GracefulTimeout+StopReserve)
}
