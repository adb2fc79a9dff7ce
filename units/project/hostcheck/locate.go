package hostcheck

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"sandwich/units/project"
)

// Locate finds where a completed project and the files that are served really are, and notes it in p, which
// must not be shared yet. What cannot be found stays empty; Rest says why.
func Locate(p *project.Project, sys *System) {
	p.Base = sys.base(p.Root)
	p.EnvGuarded = p.EnvFile != "" && sys.Steered(p.EnvFile)
	sys.keepOwn(p)
	for i := range p.Statics {
		if s := &p.Statics[i]; s.Root != "" {
			s.Real = sys.resolve(s.Root).path
		}
	}
	for i := range p.Internals {
		p.Internals[i].Real = sys.resolve(p.Internals[i].Root).path
	}
	p.Proxy.PagesReal = nil
	for _, page := range p.Proxy.ErrorPages {
		if at := sys.resolve(page); at.path != "" && !at.loose && !inside(at.path, p.Base) {
			p.Proxy.PagesReal = append(p.Proxy.PagesReal, at.path)
		}
	}
	slices.Sort(p.Proxy.PagesReal)
}

// keepOwn takes out of what the sandbox opens that which the project's developers chose, with their
// settings or the links of a virtual environment, and that is not the project's own: it may be
// another project's. Whoever writes the project file may open anything.
func (s *System) keepOwn(p *project.Project) {
	if !p.Source.States("writable") {
		p.Writable = slices.DeleteFunc(p.Writable, func(dir string) bool {
			own := s.belongs(p, dir)
			if !own {
				p.Withheld = append(p.Withheld, dir)
			}
			return !own
		})
	}
	if dir := filepath.Dir(p.Interpreter); p.Interpreter != "" && s.uid(p.Interpreter) != 0 && !s.belongs(p, dir) {
		p.Withheld = append(p.Withheld, p.Interpreter)
		p.Interpreter = ""
	}
}

// belongs says whether path leads to something of the project's own: in its directory, or its user's.
func (s *System) belongs(p *project.Project, path string) bool {
	real := s.resolve(path).path
	return inside(real, p.Base) || s.ownedBy(p.User, real)
}

// place is where a path leads to.
type place struct {
	path  string // without symbolic links; "" when it cannot be told
	loose bool   // someone other than root can change a link on the way
}

// resolve follows the symbolic links of path. What is not there yet is taken as it is written.
func (s *System) resolve(path string) place {
	at, todo, links, loose := "/", parts(path), 0, false
	for len(todo) > 0 {
		next := filepath.Join(at, todo[0])
		todo = todo[1:]
		info, err := s.Lstat(next)
		if errors.Is(err, fs.ErrNotExist) {
			return place{filepath.Join(next, filepath.Join(todo...)), loose}
		}
		if err != nil {
			return place{}
		}
		if info.Mode&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := s.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return place{}
		}
		loose = loose || info.UID != 0 || s.uid(at) != 0
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(parts(target), todo...)
	}
	return place{at, loose}
}

// uid is the owner of what is at path itself, -1 when nobody can tell.
func (s *System) uid(path string) int {
	info, err := s.Lstat(path)
	if err != nil {
		return -1
	}
	return info.UID
}

// base is the real directory that is a project's own. Releases change behind a link such as
// "current": then it is the directory with the link, if the same owner has that and the release.
func (s *System) base(root string) string {
	if root == "" {
		return ""
	}
	real := s.resolve(root).path
	for link := root; link != "/"; link = filepath.Dir(link) {
		info, err := s.Lstat(link)
		if err != nil || info.Mode&fs.ModeSymlink == 0 {
			continue
		}
		dir := s.resolve(filepath.Dir(link)).path
		if real != dir && inside(real, dir) && !slices.Contains(shared, dir) && s.uid(dir) == s.uid(real) {
			return dir
		}
	}
	return real
}

// Link finds the symbolic link to the current release that a project's root goes through, and what
// it leads to: a release lies in the directory of the link or below it. Both are "" when there is
// none.
func Link(root string, sys *System) (link, current string) {
	for link := root; link != "/" && link != "." && link != ""; link = filepath.Dir(link) {
		info, err := sys.Lstat(link)
		if err != nil || info.Mode&fs.ModeSymlink == 0 {
			continue
		}
		dir, real := sys.resolve(filepath.Dir(link)).path, sys.resolve(link).path
		if real != dir && inside(real, dir) && !slices.Contains(shared, dir) {
			return link, real
		}
	}
	return "", ""
}

// shared are the directories of many projects.
var shared = []string{"/", "/data", "/home", "/mnt", "/opt", "/srv", "/tmp", "/usr", "/usr/local", "/var", "/var/lib", "/var/tmp", "/var/www"}

// inside says whether path is dir or below it.
func inside(path, dir string) bool {
	return dir != "" && (path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/"))
}
