package hostcheck

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// The permission bits of one class.
const (
	mayRead   = 4
	mayWrite  = 2
	maySearch = 1
)

// blocked says which file or directory on the way to a path an account may not use.
type blocked struct {
	path string
	info Info
	need uint16
}

// errLoop is a path whose symbolic links lead round in a circle.
var errLoop = errors.New("too many symbolic links")

// maxLinks is where Linux gives up, too (path_resolution(7)).
const maxLinks = 40

// Reach walks to path as the kernel does for the account, following symbolic links. It gives what
// blocks the way, or nil, and what is at the end. need is what the account wants to do there.
func (s *System) reach(path string, who Account, need uint16) (Info, *blocked, error) {
	at, todo, links := "/", parts(path), 0
	info, err := s.Lstat(at)
	if err != nil {
		return info, nil, err
	}
	for len(todo) > 0 {
		if info.Mode.IsDir() && !info.allows(who, maySearch) {
			return info, &blocked{at, info, maySearch}, nil
		}
		next := filepath.Join(at, todo[0])
		todo = todo[1:]
		if info, err = s.Lstat(next); err != nil {
			return info, nil, err
		}
		if info.Mode&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return info, nil, errLoop
		}
		target, err := s.Readlink(next)
		if err != nil {
			return info, nil, err
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(parts(target), todo...)
		if info, err = s.Lstat(at); err != nil {
			return info, nil, err
		}
	}
	if !info.allows(who, need) {
		return info, &blocked{at, info, need}, nil
	}
	return info, nil, nil
}

// parts are the names in a path. ".." after a symbolic link goes up from where it leads to, which
// filepath.Join does as well because at never holds a link.
func parts(path string) []string {
	return slices.DeleteFunc(strings.Split(path, "/"), func(p string) bool { return p == "" || p == "." })
}

// stat is what is at the end of a path, without asking who may get there.
func (s *System) stat(path string) (Info, error) {
	info, _, err := s.reach(path, Account{}, 0)
	return info, err
}

// allows says whether the account has all the wanted permissions (acl(5), "access check algorithm").
func (i Info) allows(who Account, want uint16) bool {
	if who.UID == 0 {
		return true
	}
	return i.granted(who)&want == want
}

func (i Info) granted(who Account) uint16 {
	mode := uint16(i.Mode.Perm())
	if who.UID == i.UID {
		return mode >> 6 & 7
	}
	if i.ACL != nil {
		return i.listed(who)
	}
	if slices.Contains(who.Groups, i.GID) {
		return mode >> 3 & 7
	}
	return mode & 7
}

// listed is what an access list grants to someone who is not the owner. The mask bounds all but
// others; of several groups any one is enough, taken here as their union, which differs from the
// kernel only when two groups hold half of the wanted permissions each.
func (i Info) listed(who Account) uint16 {
	mask, other, groups, inGroup := uint16(7), uint16(0), uint16(0), false
	for _, e := range i.ACL {
		switch e.Tag {
		case tagMask:
			mask = e.Perm
		case tagOther:
			other = e.Perm
		}
	}
	for _, e := range i.ACL {
		if e.Tag == tagUser && e.ID == who.UID {
			return e.Perm & mask
		}
		own := e.Tag == tagGroupObj && slices.Contains(who.Groups, i.GID)
		if own || e.Tag == tagGroup && slices.Contains(who.Groups, e.ID) {
			groups, inGroup = groups|e.Perm, true
		}
	}
	if inGroup {
		return groups & mask
	}
	return other
}

// Public says whether every account of the host may read the file at path.
func (s *System) Public(path string) bool {
	// No account has this number (systemd's UIDS-GIDS document: 65535 is never given out).
	nobody := Account{UID: 65535}
	info, block, err := s.reach(path, nobody, mayRead)
	return err == nil && block == nil && info.Mode.IsRegular()
}

// Connectable names the file or directory that keeps a user from connecting to a unix socket, ""
// when nothing does or nobody can tell. To connect one writes (unix(7)).
func (s *System) Connectable(socket, user string) (blocked string) {
	return s.blocks(socket, user, mayWrite)
}

// Listable names the directory that keeps a user from reading one, like Connectable.
func (s *System) Listable(dir, user string) (blocked string) {
	return s.blocks(dir, user, mayRead|maySearch)
}

func (s *System) blocks(path, user string, need uint16) string {
	who, err := s.User(user)
	if err != nil {
		return ""
	}
	_, block, err := s.reach(path, who, need)
	if err != nil || block == nil {
		return ""
	}
	return block.path
}
