// Package units turns a Project into the unit files and the route it is served by. It is pure:
// writing them is left to units/apply.
package units

import "strings"

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

// Slice is the name of the slice that every process of the project lives in.
func Slice(project string) string {
	return "sandwich-" + strings.ReplaceAll(project, "-", `\x2d`) + ".slice"
}
