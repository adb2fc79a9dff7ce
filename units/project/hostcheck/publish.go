package hostcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"sandwich/units/project"
)

// never are directories of the system: nothing in them is a site's, and nobody serves them by intent.
var never = []string{"/proc", "/sys", "/dev", "/run", "/etc", "/var/lib/sandwich"}

// publishable checks that a directory of files may be shown to everyone. The project's settings
// and links belong to its developers, who must not choose among the files of others.
func (c *check) publishable(key string, s project.Static) bool {
	at := c.sys.resolve(s.Root)
	switch {
	case at.path == "":
		return true // why it cannot be reached is told with the way to it
	case holdsSystem(at.path):
		c.refuse(key, "Static files would publish the system", "%q leads to %q, which is never served. Give the files a directory of their own.", s.Root, at.path)
	case at.path != s.Real:
		c.refuse(key, "Static files have moved", "%q led to %q a moment ago and leads to %q now. Run the command again.", s.Root, s.Real, at.path)
	case inside(at.path, c.p.Base) || c.chosen(s, at) || c.owned(at.path):
		return true
	default:
		c.refuse(key, "Static files are not the project's own",
			"%q leads to %q, which is outside the project and does not belong to the user %s. If everyone may see it, write static %q { root = %q }.", s.Root, at.path, c.p.User, s.Prefix, at.path)
	}
	return false
}

// chosen says whether the project file names the directory, and nobody else chooses where that is.
func (c *check) chosen(s project.Static, at place) bool {
	return c.p.Source.States(fmt.Sprintf("static[%q].root", s.Prefix)) && !at.loose
}

// owned says whether path, or the directory that it would be created in, is the project's user's.
func (c *check) owned(path string) bool {
	user, err := c.sys.User(c.p.User)
	if err != nil {
		return false
	}
	info, err := c.sys.Lstat(path)
	for errors.Is(err, fs.ErrNotExist) && path != "/" {
		path = filepath.Dir(path)
		info, err = c.sys.Lstat(path)
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
