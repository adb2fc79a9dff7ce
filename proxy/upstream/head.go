package upstream

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"sync"

	"sandwich/proxy/wire"
)

// maxResponseFields is far more than anybody needs, and bounds what one head costs.
const maxResponseFields = 1000

// What is wrong with the head of a response.
var (
	errStatusLine   = errors.New("the status line is not HTTP/1.1 CODE REASON")
	errField        = errors.New("a header field is not NAME: VALUE, or has a control character")
	errFields       = errors.New("there are more than 1000 header fields")
	errTwoLengths   = errors.New("there are two Content-Length fields")
	errLength       = errors.New("Content-Length is no number")
	errCoding       = errors.New("Transfer-Encoding is not chunked")
	errTwoFramings  = errors.New("there are both Content-Length and Transfer-Encoding")
	errCodingInOld  = errors.New("HTTP/1.0 has no Transfer-Encoding")
	errNoStatusCode = errors.New("the status code is below 100 or above 599")
)

// responseHead is the head of a response as it came, without line ends.
type responseHead struct {
	text   []byte
	fields []responseField
}

type responseField struct{ name, value wire.Span }

var responseHeads = sync.Pool{New: func() any { return new(responseHead) }}

// ReadLine is for the chunks of a body, and for the head.
func (u *Conn) ReadLine(limit int) ([]byte, error) {
	line, err := u.in.ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return nil, wire.ErrLine
	case err == io.EOF && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	end := len(line) - 2
	if end < 0 || line[end] != '\r' || end > limit {
		return nil, wire.ErrLine
	}
	return line[:end], nil
}

// readHead reads one head, and makes the response that answers r of it.
func (u *Conn) readHead(r *http.Request) (*http.Response, error) {
	h := responseHeads.Get().(*responseHead)
	defer responseHeads.Put(h)
	h.text, h.fields = h.text[:0], h.fields[:0]
	line, err := u.ReadLine(maxResponseHead)
	if err != nil {
		return nil, err
	}
	res, err := parseStatus(string(line))
	if err != nil {
		return nil, err
	}
	res.Request = r
	if err := h.read(u); err != nil {
		return nil, err
	}
	lengths := h.sort(res)
	return res, u.frame(res, lengths)
}

// parseStatus reads a status line (RFC 9112 4). The space before an empty reason is often left out.
func parseStatus(line string) (*http.Response, error) {
	version, rest, _ := strings.Cut(line, " ")
	res := &http.Response{Proto: version, ProtoMajor: 1}
	switch version {
	case "HTTP/1.1":
		res.ProtoMinor = 1
	case "HTTP/1.0":
	default:
		return nil, errStatusLine
	}
	if len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' || !wire.IsText(rest) {
		return nil, errStatusLine
	}
	for i := range 3 {
		if !wire.IsDigit(rest[i]) {
			return nil, errStatusLine
		}
		res.StatusCode = 10*res.StatusCode + int(rest[i]-'0')
	}
	if res.StatusCode < 100 || res.StatusCode > 599 {
		return nil, errNoStatusCode
	}
	res.Status = rest
	return res, nil
}

// Reason is what the application says behind the status code.
func Reason(res *http.Response) string {
	if len(res.Status) < 4 {
		return ""
	}
	return res.Status[4:]
}

// read reads the fields and the empty line after them.
func (h *responseHead) read(u *Conn) error {
	for {
		line, err := u.ReadLine(maxResponseHead)
		if err != nil {
			return unexpected(err)
		}
		if len(line) == 0 {
			return nil
		}
		name, value, nameOK, valueOK := wire.SplitField(line)
		if !nameOK || !valueOK {
			return errField
		}
		if len(h.fields) == maxResponseFields {
			return errFields
		}
		at := len(h.text)
		h.text = append(h.text, line...)
		h.fields = append(h.fields, responseField{
			wire.Span{Begin: at, End: at + name.End}, wire.Span{Begin: at + value.Begin, End: at + value.End}})
	}
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// lengths is what a head says about the length of its body.
type lengths struct {
	length, coding   string
	lengths, codings int
}

// sort puts the fields into the response's header.
func (h *responseHead) sort(res *http.Response) (l lengths) {
	text := string(h.text)
	res.Header = make(http.Header, len(h.fields))
	values := make([]string, len(h.fields))
	for i := range h.fields {
		f := &h.fields[i]
		name, value := textproto.CanonicalMIMEHeaderKey(text[f.name.Begin:f.name.End]), text[f.value.Begin:f.value.End]
		switch name {
		case "Content-Length":
			l.length = value
			l.lengths++
		case "Transfer-Encoding":
			l.coding = value
			l.codings++
		}
		if before, ok := res.Header[name]; ok {
			res.Header[name] = append(before, value)
			continue
		}
		values[i] = value
		res.Header[name] = values[i : i+1 : i+1]
	}
	return l
}
