// Package hostcheck compares a project with the host it is to run on: directories, accounts, the
// interpreter, what the proxy may read. It changes nothing; what the project file says by itself
// is checked by units/project.
package hostcheck

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"
)

// System is what hostcheck asks the operating system for. Its functions are safe for concurrent use.
type System struct {
	Lstat     func(path string) (Info, error)
	Readlink  func(path string) (string, error)
	List      func(dir string, most int) ([]string, error) // some names in a directory, in no order
	ReadFile  func(path string) ([]byte, error)            // a regular file, not through a link at its end, bounded
	Now       func() time.Time
	User      func(name string) (Account, error)
	GroupID   func(name string) (int, error)
	UserName  func(uid int) string // "" when there is none
	GroupName func(gid int) string
	Calendar  func(schedule string) error // whether systemd understands it; nil when it cannot be asked
}

// Info is what permissions are made of.
type Info struct {
	Mode     fs.FileMode
	UID, GID int
	ACL      []Entry // its POSIX access list, nil when it has none
}

// Account is a user of the host with its groups, the primary one among them.
type Account struct {
	Name   string
	UID    int
	Groups []int
}

// Real is the host itself.
func Real() *System {
	return &System{
		Lstat: lstat, Readlink: os.Readlink, List: list, ReadFile: readFile, Now: time.Now,
		User: account, GroupID: groupID, UserName: userName, GroupName: groupName, Calendar: calendar,
	}
}

func lstat(path string) (Info, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return Info{}, err
	}
	i := Info{Mode: info.Mode()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		i.UID, i.GID = int(stat.Uid), int(stat.Gid)
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		i.ACL = accessList(path)
	}
	return i, nil
}

func list(dir string, most int) ([]string, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(most)
}

// maxManifest bounds what is read of a project's own files.
const maxManifest = 16 << 20

// readFile reads a file that the project's owner may have made a link or a pipe.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() || info.Size() > maxManifest {
		return nil, fs.ErrInvalid
	}
	return io.ReadAll(io.LimitReader(f, maxManifest))
}

func account(name string) (Account, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return Account{}, err
	}
	a := Account{Name: name}
	if a.UID, err = strconv.Atoi(u.Uid); err != nil {
		return Account{}, fmt.Errorf("cannot read the number of the user %s: %w", name, err)
	}
	ids, err := u.GroupIds()
	if err != nil {
		ids = []string{u.Gid}
	}
	for _, id := range ids {
		if gid, err := strconv.Atoi(id); err == nil {
			a.Groups = append(a.Groups, gid)
		}
	}
	return a, nil
}

func groupID(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(g.Gid)
}

func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return ""
	}
	return u.Username
}

func groupName(gid int) string {
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		return ""
	}
	return g.Name
}

// OwnerOf is the names of the user and the group a directory belongs to, "" where there is none.
func (s *System) OwnerOf(path string) (user, group string) {
	info, err := s.stat(path)
	if err != nil {
		return "", ""
	}
	return s.UserName(info.UID), s.GroupName(info.GID)
}
