// Package static serves the files below one directory: GET and HEAD, ranges, validators, types
// and caching. Which requests belong to the directory is left to the route table.
package static

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"sync"
	"syscall"

	"sandwich/proxy/route"
)

// Dir serves the files of one static block. Safe for concurrent use. It needs no closing: the
// directory is closed when nothing refers to the Dir any more, so that a request that still has
// an older route can finish.
type Dir struct {
	conf     route.Static
	cache    string // Cache-Control of what is not immutable
	manifest manifest

	mu   sync.Mutex
	root *os.Root    // nil until the directory was there
	stat os.FileInfo // of root
	told bool        // that the root leads to where it may not
}

// immutable: a year is what RFC 9111 knows as longest, RFC 8246 adds that asking again is useless.
const immutable = "public, max-age=31536000, immutable"

// New serves conf.Root. The directory need not be there yet.
func New(conf route.Static) *Dir {
	return &Dir{conf: conf, cache: "max-age=" + strconv.FormatInt(conf.MaxAge, 10)}
}

// Serve answers r with the file that rest, the decoded path below the prefix, names. It answers
// nothing and returns the status when there is no such file (404), when the method is neither
// GET nor HEAD (405, Allow is set), or when the file cannot be read (403, 500).
func (d *Dir) Serve(w http.ResponseWriter, r *http.Request, rest string) (status int) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		return http.StatusMethodNotAllowed
	}
	name, ok := route.FileName(rest, r.URL.RawPath)
	if !ok {
		return http.StatusNotFound
	}
	root, err := d.open()
	if err != nil {
		return statusOf(err)
	}
	return d.serveFile(w, r, root, name)
}

// open finds the directory as it is now. One stat(2) for each request notices that it came into
// being or that a symlink to the current release has moved.
func (d *Dir) open() (*os.Root, error) {
	stat, err := os.Stat(d.conf.Root)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.root != nil && os.SameFile(stat, d.stat) {
		return d.root, nil
	}
	root, err := os.OpenRoot(d.conf.Root)
	if err != nil {
		return nil, err
	}
	if err = d.admit(root); err == nil {
		stat, err = root.Stat(".")
	}
	if err != nil {
		root.Close()
		return nil, err
	}
	d.root, d.stat = root, stat // the old root may be in use: its finalizer closes it
	return root, nil
}

func (d *Dir) serveFile(w http.ResponseWriter, r *http.Request, root *os.Root, name string) int {
	// O_NONBLOCK: a FIFO among the files must not hold the request.
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return statusOf(err)
	}
	defer f.Close()
	stat, err := f.Stat()
	if err != nil {
		return statusOf(err)
	}
	if !stat.Mode().IsRegular() {
		return http.StatusNotFound
	}
	d.describe(w.Header(), root, name, stat)
	if stat.Size() <= smallFile {
		w = struct{ http.ResponseWriter }{w} // without its ReadFrom
	}
	http.ServeContent(w, r, "", stat.ModTime(), f)
	return 0
}

// smallFile is up to where a file goes out together with the header, as one copied write: with
// sendfile(2) it would take two system calls.
const smallFile = 3 << 10

func (d *Dir) describe(h http.Header, root *os.Root, name string, stat os.FileInfo) {
	kind := typeOf(name)
	h["Content-Type"] = []string{kind}
	h["Etag"] = []string{etag(stat)}
	if d.isImmutable(root, name) {
		h["Cache-Control"] = []string{immutable}
	} else {
		h["Cache-Control"] = []string{d.cache}
	}
	if !d.conf.Uploads {
		return
	}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	if runsScript(kind) {
		h["Content-Disposition"] = []string{"attachment"}
		h["Content-Security-Policy"] = []string{"sandbox"}
	}
}

// isImmutable says whether name changes with the content. Nobody vouches for that with uploads.
func (d *Dir) isImmutable(root *os.Root, name string) bool {
	return !d.conf.Uploads && (hashedName.MatchString(name) || d.manifest.lists(root, name))
}

// etag is strong: a file of the same inode, size and modification time to the nanosecond has the
// same bytes.
func etag(stat os.FileInfo) string {
	b := make([]byte, 0, 52)
	b = append(b, '"')
	b = strconv.AppendInt(b, stat.ModTime().UnixNano(), 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, stat.Size(), 36)
	if s, ok := stat.Sys().(*syscall.Stat_t); ok {
		b = append(b, '-')
		b = strconv.AppendUint(b, s.Ino, 36)
	}
	return string(append(b, '"'))
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
