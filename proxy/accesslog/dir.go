// Package accesslog writes one line for each request into a file of its project, or into the
// journal. No request waits for it: lines are collected in memory, one goroutine writes them, and
// what finds no room is counted. What a line says is left to the caller.
package accesslog

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Format is how a log is written.
type Format string

// The formats. The zero value is Combined.
const (
	Combined Format = "combined"
	JSON     Format = "json"
	Journal  Format = "journal"
	Off      Format = "off"
)

const (
	flushEvery = time.Second
	flushSize  = 32 << 10  // what one log collects before it is written at once
	maxPending = 256 << 10 // what one log collects when it cannot be written
	maxTotal   = 32 << 20  // what all logs together do
	idleFiles  = time.Minute
)

// Dir is a directory of access logs, NAME.access.log. Its methods are safe for concurrent use.
type Dir struct {
	path string // "": no file is written
	log  *slog.Logger

	total   atomic.Int64 // bytes that are collected in all logs
	dropped atomic.Uint64
	again   atomic.Uint64 // files are to be opened again when it changes

	wake    chan struct{} // some log has much
	records chan Line     // for the journal
	ended   chan struct{} // closed when Run has ended

	mu    sync.Mutex
	dirty []*Log // logs with lines

	open map[*Log]struct{} // logs with an open file; Run's own
}

// Open is the logs of a directory, which need not be there. Nothing is written until Run.
func Open(path string, log *slog.Logger) *Dir {
	return &Dir{path: path, log: log, wake: make(chan struct{}, 1), records: make(chan Line, 2048),
		ended: make(chan struct{}), open: map[*Log]struct{}{}}
}

// Dropped is how many lines were lost since the start.
func (d *Dir) Dropped() uint64 { return d.dropped.Load() }

// Reopen has every file opened again before the next line is written.
func (d *Dir) Reopen() {
	d.again.Add(1)
	d.hurry()
}

func (d *Dir) hurry() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run writes what is collected, at least once a second, until ctx ends, and then the rest.
func (d *Dir) Run(ctx context.Context) {
	defer close(d.ended)
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			d.end()
			return
		case line := <-d.records:
			d.tell(line)
		case <-d.wake:
			d.flush()
		case <-tick.C:
			d.flush()
			d.closeIdle()
		}
	}
}

func (d *Dir) end() {
	for len(d.records) > 0 {
		d.tell(<-d.records)
	}
	d.flush()
	for l := range d.open {
		d.close(l)
	}
}

// flush writes the lines of every log that has any.
func (d *Dir) flush() {
	d.mu.Lock()
	dirty := d.dirty
	d.dirty = nil
	d.mu.Unlock()
	for _, l := range dirty {
		d.write(l)
	}
}

func (d *Dir) closeIdle() {
	now := time.Now()
	for l := range d.open {
		if l.gone.Load() || now.Sub(l.used) > idleFiles {
			d.close(l)
		}
	}
}

func (d *Dir) close(l *Log) {
	l.file.Close()
	l.file = nil
	delete(d.open, l)
}

// write writes what the log has collected. What cannot be written stays for the next time, so that
// a line that was begun is ended when there is room again.
func (d *Dir) write(l *Log) {
	lines := l.take()
	err := d.prepare(l)
	n := 0
	if err == nil {
		n, err = l.file.Write(lines)
		l.used = time.Now()
	}
	d.total.Add(-int64(n))
	if n == len(lines) {
		free(lines)
	} else {
		l.giveBack(lines[n:])
	}
	d.report(l, err)
}

// report says once that a log cannot be written, and once that it can again.
func (d *Dir) report(l *Log, err error) {
	switch {
	case err != nil && !l.broken:
		l.broken = true
		d.log.Warn(fmt.Sprintf("cannot write the access log, serving on and keeping %d kB of it: %v", maxPending>>10, err), "project", l.name)
	case err == nil && l.broken:
		l.broken = false
		d.log.Info(fmt.Sprintf("the access log of %s is written again, %d lines are missing", l.name, l.lost()), "project", l.name)
	}
}

// prepare opens the log's file, again when it was moved or when that was asked for.
func (d *Dir) prepare(l *Log) error {
	if l.file != nil && (l.opened != d.again.Load() || !l.isInPlace()) {
		d.close(l)
	}
	if l.file != nil {
		return nil
	}
	l.opened = d.again.Load()
	if err := l.openFile(); err != nil {
		return err
	}
	d.open[l] = struct{}{}
	return nil
}

// Log is the log of a project. It keeps no file open while nothing is logged.
func (d *Dir) Log(name string) *Log {
	return &Log{dir: d, name: name, path: filepath.Join(d.path, name+".access.log")}
}

// tell writes a line to the journal.
func (d *Dir) tell(line Line) {
	d.log.LogAttrs(context.Background(), slog.LevelInfo, line.summary(),
		slog.String("project", line.Project), slog.String("request_id", line.ID),
		slog.String("client", line.Client), slog.String("user", line.User), slog.String("host", line.Host),
		slog.Int("status", line.Status), slog.Int64("bytes_sent", line.Sent), slog.Int64("bytes_received", line.Received),
		slog.Float64("duration", line.Duration.Seconds()), slog.Float64("queue", line.Queue.Seconds()), slog.Float64("run", line.Run.Seconds()))
}

// sameFile says whether both are the file of one directory entry.
func sameFile(a, b fs.FileInfo) bool {
	one, ok := a.Sys().(*syscall.Stat_t)
	other, ok2 := b.Sys().(*syscall.Stat_t)
	return ok && ok2 && one.Dev == other.Dev && one.Ino == other.Ino
}
