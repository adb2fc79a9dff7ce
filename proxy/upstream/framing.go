package upstream

import (
	"io"
	"net/http"
	"net/textproto"
	"strings"

	"sandwich/proxy/wire"
)

// frame gives the response its body (RFC 9112 6.3). What could be read in two ways is refused.
func (u *Conn) frame(res *http.Response, l lengths) error {
	res.ContentLength, res.Body = -1, http.NoBody
	length, err := l.judge(res.ProtoMinor)
	if err != nil {
		return err
	}
	switch {
	case res.StatusCode < 200 || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified:
	case res.Request.Method == http.MethodHead:
		res.ContentLength = length
	case l.codings > 0:
		res.TransferEncoding, res.Trailer = chunkedCoding, announced(res.Header)
		res.Body = &chunkedBody{u: u, res: res}
	case length > 0:
		res.ContentLength, res.Body = length, &sizedBody{u, length}
	case length == 0:
		res.ContentLength = 0
	default:
		res.Body = io.NopCloser(u.in)
	}
	return nil
}

var chunkedCoding = []string{"chunked"}

// judge is the length that Content-Length tells, or -1.
func (l *lengths) judge(minor int) (int64, error) {
	switch {
	case l.codings > 0 && l.lengths > 0:
		return 0, errTwoFramings
	case l.lengths > 1:
		return 0, errTwoLengths
	case l.codings > 0 && minor == 0:
		return 0, errCodingInOld
	case l.codings > 1 || l.codings == 1 && !strings.EqualFold(l.coding, "chunked"):
		return 0, errCoding
	case l.lengths == 0:
		return -1, nil
	}
	n, ok := wire.Length(l.length)
	if !ok {
		return 0, errLength
	}
	return n, nil
}

// announced are the fields that Trailer names. They get their values at the end of the body.
func announced(h http.Header) http.Header {
	var names http.Header
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)); wire.MayTrail(name) {
				if names == nil {
					names = http.Header{}
				}
				names[name] = nil
			}
		}
	}
	return names
}

// sizedBody is a body of which left bytes are to come.
type sizedBody struct {
	u    *Conn
	left int64
}

// Read is io.EOF together with the last byte.
func (b *sizedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.u.in.Read(p[:min(int64(len(p)), b.left)])
	if b.left -= int64(n); b.left == 0 {
		return n, io.EOF
	}
	return n, unexpected(err)
}

// Close leaves the connection to whoever made it.
func (b *sizedBody) Close() error { return nil }

// chunkedBody is a body in chunks.
type chunkedBody struct {
	u      *Conn
	res    *http.Response
	chunks wire.Chunks
	left   int64 // of the chunk
	err    error
}

// Read is io.EOF when the last chunk and the trailer were read.
func (b *chunkedBody) Read(p []byte) (n int, err error) {
	if b.err == nil && b.left == 0 {
		b.left, b.err = b.chunks.Next(b.u, b.trail)
	}
	if b.err != nil {
		return 0, b.err
	}
	n, err = b.u.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.err = unexpected(err)
	return n, b.err
}

// Close leaves the connection to whoever made it.
func (b *chunkedBody) Close() error { return nil }

func (b *chunkedBody) trail(name, value string) {
	if name = textproto.CanonicalMIMEHeaderKey(name); b.res.Trailer != nil {
		if before, ok := b.res.Trailer[name]; ok {
			b.res.Trailer[name] = append(before, value)
		}
	}
}
