package h2

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
)

// raw is a client that can say everything.
type raw struct {
	testing.TB
	conn net.Conn
	enc  *hpack.Encoder
	dec  *hpack.Decoder
	buf  bytes.Buffer
	id   uint32 // of the next request
}

// dial is a client whose settings are exchanged.
func (s *server) dial(settings ...setting) *raw {
	s.Helper()
	c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: pool(), NextProtos: []string{Protocol}})
	must(s, err)
	s.Cleanup(func() { c.Close() })
	must(s, c.SetDeadline(time.Now().Add(patience)))
	r := &raw{TB: s.TB, conn: c, id: 1, dec: hpack.NewDecoder(4096, nil)}
	r.enc = hpack.NewEncoder(&r.buf)
	r.send([]byte(preface), appendSettings(nil, settings...))
	return r
}

func (r *raw) send(parts ...[]byte) {
	r.Helper()
	if _, err := r.conn.Write(bytes.Join(parts, nil)); err != nil {
		r.Fatal(err)
	}
}

// block encodes fields that are written "name: value".
func (r *raw) block(fields ...string) []byte {
	r.buf.Reset()
	for _, f := range fields {
		name, value, _ := strings.Cut(f[1:], ": ")
		must(r, r.enc.WriteField(hpack.HeaderField{Name: f[:1] + name, Value: value}))
	}
	return bytes.Clone(r.buf.Bytes())
}

// get are the pseudo-header fields of a good request.
func get(path string) []string {
	return []string{":method: GET", ":scheme: https", ":authority: demo.example", ":path: " + path}
}

func post(path string) []string {
	return []string{":method: POST", ":scheme: https", ":authority: demo.example", ":path: " + path}
}

// request begins a stream.
func (r *raw) request(end bool, fields ...string) (id uint32) {
	r.Helper()
	id = r.id
	r.id += 2
	r.send(appendHeaders(nil, id, r.block(fields...), end))
	return id
}

// frame is a frame that came.
type frame struct {
	frameHead
	payload []byte
}

func (f frame) String() string { return fmt.Sprintf("%+v %.80q", f.frameHead, f.payload) }

// code is the error code of RST_STREAM or GOAWAY.
func (f frame) code() ErrCode { return ErrCode(binary.BigEndian.Uint32(f.payload[len(f.payload)-4:])) }

func (r *raw) read() (frame, error) {
	var b [frameHeadSize]byte
	if _, err := io.ReadFull(r.conn, b[:]); err != nil {
		return frame{}, err
	}
	f := frame{frameHead: parseHead(b[:])}
	f.payload = make([]byte, f.length)
	_, err := io.ReadFull(r.conn, f.payload)
	return f, err
}

// next is the next frame that says something: not SETTINGS, WINDOW_UPDATE, or an answer to PING.
func (r *raw) next() frame {
	r.Helper()
	for {
		f, err := r.read()
		if err != nil {
			r.Fatalf("no frame came: %v", err)
		}
		if f.kind != frameSettings && f.kind != frameWindowUpdate && f.kind != framePing {
			return f
		}
	}
}

// until reads until a frame of this kind comes.
func (r *raw) until(kind frameType) frame {
	r.Helper()
	for {
		f, err := r.read()
		if err != nil {
			r.Fatalf("no frame of kind %d came: %v", kind, err)
		}
		if f.kind == kind {
			return f
		}
	}
}

// wantReset waits for RST_STREAM.
func (r *raw) wantReset(id uint32, code ErrCode) {
	r.Helper()
	if f := r.until(frameReset); f.stream != id || f.code() != code {
		r.Fatalf("came %v, want a reset of %d with %d", f, id, code)
	}
}

// answer is what a stream is answered with.
type answer struct {
	fields map[string]string
	body   string
	last   bool // the stream was ended
}

// answered reads the answer on one stream.
func (r *raw) answered(id uint32) (a answer) {
	r.Helper()
	a.fields = map[string]string{}
	for !a.last {
		f := r.next()
		if f.stream != id {
			continue
		}
		switch f.kind {
		case frameHeaders:
			for _, field := range r.decode(f.payload) {
				a.fields[field.Name] = field.Value
			}
		case frameData:
			a.body += string(f.payload)
		default:
			r.Fatalf("answer is %v", f)
		}
		a.last = f.has(flagEndStream)
	}
	return a
}

func (r *raw) decode(block []byte) []hpack.HeaderField {
	r.Helper()
	fields, err := r.dec.DecodeFull(block)
	must(r, err)
	return fields
}

// wantServed makes sure that the connection is in order.
func (r *raw) wantServed() {
	r.Helper()
	if a := r.answered(r.request(true, get("/")...)); a.fields[":status"] != "200" {
		r.Fatalf("a good request is answered with %v", a)
	}
}
