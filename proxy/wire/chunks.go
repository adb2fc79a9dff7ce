package wire

import (
	"errors"
	"io"
	"math"
)

// The bounds on what a chunked body may carry besides its data. nginx has none on extensions, and
// nobody uses them.
const (
	maxChunkLine    = 256      // a size and its extensions
	maxChunkBaggage = 16 << 10 // extensions of a whole body
	maxTrailer      = 8 << 10
)

// MaxLine is the longest line that Chunks asks for, without its end.
const MaxLine = 4 << 10

// What Chunks fails with, and what Lines is to fail with for a line that is too long or does not
// end with CR LF.
var (
	ErrLine    = errors.New("a line is too long or does not end with CR LF")
	ErrChunk   = errors.New("a chunk is broken")
	ErrTrailer = errors.New("the trailer is broken or too large")
)

// Lines gives one line after the other, of limit bytes at most, without its CR LF. It fails with
// ErrLine. The line need not be valid after the next call.
type Lines interface {
	ReadLine(limit int) ([]byte, error)
}

// Chunks is what stands between the chunks of a body (RFC 9112 7.1). The zero value is the beginning
// of one.
type Chunks struct {
	begun   bool
	baggage int
}

// Next reads up to the next chunk's data and says how long it is. After the last one it hands each
// field of the trailer to trail and fails with io.EOF.
func (c *Chunks) Next(in Lines, trail func(name, value string)) (size int64, err error) {
	if c.begun {
		if line, err := in.ReadLine(0); err != nil || len(line) > 0 {
			return 0, broken(err, ErrChunk)
		}
	}
	c.begun = true
	line, err := in.ReadLine(maxChunkLine)
	if err != nil {
		return 0, broken(err, ErrChunk)
	}
	size, rest, ok := chunkSize(line)
	if c.baggage += len(rest); !ok || !isExtension(rest) || c.baggage > maxChunkBaggage {
		return 0, ErrChunk
	}
	if size > 0 {
		return size, nil
	}
	if err := readTrailer(in, trail); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// broken says what the end of a line, or its lack, means here.
func broken(err, what error) error {
	switch err {
	case nil, ErrLine:
		return what
	case io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

// chunkSize is the number at the beginning of line: one to sixteen hexadecimal digits, nothing else.
func chunkSize(line []byte) (size int64, rest []byte, ok bool) {
	n := 0
	for n < len(line) {
		d := hexDigit(line[n])
		if d < 0 {
			break
		}
		if n++; n > 16 || size > math.MaxInt64>>4 {
			return 0, nil, false
		}
		size = size<<4 | int64(d)
	}
	return size, line[n:], n > 0
}

func hexDigit(c byte) int {
	switch {
	case IsDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// isExtension says whether rest is what may follow a size: nothing, or ";" and printable characters.
func isExtension(rest []byte) bool {
	if len(rest) == 0 {
		return true
	}
	for _, c := range rest {
		if c < ' ' && c != '\t' || c >= 0x7f {
			return false
		}
	}
	return rest[0] == ';'
}

func readTrailer(in Lines, trail func(name, value string)) error {
	for left := maxTrailer; ; {
		line, err := in.ReadLine(min(left, MaxLine))
		if err != nil {
			return broken(err, ErrTrailer)
		}
		if len(line) == 0 {
			return nil
		}
		name, value, nameOK, valueOK := SplitField(line)
		if left -= len(line) + 2; left < 0 || !nameOK || !valueOK {
			return ErrTrailer
		}
		if trail != nil {
			trail(string(line[name.Begin:name.End]), string(line[value.Begin:value.End]))
		}
	}
}
