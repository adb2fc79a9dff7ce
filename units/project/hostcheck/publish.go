package hostcheck

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
)

// never are directories of the system: nothing in them is a site's, and nobody serves them by intent.
var never = []string{"/proc", "/sys", "/dev", "/run", "/etc", "/var/lib/sandwich"}

// publishable checks that a directory of files may be shown to everyone. The project's settings
// and links belong to its developers, who must not choose among the files of others.
func (c *check) publishable(key string, t servedDir) bool {
	at := c.sys.resolve(t.root)
	switch {
	case at.path == "":
		return true // why it cannot be reached is told with the way to it
	case holdsSystem(at.path):
		c.refuse(key, t.called()+" files would publish the system", "%q leads to %q, which is never served. Give the files a directory of their own.", t.root, at.path)
	case at.path != t.real:
		c.refuse(key, t.called()+" files have moved", "%q led to %q a moment ago and leads to %q now. Run the command again.", t.root, t.real, at.path)
	case inside(at.path, c.p.Base) || c.chosen(t, at) || c.owned(at.path):
		return true
	default:
		c.refuse(key, t.called()+" files are not the project's own",
			"%q leads to %q, which is outside the project and does not belong to the user %s. If the visitors may see it, write %s %q { root = %q }.", t.root, at.path, c.p.User, t.kind, t.prefix, at.path)
	}
	return false
}

// showable checks that an error page is the project's own, or that root alone says what it is.
func (c *check) showable(key, page string) bool {
	at := c.sys.resolve(page)
	if at.path == "" || inside(at.path, c.p.Base) || !at.loose && !slices.ContainsFunc(private, func(dir string) bool { return inside(at.path, dir) }) {
		return true // why it cannot be reached is told with the way to it
	}
	c.refuse(key, "An error page is not the project's own",
		"%q leads to %q, which is outside the project. Copy the page into the project, or write the path that it leads to.", page, at.path)
	return false
}

// private are the directories of the system in which no page can be.
var private = []string{"/proc", "/sys", "/dev", "/run", "/var/lib/sandwich"}

// chosen says whether the project file names the directory, and nobody else chooses where that is.
func (c *check) chosen(t servedDir, at place) bool {
	return c.p.Source.States(t.block()+".root") && !at.loose
}

// owned says whether path, or the directory that it would be created in, is the project's user's.
func (c *check) owned(path string) bool { return c.sys.ownedBy(c.p.User, path) }

func (s *System) ownedBy(name, path string) bool {
	user, err := s.User(name)
	if err != nil || path == "" {
		return false
	}
	info, err := s.Lstat(path)
	for errors.Is(err, fs.ErrNotExist) && path != "/" {
		path = filepath.Dir(path)
		info, err = s.Lstat(path)
	}
	return err == nil && info.UID == user.UID
}

func holdsSystem(path string) bool {
	return slices.ContainsFunc(never, func(dir string) bool { return inside(path, dir) || inside(dir, path) })
}

// undecided stands where no command is given: a project's settings can lead anywhere, and what
// root pastes must not open the files of others.
const undecided = "It is outside the project: whether to allow that is for the administrator to decide."

// remedy is the command that lets an account through below the project.
func (c *check) remedy(b *blocked, who Account) string {
	if !inside(b.path, c.p.Base) {
		return undecided
	}
	return remedy(b, who)
}
