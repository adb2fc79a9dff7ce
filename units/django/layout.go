package django

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// Layout is what the tree below a project's root tells without running anything. What was not
// found is empty.
type Layout struct {
	Manage   []string // every manage.py found: in the root, or else one level below it
	Dir      string   // the directory of the only manage.py, else the root
	Settings string   // the settings module that manage.py sets
	Python   string   // the interpreter of a virtual environment below the root
	WSGI     string   // "module:application" of a wsgi.py
	ASGI     string   // "module:application" of an asgi.py
	Gunicorn string   // the gunicorn.conf.py in Dir, which gunicorn by itself would read
	Deploy   []string // settings modules named for production beside the one of manage.py, when that is not one of them
	Serving  string   // the settings module that wsgi.py or asgi.py sets, when it is another than manage.py's
}

// Ambiguous says whether several manage.py files were found and none can be preferred.
func (l Layout) Ambiguous() bool { return len(l.Manage) > 1 }

// SystemPython is the interpreter of a project that has no virtual environment.
const SystemPython = "/usr/bin/python3"

// maxEntries bounds how much of a directory is looked at, maxSource how much of a file.
const (
	maxEntries = 2000
	maxSource  = 64 << 10
)

// Look reads the tree at root, two levels deep at most, and runs nothing. A root that cannot be
// read is an error; everything else that cannot be read is as if it were not there.
func Look(root string) (Layout, error) {
	l := Layout{Dir: root}
	entries, err := list(root)
	if err != nil {
		return l, fmt.Errorf("cannot look at the project: %w", err)
	}
	l.Manage = managers(root, entries)
	if len(l.Manage) == 1 {
		l.Dir = filepath.Dir(l.Manage[0])
		l.Settings = settingsOf(l.Manage[0])
	}
	l.Deploy = l.production()
	l.Python = python(root, l.Dir, entries)
	l.WSGI = l.callable("wsgi")
	l.ASGI = l.callable("asgi")
	l.Serving = l.otherSettings()
	if settings := filepath.Join(l.Dir, "gunicorn.conf.py"); isFile(settings) {
		l.Gunicorn = settings
	}
	return l, nil
}

// list is the names of the subdirectories and files of a directory, sorted and bounded.
func list(dir string) ([]string, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(maxEntries)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	slices.Sort(names)
	return names, nil
}

func managers(root string, entries []string) []string {
	if own := filepath.Join(root, "manage.py"); isFile(own) {
		return []string{own}
	}
	var found []string
	for _, name := range entries {
		below := filepath.Join(root, name, "manage.py")
		if !strings.HasPrefix(name, ".") && isFile(below) {
			found = append(found, below)
		}
	}
	return found
}

// settingsLine is how Django's own manage.py, and every variation of it, names the settings.
var settingsLine = regexp.MustCompile(
	`(?m)^[^#\n]*['"]DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"]([A-Za-z_][A-Za-z0-9_.]*)['"]`)

func settingsOf(manage string) string {
	text := source(manage)
	if m := settingsLine.FindSubmatch(text); m != nil && dotted(string(m[1])) {
		return string(m[1])
	}
	// Before Django 1.4 manage.py imported the module beside it, which could then be read by that name.
	if executeManager.Match(text) && isFile(filepath.Join(filepath.Dir(manage), "settings.py")) {
		return "settings"
	}
	return ""
}

// executeManager is what such a manage.py calls.
var executeManager = regexp.MustCompile(`(?m)^[^#\n]*\bexecute_manager\(`)

// forProduction are the usual names of the settings that a site is served with.
var forProduction = []string{"production", "prod", "live"}

// production finds settings for production in the package of the settings that manage.py names, or
// beside them.
func (l Layout) production() []string {
	package_, last := "", l.Settings
	if dot := strings.LastIndexByte(l.Settings, '.'); dot >= 0 {
		package_, last = l.Settings[:dot], l.Settings[dot+1:]
	}
	if l.Settings == "" || slices.Contains(forProduction, last) {
		return nil
	}
	var found []string
	for _, parent := range []string{l.Settings, package_} {
		for _, name := range forProduction {
			file := filepath.Join(l.Dir, strings.ReplaceAll(parent, ".", "/"), name+".py")
			if parent != "" && isFile(file) {
				found = append(found, parent+"."+name)
			}
		}
	}
	return found
}

// source is the beginning of a regular file, empty when there is none. O_NONBLOCK: the project's
// owner may have put a pipe there, which would keep us waiting for ever.
func source(file string) []byte {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSource))
	if err != nil {
		return nil
	}
	return content
}

// python is the interpreter of the virtual environment of a project: by its usual names first,
// then a .venv file that says where it is, then any directory that is one.
func python(root, dir string, entries []string) string {
	for _, base := range slices.Compact([]string{root, dir}) {
		for _, name := range []string{"venv", ".venv", "env"} {
			if p := interpreter(filepath.Join(base, name)); p != "" {
				return p
			}
		}
		if p := interpreter(pointedAt(filepath.Join(base, ".venv"))); p != "" {
			return p
		}
	}
	for _, name := range entries {
		env := filepath.Join(root, name)
		if p := interpreter(env); p != "" && isFile(filepath.Join(env, "pyvenv.cfg")) {
			return p
		}
	}
	return ""
}

// pointedAt is the directory that a .venv file names.
func pointedAt(file string) string {
	dir := strings.TrimSpace(string(source(file)))
	if dir == "" || dir != printable(dir) {
		return ""
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(file), dir)
	}
	return filepath.Clean(dir)
}

func interpreter(env string) string {
	for _, name := range []string{"python", "python3"} {
		p := filepath.Join(env, "bin", name)
		if env != "" && isFile(p) {
			return p
		}
	}
	return ""
}

// callable is the application of a wsgi.py or asgi.py: beside the settings, in a package above
// them, or in the only package of the project that has one.
func (l Layout) callable(name string) string {
	parts := strings.Split(l.Settings, ".")
	for n := len(parts) - 1; n >= 0 && l.Settings != ""; n-- {
		dir := filepath.Join(append([]string{l.Dir}, parts[:n]...)...)
		if isFile(filepath.Join(dir, name+".py")) {
			return strings.Join(append(slices.Clone(parts[:n]), name), ".") + ":application"
		}
	}
	return l.onlyCallable(name)
}

func (l Layout) onlyCallable(name string) string {
	entries, err := list(l.Dir)
	if err != nil {
		return ""
	}
	found := ""
	for _, dir := range entries {
		if !identifier(dir) || !isFile(filepath.Join(l.Dir, dir, name+".py")) {
			continue
		}
		if found != "" {
			return ""
		}
		found = dir + "." + name + ":application"
	}
	return found
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&fs.ModeType == 0
}

// otherSettings is the settings module that the server's entry point names, when that is not the
// one of manage.py: development settings there and production settings here is a common layout.
func (l Layout) otherSettings() string {
	for _, callable := range []string{l.WSGI, l.ASGI} {
		module, _, _ := strings.Cut(callable, ":")
		if module == "" {
			continue
		}
		file := filepath.Join(l.Dir, strings.ReplaceAll(module, ".", "/")+".py")
		if named := settingsOf(file); named != "" && named != l.Settings {
			return named
		}
	}
	return ""
}
