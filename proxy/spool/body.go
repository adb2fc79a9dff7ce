package spool

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// ErrTooLarge says that a body is larger than it may be.
var ErrTooLarge = errors.New("body is too large")

// Body is a body that was read to its end. It can be read any number of times. The zero value is
// an empty body.
type Body struct {
	memory *[MemorySize]byte
	file   *os.File
	size   int64
}

// ReadAll reads src to its end. It fails with ErrTooLarge after limit bytes (0: no limit), with a
// *DiskError when the spool fails, and otherwise with the error of src. The caller closes the body.
func (d *Dir) ReadAll(src io.Reader, limit int64) (*Body, error) {
	b := &Body{memory: Memory()}
	if err := b.fill(d, src, limit); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Body) fill(d *Dir, src io.Reader, limit int64) error {
	for {
		used := b.size
		if b.file != nil {
			used = 0
		}
		n, err := src.Read(b.memory[used:])
		b.size += int64(n)
		if limit > 0 && b.size > limit {
			return ErrTooLarge
		}
		if b.file != nil {
			if err := b.append(b.memory[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if b.file == nil && b.size == MemorySize {
			if err := b.spill(d); err != nil {
				return err
			}
		}
	}
}

// spill moves what is in memory to a file; the memory is the copy buffer from there on.
func (b *Body) spill(d *Dir) (err error) {
	if b.file, err = d.file(); err != nil {
		return err
	}
	return b.append(b.memory[:])
}

func (b *Body) append(p []byte) error {
	if _, err := b.file.Write(p); err != nil {
		return &DiskError{err}
	}
	return nil
}

// Size is the length of the body in bytes.
func (b *Body) Size() int64 { return b.size }

// Bytes is the whole body when it is in memory, which holds for every body below MemorySize.
func (b *Body) Bytes() ([]byte, bool) {
	if b.file != nil {
		return nil, false
	}
	if b.memory == nil {
		return nil, true
	}
	return b.memory[:b.size], true
}

// Reader reads the body from its beginning.
func (b *Body) Reader() io.Reader {
	if p, ok := b.Bytes(); ok {
		return bytes.NewReader(p)
	}
	return io.NewSectionReader(b.file, 0, b.size)
}

// Close forgets the body. No Reader of it may be used after that.
func (b *Body) Close() {
	if b.memory != nil {
		Free(b.memory)
	}
	if b.file != nil {
		b.file.Close()
	}
	*b = Body{}
}
