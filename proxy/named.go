package proxy

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sandwich/proxy/header"
	"sandwich/proxy/static"
	"sandwich/proxy/upstream"
)

// sendNamed answers with the file that the application has named instead of sending one, and says
// whether it has: by X-Accel-Redirect, as nginx knows it, or by X-Sendfile.
func (x *exchange) sendNamed(res *http.Response) bool {
	uri, file := res.Header.Get("X-Accel-Redirect"), res.Header.Get("X-Sendfile")
	if uri == "" && file == "" {
		return false
	}
	x.end()
	x.leave()
	dir, rest, err := x.p.byURI(x.r.Host, uri)
	if uri == "" {
		dir, rest, err = x.p.byPath(file)
	}
	if err == nil {
		err = keepFields(x.Header(), res.Header)
	}
	if err != nil {
		x.onlyOurs()
		x.p.site.failed(x.log(), fmt.Errorf("%w: %w", upstream.ErrBroken, err))
		x.fail(http.StatusBadGateway)
		return true
	}
	x.setHeaders()
	status := dir.Send(x.paced(res.Header.Get("X-Accel-Limit-Rate")), x.r, rest)
	if status > 0 {
		x.onlyOurs()
	}
	if status == http.StatusNotFound {
		x.p.site.complain(x.log(), fmt.Sprintf("the application names a file that is not there, answering 404: %q", uri+file))
	}
	x.served(status)
	return true
}

// onlyOurs takes back what the application has said, before a page of ours.
func (x *exchange) onlyOurs() {
	h := x.Header()
	for name := range h {
		switch name {
		case "X-Request-Id", "Content-Range", "Connection":
		default:
			delete(h, name)
		}
	}
}

// bodily are the fields that speak of a body which the application did not send. Its validators are among
// them: Django makes them of the empty body.
var bodily = []string{"Content-Range", "Accept-Ranges", "Etag", "Last-Modified", "Trailer"}

// keepFields is what reaches the client of an application's fields beside a file.
func keepFields(dst, src http.Header) error {
	if err := header.CopyResponse(dst, src); err != nil {
		return err
	}
	for _, name := range bodily {
		delete(dst, name)
	}
	kind := dst.Get("Content-Type")
	if charset := src.Get("X-Accel-Charset"); charset != "" && strings.HasPrefix(kind, "text/") && !strings.Contains(kind, "charset=") {
		if with := mime.FormatMediaType(kind, map[string]string{"charset": charset}); with != "" {
			dst["Content-Type"] = []string{with}
		}
	}
	if kind == "" {
		delete(dst, "Content-Type") // the way to ask for that of the file
	}
	if dst["Cache-Control"] == nil {
		dst["Cache-Control"] = []string{"private"} // who may have it was decided for this visitor
	}
	return nil
}

var (
	errNoBlock  = errors.New("it names a file in no static or internal block")
	errNoPath   = errors.New("it names something that is no path of a file")
	errLocation = errors.New("it names a location of nginx")
)

// byURI finds the file of an X-Accel-Redirect, which is decoded as nginx does: a query means
// nothing for a file.
func (p *serving) byURI(host, uri string) (dir *static.Dir, rest string, err error) {
	raw, _, _ := strings.Cut(plainText(uri), "?")
	path, err := url.PathUnescape(raw)
	switch {
	case strings.HasPrefix(raw, "@"):
		return nil, "", fmt.Errorf("X-Accel-Redirect: %w: %q", errLocation, uri)
	case err != nil || !strings.HasPrefix(path, "/"):
		return nil, "", fmt.Errorf("X-Accel-Redirect: %w: %q", errNoPath, uri)
	}
	f, ok := p.route.Named(host, path)
	switch {
	case !ok:
		return nil, "", fmt.Errorf("X-Accel-Redirect: %w: %q", errNoBlock, uri)
	case f.Internal != nil:
		return p.internals[f.Internal], f.Rest, nil
	}
	return p.statics[f.Static], f.Rest, nil
}

// byPath finds the file of an X-Sendfile: an absolute path below the root of an internal block.
func (p *serving) byPath(file string) (dir *static.Dir, rest string, err error) {
	file = plainText(file)
	for _, d := range p.internals {
		// The innermost of several: what is nearer to the file says more about it.
		if r, ok := d.Below(file); ok && (dir == nil || len(r) < len(rest)) {
			dir, rest = d, r
		}
	}
	if dir == nil {
		return nil, "", fmt.Errorf("X-Sendfile: %w: %q", errNoBlock, file)
	}
	return dir, rest, nil
}

// plainText is a field's value as the application meant it. Django writes what is not Latin-1 as
// RFC 2047 has it, and the rest as Latin-1.
func plainText(s string) string {
	if strings.HasPrefix(s, "=?") {
		if t, err := new(mime.WordDecoder).DecodeHeader(s); err == nil {
			return t
		}
	}
	if utf8.ValidString(s) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// paced is the way to the client, at so many bytes a second if there is a number of them.
func (x *exchange) paced(rate string) http.ResponseWriter {
	n, err := strconv.ParseInt(rate, 10, 64)
	if err != nil || n <= 0 {
		return x.visit
	}
	return &pacedWriter{ResponseWriter: &x.reply, ctx: x.r.Context(), rate: n, began: time.Now()}
}

// pacedWriter lets a client have no more than it may.
type pacedWriter struct {
	http.ResponseWriter
	ctx   context.Context
	rate  int64 // bytes a second
	began time.Time
	sent  int64
}

// steps is how many times a second something is sent.
const steps = 10

// Write sends p in steps, each when it is due.
func (w *pacedWriter) Write(p []byte) (n int, err error) {
	ctl := http.NewResponseController(w.ResponseWriter)
	for len(p) > 0 && err == nil {
		if err = w.wait(); err != nil {
			break
		}
		var m int
		m, err = w.ResponseWriter.Write(p[:min(int64(len(p)), max(w.rate/steps, 1))])
		ctl.Flush()
		n, p, w.sent = n+m, p[m:], w.sent+int64(m)
	}
	return n, err
}

// wait returns when what was sent so far may have been.
func (w *pacedWriter) wait() error {
	due := w.began.Add(time.Duration(float64(w.sent) / float64(w.rate) * float64(time.Second)))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}
