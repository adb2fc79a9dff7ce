package spool

import (
	"errors"
	"io"
	"os"
	"sync"
)

// maxFile bounds the disk space of one body, as nginx's proxy_max_temp_file_size does.
const maxFile = 1 << 30

// ErrReaderGone is what Write returns after Abandon.
var ErrReaderGone = errors.New("reader is gone")

// Pipe carries a body from a fast writer to a slow reader without making the writer wait: first
// through memory, then through a file. The writer waits only when the disk is full or the file
// has reached 1 GiB, because a late body is better than a cut one. One writer and one reader.
type Pipe struct {
	dir *Dir

	mu      sync.Mutex
	changed sync.Cond

	// What was written and not read yet is in ring[start:start+held] and after that in
	// file[from:to]: the file is used only while the ring is full or the file is not empty.
	ring        *[MemorySize]byte
	start, held int
	file        *os.File
	from, to    int64
	diskErr     error

	end  error // what Read returns when everything was read; nil while the writer writes
	gone bool  // the reader reads no more
}

// NewPipe is an empty pipe. Whoever made it calls Close when both sides have ended.
func (d *Dir) NewPipe() *Pipe {
	p := &Pipe{dir: d, ring: Memory()}
	p.changed.L = &p.mu
	return p
}

// Write takes all of b, or fails with ErrReaderGone.
func (p *Pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := 0; n < len(b); {
		if p.gone {
			return n, ErrReaderGone
		}
		took := p.take(b[n:])
		if took == 0 {
			p.changed.Wait()
			continue
		}
		n += took
		p.changed.Broadcast()
	}
	return len(b), nil
}

// take stores a part of b where there is room for it.
func (p *Pipe) take(b []byte) int {
	if p.from == p.to && p.held < MemorySize {
		end := (p.start + p.held) % MemorySize
		n := copy(p.ring[end:min(MemorySize, end+MemorySize-p.held)], b)
		p.held += n
		return n
	}
	if p.diskErr != nil || p.to >= maxFile {
		return 0
	}
	return p.takeFile(b)
}

func (p *Pipe) takeFile(b []byte) int {
	if p.file == nil {
		if p.file, p.diskErr = p.dir.file(); p.diskErr != nil {
			return 0
		}
	}
	n, err := p.file.WriteAt(b, p.to)
	if err != nil {
		p.diskErr = &DiskError{err}
	}
	p.to += int64(n)
	return n
}

// Read waits until there is something to read or the writer has ended.
func (p *Pipe) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.held == 0 && p.from == p.to && p.end == nil {
		p.changed.Wait()
	}
	defer p.changed.Broadcast()
	switch {
	case p.held > 0:
		n := copy(b, p.ring[p.start:min(MemorySize, p.start+p.held)])
		p.start = (p.start + n) % MemorySize
		p.held -= n
		return n, nil
	case p.from < p.to:
		return p.readFile(b)
	}
	return 0, p.end
}

func (p *Pipe) readFile(b []byte) (int, error) {
	n, err := p.file.ReadAt(b[:min(int64(len(b)), p.to-p.from)], p.from)
	if err != nil && err != io.EOF {
		return n, &DiskError{err}
	}
	if p.from += int64(n); p.from == p.to {
		p.from, p.to, p.diskErr = 0, 0, nil
		return n, p.file.Truncate(0)
	}
	return n, nil
}

// Empty says whether a Read would have to wait now.
func (p *Pipe) Empty() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held == 0 && p.from == p.to && p.end == nil
}

// DiskError is what the spool suffered so far, or nil. The body is whole all the same.
func (p *Pipe) DiskError() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.diskErr
}

// CloseWrite ends the body: after the last byte Read returns err, or io.EOF when it is nil.
func (p *Pipe) CloseWrite(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end = err; err == nil {
		p.end = io.EOF
	}
	p.changed.Broadcast()
}

// Abandon makes the writer's next Write fail.
func (p *Pipe) Abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = true
	p.changed.Broadcast()
}

// Close gives memory and disk back. Both sides must have ended.
func (p *Pipe) Close() {
	Free(p.ring)
	if p.file != nil {
		p.file.Close()
	}
	p.ring, p.file = nil, nil
}
