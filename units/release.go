package units

import (
	"slices"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// gateProgram asks a release whether it may serve, as the package installs it.
const gateProgram = "/usr/share/sandwich/gate.py"

// deployment are the services of a deploy: the steps, and the gate after them.
func (g generation) deployment() []func() (unitfile.File, error) {
	g.part, g.release = "release", NewRelease(g.Name)
	var renders []func() (unitfile.File, error)
	if len(g.Release.Steps) > 0 {
		renders = append(renders, g.renderSteps)
	}
	return append(renders, g.renderGate)
}

func (g generation) renderSteps() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, g.Name+": steps of a deploy")
	g.deploying(d)
	service := d.in("Service")
	for _, step := range g.Release.Steps {
		g.run(service, "ExecStart", step)
	}
	builder := g
	builder.Project = g.builder()
	builder.umask(service)
	builder.sandbox(service)
	return d.seal(ReleaseService(g.Name), g.File)
}

// renderGate also keeps, for whoever deploys, what is not systemd's: it ignores sections that begin
// with X-.
func (g generation) renderGate() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, g.Name+": whether a release may serve")
	g.deploying(d)
	service := d.in("Service")
	if g.Settings != "" {
		g.gate(service)
	} else {
		service.fixed("ExecStart", "/bin/true")
	}
	g.umask(service)
	g.sandbox(service)
	deploy := d.in("X-Sandwich")
	if g.Link != "" {
		deploy.each("Link", unitfile.Path, g.Link)
	}
	deploy.each("Dir", unitfile.Path, g.Dir)
	deploy.each("Health", unitfile.Text, g.Release.Health)
	return d.seal(GateService(g.Name), g.File)
}

func (g generation) gate(d draft) {
	words := []string{g.Python, gateProgram}
	if g.Command == nil {
		words = append(words, g.App)
	}
	g.run(d, "ExecStart", words)
}

// deploying is what the services of a deploy have in common.
func (g generation) deploying(d draft) {
	d.each("Wants", unitfile.UnitName, g.Needs...)
	d.fixed("After", "network.target")
	d.each("After", unitfile.UnitName, g.Needs...)
	service := d.in("Service")
	service.fixed("Type", "oneshot")
	service.fixed("TimeoutStartSec", "infinity")
	g.identity(service)
	g.environment(service)
	g.secrets(service)
	service.fixed("KillMode", "mixed")
	// All of the output is kept.
	service.fixed("LogRateLimitIntervalSec", "0")
}

// builder is the project with its code to write to: steps compile, collect and install.
func (g generation) builder() *project.Project {
	p := *g.Project
	p.Writable = append(slices.Clone(p.Writable), g.own())
	return &p
}
