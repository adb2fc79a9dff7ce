package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// accessLogs is where the proxy writes them.
var accessLogs = "/var/log/sandwich"

// accessTail reads the access log of a project.
type accessTail struct {
	project string
	path    string
	file    *os.File // nil while it is not there
	offset  int64    // up to where lines were read
}

func newAccessTail(project string) *accessTail {
	return &accessTail{project: project, path: filepath.Join(accessLogs, project+".access.log")}
}

// read gives the lines that are wanted of those that are there. The file before the last rotation is
// read, too, when lines since a time or of a request are wanted.
func (a *accessTail) read(o logOptions) ([]logEntry, error) {
	var entries []logEntry
	each := func(e logEntry) {
		if o.wants(e) {
			entries = append(entries, e)
		}
		if o.lines > 0 && len(entries) >= 2*o.lines+1000 {
			entries = append(entries[:0], entries[len(entries)-o.lines:]...)
		}
	}
	if o.lines == 0 {
		if old, err := openLog(a.path + ".1"); err == nil {
			before := accessTail{project: a.project, file: old}
			before.more(each)
			old.Close()
		}
	}
	file, err := openLog(a.path)
	if err != nil {
		return entries, err
	}
	a.file = file
	if o.lines > 0 && o.since.IsZero() && o.request == "" {
		a.offset = lastLines(file, o.lines)
	}
	a.more(each)
	return entries, nil
}

// openLog opens a file in a directory of the proxy's: what it may have put there in its place, such as a
// link to a file that only root can read, is no log.
func openLog(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
}

// lastLines is where the last n lines of a file begin.
func lastLines(file *os.File, n int) int64 {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0
	}
	const chunk = 64 << 10
	buf := make([]byte, chunk)
	for n++; end > 0; {
		begin := max(end-chunk, 0)
		part := buf[:end-begin]
		if _, err := file.ReadAt(part, begin); err != nil {
			return begin
		}
		for i := len(part) - 1; i >= 0; i-- {
			if part[i] == '\n' {
				if n--; n == 0 {
					return begin + int64(i) + 1
				}
			}
		}
		end = begin
	}
	return 0
}

// more gives each whole line after those that were read.
func (a *accessTail) more(each func(logEntry)) {
	lines := bufio.NewReaderSize(io.NewSectionReader(a.file, a.offset, 1<<62), 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		a.offset += int64(len(line))
		if e, ok := parseAccess(a.project, bytes.TrimSuffix(line, []byte("\n"))); ok {
			each(e)
		}
	}
}

// lookEvery is how often a file is looked at: the proxy writes once a second.
const lookEvery = 250 * time.Millisecond

// follow gives each line when it comes, also from the next file when the log is rotated.
func (a *accessTail) follow(ctx context.Context, each func(logEntry)) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if a.file != nil {
			a.more(each)
		}
		a.reopen()
	}
}

// reopen turns to the file that has the name now.
func (a *accessTail) reopen() {
	named, err := os.Stat(a.path)
	if errors.Is(err, fs.ErrNotExist) || err != nil {
		return
	}
	if a.file != nil {
		if opened, err := a.file.Stat(); err == nil && os.SameFile(named, opened) {
			return
		}
		a.file.Close()
		a.file = nil
	}
	if file, err := openLog(a.path); err == nil {
		a.file, a.offset = file, 0
	}
}

// parseAccess reads a line of either format.
func parseAccess(project string, line []byte) (logEntry, bool) {
	e := logEntry{Project: project, Source: project + ".access", Message: string(line)}
	var status int
	if bytes.HasPrefix(line, []byte("{")) {
		var l struct {
			Time   time.Time `json:"time"`
			ID     string    `json:"request_id"`
			Status int       `json:"status"`
		}
		if json.Unmarshal(line, &l) != nil {
			return e, false
		}
		e.Time, e.RequestID, status = l.Time, l.ID, l.Status
	} else {
		e.RequestID = trailing(e.Message, " id=")
		seconds, err := strconv.ParseFloat(trailing(e.Message, " at="), 64)
		if err != nil {
			return e, false
		}
		e.Time = time.UnixMilli(int64(math.Round(seconds * 1000)))
		status = combinedStatus(e.Message)
	}
	e.Level = accessLevel(status)
	return e, true
}

// trailing is the value after the last such name: what a client sends stands before them all.
func trailing(line, name string) string {
	i := strings.LastIndex(line, name)
	if i < 0 {
		return ""
	}
	value, _, _ := strings.Cut(line[i+len(name):], " ")
	return value
}

// combinedStatus is what follows the request in quotes, in which there are no others.
func combinedStatus(line string) int {
	parts := strings.SplitN(line, `"`, 4)
	if len(parts) < 3 {
		return 0
	}
	text, _, _ := strings.Cut(strings.TrimSpace(parts[2]), " ")
	n, _ := strconv.Atoi(text)
	return n
}

func accessLevel(status int) string {
	switch {
	case status >= 500:
		return "err"
	case status >= 400:
		return "warning"
	}
	return "info"
}
