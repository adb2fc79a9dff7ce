package hostcheck

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// Steered says whether not only root chooses what path leads to: somebody else may change a directory
// or a link on the way. What root reads there could be any file of the host a moment later.
func (s *System) Steered(path string) bool {
	at, todo, links := "/", parts(path), 0
	for len(todo) > 0 {
		next := filepath.Join(at, todo[0])
		todo = todo[1:]
		dir, err := s.Lstat(at)
		if err != nil {
			return !errors.Is(err, fs.ErrPermission)
		}
		info, err := s.Lstat(next)
		if err == nil && !dir.keeps(info) || err != nil && !dir.keeps(Info{UID: -1}) {
			return true
		}
		if err != nil {
			// Only root can create it, or let anybody else see it.
			return !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
		}
		if info.Mode&fs.ModeSymlink == 0 {
			at = next
			continue
		}
		target, err := s.Readlink(next)
		if links++; err != nil || links > maxLinks {
			return true
		}
		if filepath.IsAbs(target) {
			at = "/"
		}
		todo = append(parts(target), todo...)
	}
	return false
}

// keeps says whether nobody but root can put something else in the place of an entry of the directory.
func (dir Info) keeps(entry Info) bool {
	if dir.UID != 0 {
		return false
	}
	// With an access list the group's bits bound what it grants to others than the owner.
	others := dir.Mode.Perm()&0o002 != 0 || dir.Mode.Perm()&0o020 != 0 && (dir.GID != 0 || dir.ACL != nil)
	return !others || dir.Mode&fs.ModeSticky != 0 && entry.UID == 0
}
