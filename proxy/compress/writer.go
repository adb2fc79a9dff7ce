package compress

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The work for answers that are made anew each time, and for files that are compressed once.
const (
	quickly = 4 // of gzip's 1 to 9
	well    = 7
)

// window bounds what an encoder of a stream keeps, and what a browser must keep to read it, which
// may refuse more than 8 MiB (RFC 9659).
const window = 256 << 10

// streams bounds the encoders at work for clients that may be slow: each takes about 1 MiB.
const streams = 128

var slots = make(chan struct{}, streams)

// encoder is what the codings' own writers have in common.
type encoder interface {
	io.WriteCloser
	Flush() error
	Reset(io.Writer)
}

var pools = [Codings]sync.Pool{
	Gzip: {New: func() any { return newGzip(quickly) }},
	Zstd: {New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(window),
			zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
		if err != nil {
			panic(err) // only for options that no encoder takes
		}
		return e
	}},
}

func newGzip(level int) *gzip.Writer {
	w, err := gzip.NewWriterLevel(nil, level)
	if err != nil {
		panic(err) // only for a level that there is not
	}
	return w
}

// Writer compresses what is written to it. It is not safe for concurrent use.
type Writer struct {
	coding Coding
	to     encoder
}

// NewWriter compresses into w, which gets something only when there is enough of it, and at Flush
// and Close. padded hides the exact length from whoever watches; only gzip can do that. It is nil
// when there are too many of them already: the body is then better sent as it is.
func NewWriter(w io.Writer, c Coding, padded bool) *Writer {
	select {
	case slots <- struct{}{}:
	default:
		return nil
	}
	to := pools[c].Get().(encoder)
	to.Reset(w)
	pad(to, padded)
	return &Writer{c, to}
}

// pad puts a comment of random length before the body: so the length of a page tells little about
// a secret in it, however often it is asked for.
func pad(e encoder, padded bool) {
	if gz, ok := e.(*gzip.Writer); ok {
		gz.Comment = ""
		if padded {
			gz.Comment = strings.Repeat("-", 1+rand.IntN(100))
		}
	}
}

// Write takes all of p.
func (w *Writer) Write(p []byte) (int, error) { return w.to.Write(p) }

// Flush sends everything that was written on its way.
func (w *Writer) Flush() error { return w.to.Flush() }

// Close ends the body. The writer is not to be used after it.
func (w *Writer) Close() error {
	err := w.to.Close()
	w.Abandon()
	return err
}

// Abandon gives the writer up in the middle of a body. The writer is not to be used after it.
func (w *Writer) Abandon() {
	w.to.Reset(nil)
	pools[w.coding].Put(w.to)
	<-slots
}

// Page is a body that is made anew for each request, in the coding c, or nil when it does not become
// smaller. padded is as in NewWriter.
func Page(body []byte, c Coding, padded bool) []byte {
	if c == Zstd {
		return smaller(pageEncoder().EncodeAll(body, make([]byte, 0, len(body)/2)), body)
	}
	gz := pools[Gzip].Get().(encoder)
	defer pools[Gzip].Put(gz)
	return smaller(whole(gz, body, padded), body)
}

// File is a body that is kept, in the coding c, or nil when it does not become smaller.
func File(body []byte, c Coding) []byte {
	if c == Zstd {
		return smaller(fileEncoder().EncodeAll(body, make([]byte, 0, len(body)/2)), body)
	}
	return smaller(whole(newGzip(well), body, false), body)
}

var (
	pageEncoder = sync.OnceValue(func() *zstd.Encoder { return bodyEncoder(zstd.SpeedFastest) })
	fileEncoder = sync.OnceValue(func() *zstd.Encoder { return bodyEncoder(zstd.SpeedBetterCompression) })
)

// bodyEncoder is for bodies that are there as a whole. It may be used by many at the same time.
func bodyEncoder(level zstd.EncoderLevel) *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(false),
		zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // only for options that no encoder takes
	}
	return e
}

func whole(e encoder, body []byte, padded bool) []byte {
	out := bytes.NewBuffer(make([]byte, 0, len(body)/2))
	e.Reset(out)
	pad(e, padded)
	e.Write(body) // a buffer takes everything
	e.Close()
	return out.Bytes()
}

func smaller(out, body []byte) []byte {
	if len(out) >= len(body) {
		return nil
	}
	return out
}
