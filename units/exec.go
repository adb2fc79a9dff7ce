package units

import (
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// systemPath is where programs are looked for after the project's own, as systemd's default is.
const systemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"

// environment is what a Django process expects, then what the project states, which wins.
func (g generation) environment(d draft) {
	if g.Settings != "" {
		d.environment("DJANGO_SETTINGS_MODULE", g.Settings)
	}
	// The code is read-only to the service, and the journal wants each line when it is written.
	d.environment("PYTHONDONTWRITEBYTECODE", "1")
	d.environment("PYTHONUNBUFFERED", "1")
	if bin := path.Dir(g.Python); path.IsAbs(bin) && bin != "/usr/bin" {
		d.environment("PATH", bin+":"+systemPath)
	}
	if g.part == "" {
		g.serverEnvironment(d)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Environment)) {
		d.environment(name, g.Environment[name])
	}
}

// serverEnvironment is what the web service is told beside.
func (g generation) serverEnvironment(d draft) {
	if g.Listen == "" {
		// Only the proxy can connect to the unix socket: what it says about the client is believed.
		d.environment("FORWARDED_ALLOW_IPS", "*")
	}
	if g.Command == nil {
		g.gunicornEnvironment(d)
	}
}

// secrets are read by systemd itself when the service starts; the unit has only the names of the
// files. No process leaves them on a disk when it crashes; "systemctl edit" can allow that.
func (g generation) secrets(d draft) {
	d.fixed("LimitCORE", "0")
	switch {
	case g.EnvFile != "" && g.EnvGuarded:
		g.envCopy(d)
	case g.EnvFile != "":
		d.each("EnvironmentFile", unitfile.GlobPath, g.EnvFile)
	}
	if g.release != "" {
		d.each("EnvironmentFile", unitfile.OptionalPath, g.release)
	}
	for _, name := range slices.Sorted(maps.Keys(g.Credentials)) {
		credential, err := unitfile.Credential(name, g.Credentials[name])
		d.add("LoadCredential", credential, err)
	}
}

// envCopy is for an env_file in whose place not only root can put another. systemd would read that as
// root, so it is given a copy, made at each start of what the project's user may read. For the
// command that makes it there is no copy yet ("-"); systemd reads it again for the next one
// (systemd.exec(5), EnvironmentFile=).
func (g generation) envCopy(d draft) {
	d.hook("ExecStartPre", "+", "environment", g.Name, g.User, g.Group, g.EnvFile)
	d.each("EnvironmentFile", unitfile.OptionalPath, EnvCopy(g.Name))
}

func (g generation) exec(d draft) {
	if g.Command != nil {
		g.run(d, "ExecStart", g.Command)
		return
	}
	words := g.fromRelease(g.gunicornCommand())
	command, err := unitfile.Command(words[0], words[1:]...)
	d.add("ExecStart", command, err)
}

// inRelease keeps a process in the release it begins with, as the package installs it.
const inRelease = "/usr/libexec/sandwich/in-release"

// fromRelease has a command run by inRelease, when the project's root goes through a link.
func (g generation) fromRelease(words []string) []string {
	if g.Link == "" {
		return words
	}
	return append([]string{inRelease, g.Link, g.Dir}, words...)
}

// run has a directive run a command of the project file.
func (g generation) run(d draft, directive unitfile.Fixed, words []string) {
	words = g.fromRelease(g.program(words))
	command, err := unitfile.Command(words[0], words[1:]...)
	d.add(directive, command, err)
	if !strings.Contains(words[0], "/") {
		g.search(d)
	}
}

// program makes the first word of a command one that systemd can run: manage.py and its like are
// given to the project's Python, a path is taken from the project's directory, and a plain name is
// searched for beside the project's Python first, then in its root.
func (g generation) program(words []string) []string {
	first, rest := words[0], words[1:]
	if strings.HasSuffix(first, ".py") && !path.IsAbs(first) {
		return append([]string{g.Python, path.Join(g.Dir, first)}, rest...)
	}
	if strings.Contains(first, "/") && !path.IsAbs(first) {
		first = path.Join(g.Dir, first)
	}
	if !strings.Contains(first, "/") && g.version < 250 && g.Link == "" {
		first = path.Join(path.Dir(g.Python), first)
	}
	return append([]string{first}, rest...)
}

// Program is a command as somebody would type it in the project, with its first word found as that
// of a command in the project file is. A plain name is searched for in the service's PATH.
func Program(p *project.Project, words []string) []string {
	words = generation{Project: p, version: 250}.program(words)
	if !strings.Contains(words[0], "/") {
		return append([]string{"/usr/bin/env", "--"}, words...)
	}
	return words
}

// search says where a program without a path is looked for (ExecSearchPath= is of systemd 250).
func (g generation) search(d draft) {
	dirs := []string{path.Dir(g.Python)}
	if _, err := unitfile.SearchPath(g.Root); err == nil {
		dirs = append(dirs, g.Root)
	}
	for _, dir := range append(dirs, strings.Split(systemPath, ":")...) {
		d.each("ExecSearchPath", unitfile.SearchPath, dir)
	}
}

func notRoot(user string) (unitfile.Value, error) {
	if user == "root" || user == "0" {
		return unitfile.Value{}, errors.New("a project never runs as root")
	}
	return unitfile.Account(user)
}
