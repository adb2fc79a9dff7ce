package accesslog

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Log is the access log of one project. Write and Close are safe for concurrent use.
type Log struct {
	dir  *Dir
	name string
	path string

	mu      sync.Mutex
	pending []byte // lines that are not written yet
	missing uint64 // lines dropped since that was told last

	gone atomic.Bool // the project is no longer served

	// These are Run's own.
	file   file
	used   time.Time
	opened uint64 // the Dir's again when the file was opened
	broken bool
}

// Write logs a line. It waits for no disk: when there is no room for the line it is counted as
// dropped.
func (l *Log) Write(as Format, line *Line) {
	switch as {
	case Off:
	case Journal:
		l.tell(line)
	default:
		l.collect(as, line)
	}
}

func (l *Log) tell(line *Line) {
	select {
	case l.dir.records <- *line:
	default:
		l.dir.dropped.Add(1)
	}
}

func (l *Log) collect(as Format, line *Line) {
	if l.dir.path == "" {
		return
	}
	l.mu.Lock()
	before := len(l.pending)
	if before > maxPending || l.dir.total.Load() > maxTotal {
		l.missing++
		l.mu.Unlock()
		l.dir.dropped.Add(1)
		return
	}
	if l.pending == nil {
		l.pending = buffer()
	}
	if as == JSON {
		l.pending = line.appendJSON(l.pending)
	} else {
		l.pending = line.appendCombined(l.pending)
	}
	after := len(l.pending)
	l.mu.Unlock()
	l.dir.total.Add(int64(after - before))
	if before == 0 {
		l.dir.soil(l)
	}
	if before < flushSize && after >= flushSize {
		l.dir.hurry()
	}
}

// Close says that the project is no longer served. Lines of requests that are still in flight are
// written nevertheless.
func (l *Log) Close() { l.gone.Store(true) }

// soil notes that a log has lines.
func (d *Dir) soil(l *Log) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dirty = append(d.dirty, l)
}

// take gives the lines to whoever writes them.
func (l *Log) take() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.pending
	l.pending = nil
	return lines
}

// giveBack puts lines before those that came meanwhile.
func (l *Log) giveBack(lines []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	came := len(l.pending)
	l.pending = append(lines, l.pending...)
	if came == 0 {
		l.dir.soil(l)
	}
}

// lost is how many lines were dropped since it was asked last.
func (l *Log) lost() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.missing
	l.missing = 0
	return n
}

// file is the part of *os.File that is used once it is open.
type file interface {
	Write(p []byte) (int, error)
	Stat() (os.FileInfo, error)
	Close() error
}

var errNoFile = errors.New("it is no regular file")

// openFile opens the file to append to it. One that it makes can be read by the directory's group.
// O_NONBLOCK: a pipe in its place must not keep the writer waiting.
func (l *Log) openFile() error {
	const flags = os.O_WRONLY | os.O_APPEND | syscall.O_NOFOLLOW | syscall.O_NONBLOCK
	f, err := os.OpenFile(l.path, flags|os.O_CREATE|os.O_EXCL, 0o640)
	if err == nil {
		err = f.Chmod(0o640) // whatever the umask
	} else if errors.Is(err, os.ErrExist) {
		f, err = os.OpenFile(l.path, flags, 0)
	}
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return errors.Join(&os.PathError{Op: "open", Path: l.path, Err: errNoFile}, err)
	}
	l.file = f
	return nil
}

// isInPlace says whether the open file is the one of its name still: whoever rotates logs moves it.
func (l *Log) isInPlace() bool {
	named, err := os.Lstat(l.path)
	if err != nil {
		return false
	}
	opened, err := l.file.Stat()
	return err == nil && sameFile(named, opened)
}

// buffers are what lines are collected in.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func buffer() []byte { return (*buffers.Get().(*[]byte))[:0] }

func free(b []byte) {
	if cap(b) <= 2*flushSize {
		buffers.Put(&b)
	}
}
