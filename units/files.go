package units

import (
	"path"
	"slices"
	"strings"

	"sandwich/units/unitfile"
)

// homes are the directories that ProtectHome= hides.
var homes = []string{"/home", "/root", "/run/user"}

// private are the directories that are empty for the service unless something in them is bound:
// the homes, and what PrivateTmp= replaces.
var private = append([]string{"/tmp", "/var/tmp"}, homes...)

// interpreters are where the usual tools keep the Python that a virtual environment in the same
// home points to, and where "pip install --user" puts packages.
var interpreters = []string{".local/lib", ".local/share/uv", ".pyenv"}

// files shows the service the host's files read-only, without other people's homes, other projects'
// sockets and sandwich's own state, and lets it write what the project names.
func (g generation) files(d draft) {
	hidden := slices.Concat(private, g.neighbourhood())
	g.homes(d)
	d.each("TemporaryFileSystem", unitfile.EmptyDirectory, g.neighbourhood()...)
	for _, file := range outermost(within(g.reads(), hidden)) {
		if !slices.Contains(g.Writable, file) {
			d.each("BindReadOnlyPaths", unitfile.OptionalBind, file)
		}
	}
	for _, dir := range g.Writable {
		if inAny(dir, hidden) && !g.shown(dir) {
			d.each("BindPaths", unitfile.OptionalBind, dir)
		} else {
			d.each("ReadWritePaths", unitfile.OptionalPath, dir)
		}
	}
	d.each("InaccessiblePaths", unitfile.OptionalPath, append(g.elsewhere(), g.foreign()...)...)
}

// shown says whether a directory lies in the project's own, which is bound as a whole. It is not bound
// for itself then: a bind would follow a link that its owner has put there since.
func (g generation) shown(dir string) bool {
	own := g.own()
	return dir != own && below(dir, own)
}

// homes hides the homes altogether when the project has nothing in them, else all but its own files.
func (g generation) homes(d draft) {
	if len(within(append(g.reads(), g.Writable...), homes)) == 0 {
		d.fixed("ProtectHome", "yes")
	} else {
		d.fixed("ProtectHome", "tmpfs")
	}
}

// reads is every path that the web service reads and that may lie where others have theirs.
func (g generation) reads() []string {
	files := []string{g.own(), g.Root, g.Dir, prefix(g.Python)}
	if g.Interpreter != "" {
		files = append(files, prefix(g.Interpreter))
	}
	if g.Gunicorn.Config != "" {
		files = append(files, g.Gunicorn.Config)
	}
	for _, s := range g.Statics {
		files = append(files, s.Root)
	}
	for _, home := range homesOf(files) {
		for _, dir := range interpreters {
			files = append(files, path.Join(home, dir))
		}
	}
	return files
}

// foreign is what belongs to sandwich and to other projects. The project's own listening socket
// reaches the service as a descriptor.
func (g generation) foreign() []string {
	var dirs []string
	for _, dir := range []string{"/run/sandwich", "/etc/sandwich", "/var/lib/sandwich"} {
		if len(within(append(g.reads(), g.Writable...), []string{dir})) == 0 {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// prefix is the directory that holds an interpreter with its libraries: the virtual environment.
func prefix(python string) string {
	if dir := path.Dir(python); path.Base(dir) != "bin" {
		return dir
	}
	return path.Dir(path.Dir(python))
}

// homesOf is the home directories that any of the files lies in.
func homesOf(files []string) []string {
	var found []string
	for _, file := range files {
		if below(file, "/root") {
			found = append(found, "/root")
		} else if rest, ok := strings.CutPrefix(file, "/home/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			found = append(found, path.Join("/home", name))
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// outermost leaves out what lies below another of the files, and sorts the rest.
func outermost(files []string) []string {
	slices.Sort(files)
	var kept []string
	for _, file := range files {
		if !inAny(file, kept) {
			kept = append(kept, file)
		}
	}
	return kept
}

// within is those files that lie in one of the directories.
func within(files, dirs []string) []string {
	var found []string
	for _, file := range files {
		if inAny(file, dirs) {
			found = append(found, file)
		}
	}
	return found
}

func inAny(file string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return below(file, dir) })
}

// below says whether file is dir or lies in it. Both are absolute and clean.
func below(file, dir string) bool {
	return file == dir || dir == "/" || strings.HasPrefix(file, dir+"/")
}
