package units

import (
	"path"
	"slices"

	"sandwich/units/django"
	"sandwich/units/project"
)

// common are the directories where hosts keep the sites of many customers.
var common = []string{"/srv", "/var/www"}

// systemDirs are where the interpreter and its libraries, or other services, need their neighbours.
var systemDirs = []string{"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64", "/run", "/dev", "/proc", "/sys", "/var/lib", "/var/cache", "/var/log", "/var/spool"}

// neighbourhood is the directories in which the project has something and others may have something,
// too: what is not the project's own is not there for it. File modes alone would not do: code and
// settings of Django projects are world-readable on most hosts.
func (g generation) neighbourhood() []string {
	if slices.Contains(g.Permit, project.PermitNeighbours) {
		return nil
	}
	var dirs []string
	for _, dir := range append([]string{path.Dir(g.own())}, common...) {
		if dir != g.own() && isNeighbourhood(dir) && len(within(append(g.reads(), g.Writable...), []string{dir})) > 0 {
			dirs = append(dirs, dir)
		}
	}
	return outermost(dirs)
}

// own is the directory that is the project's: with releases that change behind a link, all of them.
func (g generation) own() string {
	if dir := path.Dir(g.Link); g.Link != "" && !slices.Contains(common, dir) {
		return dir
	}
	if g.Base != "" {
		return g.Base
	}
	return g.Root
}

// elsewhere is the common directories in which the project has nothing.
func (g generation) elsewhere() []string {
	if slices.Contains(g.Permit, project.PermitNeighbours) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(common), func(dir string) bool {
		return len(within(append(g.reads(), g.Writable...), []string{dir})) > 0
	})
}

// isNeighbourhood says whether a directory can be hidden: not what the sandbox replaces anyway, nor
// what the system itself lives in.
func isNeighbourhood(dir string) bool {
	return !inAny(dir, private) && !inAny(dir, systemDirs) && !inAny("/var", []string{dir})
}

// ViewOf is what the project's own service sees, for a command that is no part of it.
func ViewOf(p *project.Project) django.View {
	g := generation{Project: p}
	empty := append(slices.Clone(homes), g.neighbourhood()...)
	return django.View{
		Empty:  empty,
		Closed: append(g.elsewhere(), g.foreign()...),
		Shown:  outermost(within(g.reads(), slices.Concat(private, empty))),
	}
}
