package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// WriteFile replaces a file as a whole, with mode 0644: a reader, or a power cut at any instant,
// finds the old content or the new one.
func WriteFile(path string, content []byte) error { return writeFile(path, content) }

// WritePrivate replaces a file as a whole that nobody but root reads, where a reboot empties the
// directory. Two may write it at a time.
func WritePrivate(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// RemoveFile removes a file. A missing file is no error.
func RemoveFile(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return removeFile(path)
}

// MoveLink has a symbolic link lead to target, in one step: whoever follows it finds the old
// release or the new one. The directory of the link belongs to the project's user or to root, and
// its owner must not make root write elsewhere: dir is the real directory that it must be.
func MoveLink(link, dir, target string) error {
	if err := moveLink(link, dir, target); err != nil {
		return fmt.Errorf("cannot have %s lead to %s: %w", link, target, err)
	}
	return nil
}

func moveLink(link, dir, target string) error {
	root, err := os.OpenRoot(filepath.Dir(link))
	if err != nil {
		return err
	}
	defer root.Close()
	owner, err := ownerOf(root, dir)
	if err != nil {
		return err
	}
	name := filepath.Base(link)
	temporary := "." + name + ".new"
	if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := root.Symlink(target, temporary); err != nil {
		return err
	}
	if err := errors.Join(root.Lchown(temporary, owner[0], owner[1]), root.Rename(temporary, name)); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return syncRoot(root)
}

// ownerOf is the owner of the opened directory, which must be dir.
func ownerOf(root *os.Root, dir string) (owner [2]int, err error) {
	f, err := root.Open(".")
	if err != nil {
		return owner, err
	}
	defer f.Close()
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return owner, err
	}
	if real != dir {
		return owner, fmt.Errorf("its directory is %s by now, not %s", real, dir)
	}
	info, err := f.Stat()
	if err != nil {
		return owner, err
	}
	stat := info.Sys().(*syscall.Stat_t)
	return [2]int{int(stat.Uid), int(stat.Gid)}, nil
}

// syncRoot makes the new link survive a power cut.
func syncRoot(root *os.Root) error {
	f, err := root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
