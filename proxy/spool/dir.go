// Package spool keeps message bodies while their two ends work at different speeds: in memory as
// long as they are small, then in files that have no name and vanish with the process. What is in
// a body is none of its business.
package spool

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// MemorySize is how much of one body is kept in memory before a file is used.
const MemorySize = 64 << 10

// Dir is a private directory for bodies that are too large for memory. Safe for concurrent use.
type Dir struct{ path string }

// Open uses path, and makes it with mode 0700 when it is not there.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make spool directory: %w", err)
	}
	d := &Dir{path: path}
	f, err := d.file()
	if err != nil {
		return nil, err
	}
	return d, f.Close()
}

// DiskError says that a body could not be spooled: the disk's fault, not the peer's.
type DiskError struct{ Err error }

func (e *DiskError) Error() string { return "cannot spool body: " + e.Err.Error() }
func (e *DiskError) Unwrap() error { return e.Err }

// file is a new file without a name: nothing to clean up, whatever happens to the process.
func (d *Dir) file() (*os.File, error) {
	f, err := os.OpenFile(d.path, os.O_RDWR|unix.O_TMPFILE, 0o600)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		return d.unlinkedFile() // a file system without O_TMPFILE, open(2)
	}
	if err != nil {
		return nil, &DiskError{err}
	}
	return f, nil
}

func (d *Dir) unlinkedFile() (*os.File, error) {
	f, err := os.CreateTemp(d.path, "body-")
	if err != nil {
		return nil, &DiskError{err}
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, &DiskError{err}
	}
	return f, nil
}

var memory = sync.Pool{New: func() any { return new([MemorySize]byte) }}

// Memory is a buffer of MemorySize from a pool; its content is arbitrary.
func Memory() *[MemorySize]byte { return memory.Get().(*[MemorySize]byte) }

// Free gives a buffer back. Nobody may use it after that.
func Free(b *[MemorySize]byte) { memory.Put(b) }
