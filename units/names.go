// Package units turns a Project into the unit files and the route it is served by. It is pure:
// writing them is left to units/apply.
package units

import (
	"strconv"
	"strings"

	"sandwich/units/project"
)

// Names of the units of a project. A project name holds only [a-z0-9-], so only the slice needs
// escaping: each dash in a slice name is a level of the tree (systemd.slice(5)).

// Socket is the name of the project's listening socket unit.
func Socket(project string) string { return "sandwich-" + project + ".socket" }

// Service is the name of the project's web service.
func Service(project string) string { return "sandwich-" + project + ".service" }

// NextSocket is the socket of the generation that runs beside the service while it is replaced.
func NextSocket(project string) string { return "sandwich-" + project + ".next.socket" }

// NextService is the generation that runs beside the service while it is replaced.
func NextService(project string) string { return "sandwich-" + project + ".next.service" }

// Target is the name of the target that groups everything of the project.
func Target(project string) string { return "sandwich-" + project + ".target" }

// WorkerTemplate is the template of a worker's instances.
func WorkerTemplate(project, worker string) string {
	return "sandwich-" + project + "." + worker + "@.service"
}

// WorkerInstance is one copy of a worker; they are numbered from 1.
func WorkerInstance(project, worker string, number int) string {
	return "sandwich-" + project + "." + worker + "@" + strconv.Itoa(number) + ".service"
}

// Timer is the timer of a timer block.
func Timer(project, timer string) string { return "sandwich-" + project + "." + timer + ".timer" }

// TimerService is what the timer starts.
func TimerService(project, timer string) string {
	return "sandwich-" + project + "." + timer + ".service"
}

// TimerFailure runs after a run of the timer's service that failed.
func TimerFailure(project, timer string) string {
	return "sandwich-" + project + "." + timer + ".failure.service"
}

// ReleaseService carries out the steps of a deploy, in the release that is deployed.
func ReleaseService(project string) string { return "sandwich-" + project + ".release.service" }

// GateService says whether a release may serve.
func GateService(project string) string { return "sandwich-" + project + ".release.gate.service" }

// EnvCopy is the copy of the project's env_file that systemd reads, where it must not read the file
// itself. Only root reads it.
func EnvCopy(project string) string { return "/run/sandwich/" + project + ".env" }

// NextRelease is the file that tells the next generation its release, while there is one to tell.
func NextRelease(project string) string { return "/run/sandwich/" + project + ".next.env" }

// NewRelease is the file that tells the services of a deploy their release.
func NewRelease(project string) string { return "/run/sandwich/" + project + ".release.env" }

// Instances are the copies of every worker that a project should have.
func Instances(p *project.Project) []string {
	var names []string
	for _, w := range p.Workers {
		for n := range w.Count {
			names = append(names, WorkerInstance(p.Name, w.Name, n+1))
		}
	}
	return names
}

// Slice is the name of the slice that every process of the project lives in.
func Slice(project string) string {
	return "sandwich-" + strings.ReplaceAll(project, "-", `\x2d`) + ".slice"
}
