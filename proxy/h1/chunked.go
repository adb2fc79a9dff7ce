package h1

import (
	"bytes"
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

// chunks is what is between the chunks of a body (RFC 9112 7.1).
type chunks struct {
	begun   bool
	baggage int
}

// next reads up to the next chunk's data and says how long it is. It is io.EOF after the last one,
// with the trailer read, judged and forgotten.
func (c *chunks) next(in *input) (size int64, err error) {
	if c.begun {
		if err := c.expectEnd(in); err != nil {
			return 0, err
		}
	}
	c.begun = true
	line, err := readLine(in, maxChunkLine, errChunk)
	if err != nil {
		return 0, err
	}
	size, rest, ok := chunkSize(line)
	if c.baggage += len(rest); !ok || !isExtension(rest) || c.baggage > maxChunkBaggage {
		return 0, errChunk
	}
	if size > 0 {
		return size, nil
	}
	if err := skipTrailer(in); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// expectEnd reads the CR LF after a chunk's data.
func (c *chunks) expectEnd(in *input) error {
	line, err := readLine(in, 0, errChunk)
	if err == nil && len(line) > 0 {
		err = errChunk
	}
	return err
}

// readLine reads a line of at most limit bytes before its CR LF. It is valid until the next read.
func readLine(in *input, limit int, tooLong *Refusal) ([]byte, error) {
	for scanned := 0; ; {
		p := in.buffered()
		if i := bytes.IndexByte(p[scanned:], '\n'); i >= 0 {
			end := scanned + i
			if end == 0 || p[end-1] != '\r' || end-1 > limit {
				return nil, tooLong
			}
			in.discard(end + 1)
			return p[:end-1], nil
		}
		if scanned = len(p); scanned > limit+1 {
			return nil, tooLong
		}
		if err := in.fill(firstSize); err != nil {
			return nil, unexpected(err)
		}
	}
}

func unexpected(err error) error {
	if err == io.EOF {
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
	case isDigit(c):
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

// skipTrailer reads the fields after the last chunk. They could say anything, so they go no further.
func skipTrailer(in *input) error {
	for left := maxTrailer; ; {
		line, err := readLine(in, min(left, firstSize-2), errTrailer)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		if left -= len(line) + 2; left < 0 {
			return errTrailer
		}
		colon, ok := nameLength(line)
		if !ok {
			return errTrailer
		}
		if _, ok := trimValue(line, colon+1); !ok {
			return errTrailer
		}
	}
}
