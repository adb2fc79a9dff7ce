package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Dirs are the directories that hold what sandwich generates.
type Dirs struct {
	Units    string // /etc/systemd/system
	Routes   string // /var/lib/sandwich/routes
	Settings string // /var/lib/sandwich/proxy.json, a file

	Maintenance string // /var/lib/sandwich/maintenance
}

// SystemDirs are the directories of a host.
var SystemDirs = Dirs{
	Units:    "/etc/systemd/system",
	Routes:   "/var/lib/sandwich/routes",
	Settings: "/var/lib/sandwich/proxy.json",

	Maintenance: "/var/lib/sandwich/maintenance",
}

func (d Dirs) unit(name string) string     { return filepath.Join(d.Units, name) }
func (d Dirs) route(project string) string { return filepath.Join(d.Routes, project+".json") }

func (d Dirs) maintenance(project string) string {
	return filepath.Join(d.Maintenance, project+".json")
}

// maxGenerated bounds what is read back of generated files, in bytes.
const maxGenerated = 4 << 20

// file is a generated file as it is on the disk.
type file struct {
	content []byte
	changed time.Time
}

// readFile reads a file that sandwich wrote. A missing file is nil without an error. Anything but
// a regular file is an error: a link there is somebody's mask or somebody's trap.
func readFile(path string) (*file, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look at %s: %w", path, err)
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return &file{content: content, changed: info.ModTime()}, nil
}

func regular(path string, info fs.FileInfo) error {
	if info.Mode()&fs.ModeSymlink != 0 {
		if target, _ := os.Readlink(path); target == "/dev/null" {
			return fmt.Errorf("%s is masked: systemctl unmask %s lifts it", path, filepath.Base(path))
		}
		return fmt.Errorf("%s is a symbolic link that sandwich did not make: remove it first", path)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file: remove it first", path)
	}
	if info.Size() > maxGenerated {
		return fmt.Errorf("%s is larger than anything sandwich writes: remove it first", path)
	}
	return nil
}

// writeFile replaces a file as a whole: a reader, or a power cut at any instant, finds the old
// content or the new one. Mode 0644.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	// One fixed name: what a killed command left is used again, never collected. systemd reads
	// no unit from a name without a unit's ending.
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	if err := writeSynced(temporary, content); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		os.Remove(temporary)
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return syncDir(path)
}

// WriteNew writes a file that must not be there yet, whole or not at all; else it is fs.ErrExist.
// Mode 0644. Two may write it at a time.
func WriteNew(path string, content []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".")
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.Write(content)
	err = errors.Join(err, temporary.Chmod(0o644), temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Link(temporary.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return syncDir(path)
}

func writeSynced(path string, content []byte) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	// The umask of whoever runs the command must not hide units from those who may read them.
	return errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
}

// removeFile removes a file, and what a killed command may have left of writing it. A missing
// file is no error.
func removeFile(path string) error {
	os.Remove(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new"))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove %s: %w", path, err)
	}
	return syncDir(path)
}

// syncDir makes a rename or a removal survive a power cut.
func syncDir(path string) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("cannot open the directory of %s: %w", path, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		return fmt.Errorf("cannot sync the directory of %s: %w", path, err)
	}
	return nil
}

// Rewrite replaces what is in a file that a person wrote, with the same care. Its owner and mode stay;
// a symbolic link stays one.
func Rewrite(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("cannot write the file: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("cannot write the file: %w", err)
	}
	if err := writeFile(path, content); err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := errors.Join(os.Chmod(path, info.Mode().Perm()), os.Lchown(path, int(owner.Uid), int(owner.Gid))); err != nil {
		return fmt.Errorf("cannot give %s its owner and mode back: %w", path, err)
	}
	return nil
}
