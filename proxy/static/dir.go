// Package static serves the files below one directory: GET and HEAD, ranges, validators, codings,
// types and caching. Which requests belong to the directory is left to the route table.
package static

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"sandwich/proxy/route"
)

// Dir serves the files of one block. Safe for concurrent use. It needs no closing: the directory is
// closed when nothing refers to the Dir any more, so that a request that still has an older route can
// finish.
type Dir struct {
	id       uint64 // on the shelf
	prefix   string
	places   []*place // the root, and those of earlier releases
	cache    []string // Cache-Control of what is not immutable; nil: none
	index    bool     // index.html answers for its directory
	uploads  bool     // visitors chose names and contents
	internal bool     // the application names the files, and may name any
	compress bool     // text may be compressed

	unreadable sync.Once
}

// immutable: a year is what RFC 9111 knows as longest, RFC 8246 adds that asking again is useless.
var immutable = []string{"public, max-age=31536000, immutable"}

// What Serve and Send return besides statuses.
const (
	Answered = 0
	Broken   = -1 // the response has begun and cannot be completed
	changed  = -2 // the file is another one than a moment ago
)

var ids atomic.Uint64

// New serves conf.Root, which need not be there yet. Text is compressed for clients that take it if
// that is wanted.
func New(conf route.Static, compress bool) *Dir {
	d := &Dir{
		id: ids.Add(1), prefix: conf.Prefix, index: conf.Index, uploads: conf.Uploads, compress: compress,
		cache: []string{"max-age=" + strconv.FormatInt(conf.MaxAge, 10)},
	}
	for _, root := range append([]string{conf.Root}, conf.Earlier...) {
		d.places = append(d.places, newPlace(root, conf.Within))
	}
	return d.forgotten()
}

// NewInternal is for files that an application has named, by Send only.
func NewInternal(conf route.Internal, compress bool) *Dir {
	d := &Dir{
		id: ids.Add(1), prefix: conf.Prefix, internal: true, compress: compress,
		places: []*place{newPlace(conf.Root, conf.Within)},
	}
	return d.forgotten()
}

// forgotten has the shelf forget d when nothing refers to it any more.
func (d *Dir) forgotten() *Dir {
	runtime.AddCleanup(d, kept.forget, d.id)
	return d
}

// Serve answers r with the file that rest, the decoded path below the prefix, names. It answers
// nothing and returns the status when there is no such file (404), when the method is neither
// GET nor HEAD (405, Allow is set), when a condition of the request fails (412), when no range of
// it is there (416, Content-Range is set), or when the file cannot be read (403, 500).
func (d *Dir) Serve(w http.ResponseWriter, r *http.Request, rest string) (status int) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header()["Allow"] = []string{"GET, HEAD"}
		return http.StatusMethodNotAllowed
	}
	if d.index && (rest == "" || strings.HasSuffix(rest, "/")) {
		rest += "index.html"
	}
	name, ok := route.FileName(rest, r.URL.RawPath)
	if !ok {
		return http.StatusNotFound
	}
	return d.send(w, r, name)
}

// Send answers r, whatever its method, with a file that the application has named by its decoded path
// below the prefix. What the application has said about it in w's header is kept. It returns as
// Serve does.
func (d *Dir) Send(w http.ResponseWriter, r *http.Request, rest string) (status int) {
	name, ok := route.FileName(rest, "")
	if d.internal {
		name, ok = rest, isLocal(rest)
	}
	if !ok {
		return http.StatusNotFound
	}
	return d.send(w, r, name)
}

// Below is the name, for Send, of the file at an absolute path. It is false when that is elsewhere.
func (d *Dir) Below(file string) (rest string, ok bool) { return d.places[0].below(file) }

// isLocal accepts names with a leading dot, too: an application does not name a file by chance.
func isLocal(name string) bool {
	return name != "" && path.Clean("/"+name) == "/"+name && !strings.Contains(name, "\x00")
}

// tries is how often a file may be replaced while it is looked at.
const tries = 5

func (d *Dir) send(w http.ResponseWriter, r *http.Request, name string) (status int) {
	for range tries {
		e, f, err := d.find(w, r, name)
		if err != nil {
			return d.refuse(w, r, name, err)
		}
		a := answer{w: w, r: r, e: e, f: f}
		if status = a.send(); status != changed {
			return status
		}
		kept.drop(d.id, name)
	}
	slog.Warn(fmt.Sprintf("%s below %s changes faster than it can be sent", name, d.prefix))
	return http.StatusServiceUnavailable
}

// errDirectory is what was found in the place of a file.
var errDirectory = errors.New("it is a directory")

// refuse is the status for a file that cannot be had.
func (d *Dir) refuse(w http.ResponseWriter, r *http.Request, name string, err error) (status int) {
	if err == errDirectory {
		return d.directory(w, r, name)
	}
	status = statusOf(err)
	if status != http.StatusNotFound {
		d.unreadable.Do(func() {
			slog.Warn(fmt.Sprintf("cannot read %s below %s, answering %d here and for others like it: %v", name, d.prefix, status, err))
		})
	}
	return status
}

// directory sends a visitor who left out the slash after a directory's name on his way.
func (d *Dir) directory(w http.ResponseWriter, r *http.Request, name string) (status int) {
	if !d.index || d.internal || strings.HasSuffix(r.URL.Path, "/") {
		return http.StatusNotFound
	}
	if _, err := d.load(name+"/index.html", r); err != nil {
		return http.StatusNotFound
	}
	to := r.URL.EscapedPath() + "/"
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	w.Header()["Location"] = []string{to}
	w.Header()["Content-Length"] = []string{"0"}
	w.WriteHeader(http.StatusMovedPermanently)
	return Answered
}

// statusOf turns an error of the file system into what the client is told. That a link leaves
// the root is nobody's business, and neither is which part of a path is no directory.
func statusOf(err error) int {
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return http.StatusNotFound
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.As(err, &errno) && (errno == syscall.EMFILE || errno == syscall.ENFILE || errno == syscall.EIO || errno == syscall.ENOMEM):
		return http.StatusInternalServerError
	}
	return http.StatusNotFound
}
