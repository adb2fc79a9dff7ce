package tls

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// store is the private directory. What is in it is written as a whole or not at all, and readable
// by its owner only.
type store struct{ dir string }

func (s store) path(name string) string { return filepath.Join(s.dir, name) }

// maxStored bounds what is read back, in bytes.
const maxStored = 4 << 20

// read is the content of a file; fs.ErrNotExist when it is not there.
func (s store) read(name string) ([]byte, error) { return readBounded(s.path(name)) }

func readBounded(path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO must not hang us
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("cannot read %s: it is no regular file", path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxStored+1))
	if err == nil && len(data) > maxStored {
		err = fmt.Errorf("cannot read %s: it has more than %d bytes", path, maxStored)
	}
	return data, err
}

// write replaces a file. After a crash there is the old content or the new one.
func (s store) write(name string, data []byte) error {
	path := s.path(name)
	if err := s.makeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	tmp, err := s.temporary(path, data)
	if err == nil {
		if err = os.Rename(tmp, path); err != nil {
			os.Remove(tmp)
		}
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}

// create is write for a file that must not be there: fs.ErrExist when another process was first.
func (s store) create(name string, data []byte) error {
	path := s.path(name)
	if err := s.makeDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("cannot create %s: %w", path, err)
	}
	tmp, err := s.temporary(path, data)
	if err != nil {
		return fmt.Errorf("cannot create %s: %w", path, err)
	}
	defer os.Remove(tmp)
	if err := os.Link(tmp, path); err != nil {
		return fmt.Errorf("cannot create %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func (s store) makeDir(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

// temporary is a new file, synced, with the data in it.
func (s store) temporary(path string, data []byte) (name string, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		os.Remove(f.Name())
	}
	return f.Name(), err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// remove takes a file away; one that is not there is no mistake.
func (s store) remove(name string) error {
	if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// lock keeps other processes out of a file's next change until unlock. It ends with the process.
func (s store) lock(name string) (unlock func(), err error) {
	if err := s.makeDir(filepath.Dir(s.path(name))); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(s.path(name), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
