package static

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// place is one directory with files.
type place struct {
	path     string
	within   []string // where it may really be; nil: anywhere
	manifest manifest

	mu   sync.Mutex
	root *os.Root    // nil until the directory was there
	stat os.FileInfo // of root
	told bool        // that the path leads to where it may not
}

func newPlace(path string, within []string) *place { return &place{path: path, within: within} }

// open finds the directory as it is now: it may have come into being, or a symlink to the current
// release has moved.
func (p *place) open() (*os.Root, error) {
	stat, err := os.Stat(p.path)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.root != nil && os.SameFile(stat, p.stat) {
		return p.root, nil
	}
	root, err := os.OpenRoot(p.path)
	if err != nil {
		return nil, err
	}
	if err = p.admit(root); err == nil {
		stat, err = root.Stat(".")
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	p.root, p.stat = root, stat // the old root may be in use: its finalizer closes it
	return root, nil
}

// errOutside is a root that leads to where it may not. The client is told that there is no file.
var errOutside = errors.New("the directory is not one that may be served")

// admit says whether the opened directory lies where it may, and logs the first that does not. It
// is called with p.mu held.
func (p *place) admit(root *os.Root) error {
	if len(p.within) == 0 {
		return nil
	}
	real, err := realPath(root)
	if err != nil {
		return err
	}
	for _, dir := range p.within {
		if real == dir || strings.HasPrefix(real, dir+"/") {
			return nil
		}
	}
	if !p.told {
		p.told = true
		slog.Warn(fmt.Sprintf("%s leads to %s, which is not the project's: serving nothing of it", p.path, real))
	}
	return errOutside
}

// below is the rest of an absolute path after the directory's, by the name it is known by or by where
// that leads.
func (p *place) below(file string) (rest string, ok bool) {
	if rest, ok = strings.CutPrefix(file, p.path+"/"); ok {
		return rest, true
	}
	root, err := p.open()
	if err != nil {
		return "", false
	}
	real, err := realPath(root)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(file, real+"/")
}

// realPath asks for the path of what is open, not of what has its name by now: nobody can change
// it in between (proc_pid_fd(5)).
func realPath(root *os.Root) (string, error) {
	f, err := root.Open(".")
	if err != nil {
		return "", err
	}
	defer f.Close()
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
}

// errNoFile is a FIFO, a device or a socket among the files.
var errNoFile = errors.New("it is no regular file")

// openFile opens a regular file below root. It never waits for one that is none.
func openFile(root *os.Root, name string) (*os.File, version, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, version{}, err
	}
	v, err := versionOf(f)
	if err != nil {
		f.Close()
		return nil, version{}, err
	}
	return f, v, nil
}

// version is what tells one content of a file from another: nobody can set the time of change.
type version struct {
	dev, ino      uint64
	size          int64
	mtime, ctime  int64 // nanoseconds
	modifiedFully bool  // the file system keeps more than seconds
}

func versionOf(f *os.File) (version, error) {
	stat, err := f.Stat()
	if err != nil {
		return version{}, err
	}
	switch {
	case stat.IsDir():
		return version{}, errDirectory
	case !stat.Mode().IsRegular():
		return version{}, errNoFile
	}
	return versionIn(stat.Sys().(*syscall.Stat_t)), nil
}

func versionIn(s *syscall.Stat_t) version {
	return version{
		dev: uint64(s.Dev), ino: s.Ino, size: s.Size, mtime: s.Mtim.Nano(), ctime: s.Ctim.Nano(),
		modifiedFully: s.Ctim.Nsec != 0,
	}
}

// isAt says whether this version is what a path leads to now.
func (v version) isAt(path string) bool {
	var s syscall.Stat_t
	return syscall.Stat(path, &s) == nil && versionIn(&s) == v
}

// settles is how long a file must have been left alone for its times to tell whether it changes
// again: longer than a tick of the kernel's clock, or than one second where only those are kept.
func (v version) settled(now int64) bool {
	pause := tick
	if !v.modifiedFully {
		pause = 2e9
	}
	return now-v.ctime > pause
}

// tick is more than ten ticks of the slowest kernel, in nanoseconds.
var tick = int64(100e6)
