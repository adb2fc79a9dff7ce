package static

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sandwich/proxy/compress"
)

// entry is what is known of a file: its forms, and the fields that are the same for each of them.
type entry struct {
	loaded time.Time
	grown  func() // tells who keeps the entry that it has become more; nil: nobody does
	place  *place
	forms  [compress.Codings]*form // as they are on disk; the one of identity is always there
	made   [compress.Codings]atomic.Pointer[form]
	making sync.Mutex // held while a form is made, which takes long

	kind        []string // Content-Type
	cache       []string // Cache-Control
	disposition []string // Content-Disposition; nil: none
	policy      []string // Content-Security-Policy; nil: none
	nosniff     bool
	vary        bool // another client may get another coding
	text        bool // it may be compressed
}

// form is a file in one coding.
type form struct {
	name     string // below the place; "" when it is made and not on disk
	path     string
	version  version
	coding   compress.Coding
	field    []string // Content-Encoding; nil: none
	etag     []string
	modified []string // Last-Modified; nil: none
	length   []string // Content-Length; nil: unknown until it is made
	size     int64
	body     []byte // nil: it is read from the file
}

// lastModified is the time that clients are told, in seconds, or 0.
func (f *form) lastModified() int64 {
	if f.modified == nil {
		return 0
	}
	return f.version.mtime / 1e9
}

// Sizes in bytes.
const (
	smallFile = 64 << 10 // up to where a file is kept in memory
	wholeText = 2 << 20  // up to where a text is compressed at once, and kept so
)

// entryAge is how long it is believed that no other form or place has the file, without looking.
// That the form which is sent is the file as it is on disk is looked at each time.
const entryAge = time.Second

// find is the file and the form of it that suits the request.
func (d *Dir) find(w http.ResponseWriter, r *http.Request, name string) (*entry, *form, error) {
	accepted := compress.Accepts(r.Header["Accept-Encoding"])
	if e := kept.get(d.id, name); e != nil && time.Since(e.loaded) < entryAge {
		if f := d.choose(e, accepted, w, r); f != nil && e.isFresh(f) {
			return e, f, nil
		}
	}
	for range tries {
		e, err := d.load(name, r)
		if err != nil {
			return nil, nil, err
		}
		if f := d.choose(e, accepted, w, r); f != nil {
			return e, f, nil
		}
	}
	return nil, nil, errChanging
}

// isFresh says whether nothing on disk has changed of what the form comes from.
func (e *entry) isFresh(f *form) bool {
	plain := e.forms[compress.Identity]
	return plain.version.isAt(plain.path) && (f.name == "" || f == plain || f.version.isAt(f.path))
}

// choose is the form that suits the client best, or nil when the file has changed.
func (d *Dir) choose(e *entry, accepted compress.Accepted, w http.ResponseWriter, r *http.Request) *form {
	var have [compress.Codings]bool
	for c, f := range e.forms {
		have[c] = f != nil
	}
	best := accepted.Best(have)
	if best != compress.Identity || !e.text || r.Header["Range"] != nil || !r.ProtoAtLeast(1, 1) || !compress.Changeable(w.Header()) {
		return e.forms[best]
	}
	have = [compress.Codings]bool{compress.Gzip: true, compress.Zstd: true}
	if best = accepted.Best(have); best == compress.Identity {
		return e.forms[compress.Identity]
	}
	return e.compressed(best)
}

// load looks for a file, first where the current release has it, and keeps what it finds.
func (d *Dir) load(name string, r *http.Request) (*entry, error) {
	now := time.Now()
	var failed error
	for _, p := range d.places {
		e, err := d.loadFrom(p, name)
		if err == nil {
			e.loaded = now
			e.inherit(kept.get(d.id, name))
			if e.forms[compress.Identity].version.settled(now.UnixNano()) {
				kept.put(d.id, name, e)
			}
			return e, nil
		}
		if failed == nil {
			failed = err
		}
		if !isMissing(err) {
			break
		}
	}
	kept.drop(d.id, name)
	return nil, failed
}

// inherit takes what an older look at the same file has led to.
func (e *entry) inherit(old *entry) {
	if old == nil || old.forms[compress.Identity].version != e.forms[compress.Identity].version {
		return
	}
	for c := range old.made {
		e.made[c].Store(old.made[c].Load())
	}
}

func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errOutside)
}

var errChanging = errors.New("it changes while it is read")

func (d *Dir) loadFrom(p *place, name string) (*entry, error) {
	root, err := p.open()
	if err != nil {
		return nil, err
	}
	plain, err := p.form(root, name, compress.Identity)
	if err != nil {
		return nil, err
	}
	e := &entry{place: p}
	e.forms[compress.Identity] = plain
	d.describe(e, root, name)
	if !d.uploads && !d.internal && !isCompressed(e.kind[0]) {
		e.siblings(root, name)
	}
	return e, nil
}

// form reads a file, if it is small, and renders what is said about it.
func (p *place) form(root *os.Root, name string, c compress.Coding) (*form, error) {
	f, v, err := openFile(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	o := &form{
		name: name, path: p.path + "/" + name, version: v, coding: c, size: v.size,
		etag: []string{v.etag()}, modified: v.modified(), length: []string{strconv.FormatInt(v.size, 10)},
	}
	if c != compress.Identity {
		o.field = c.Field()
	}
	if v.size <= smallFile {
		o.body, err = readWhole(f, v)
	}
	return o, err
}

// readWhole reads all of a file, and fails when it is another one afterwards.
func readWhole(f *os.File, v version) ([]byte, error) {
	body := make([]byte, v.size)
	if _, err := io.ReadFull(f, body); err != nil {
		return nil, errChanging
	}
	if after, err := versionOf(f); err != nil || after != v {
		return nil, errChanging
	}
	return body, nil
}

// extensions are the names of files that hold another one in a coding.
var extensions = map[compress.Coding]string{compress.Gzip: ".gz", compress.Zstd: ".zst", compress.Brotli: ".br"}

// siblings adds the forms that lie beside the file and were made of it: none is older, to the second,
// because some tools copy the time of the file they read without its fraction.
func (e *entry) siblings(root *os.Root, name string) {
	plain := e.forms[compress.Identity].version
	for c, extension := range extensions {
		f, err := e.place.form(root, name+extension, c)
		if err == nil && f.version.mtime/1e9 >= plain.mtime/1e9 && f.size > 0 {
			e.forms[c], e.vary = f, true
		}
	}
}

// compressed is the file in a coding that it is not on disk in, or nil when it has changed.
func (e *entry) compressed(c compress.Coding) *form {
	if f := e.made[c].Load(); f != nil {
		return f
	}
	e.making.Lock()
	defer e.making.Unlock()
	if f := e.made[c].Load(); f != nil {
		return f
	}
	plain := e.forms[compress.Identity]
	f := &form{version: plain.version, coding: c, field: c.Field(), etag: []string{"W/" + plain.etag[0]}, modified: plain.modified}
	if plain.size <= wholeText {
		body := plain.body
		if body == nil {
			if body = e.read(plain); body == nil {
				return nil
			}
		}
		if f.body = compress.File(body, c); f.body == nil {
			f = plain
		} else {
			f.size = int64(len(f.body))
			f.length = []string{strconv.FormatInt(f.size, 10)}
		}
	}
	e.made[c].Store(f)
	if e.grown != nil {
		e.grown()
	}
	return f
}

// read is the content of a form, or nil when it has changed.
func (e *entry) read(f *form) []byte {
	file, err := e.open(f)
	if err != nil {
		return nil
	}
	defer file.Close()
	body, err := readWhole(file, f.version)
	if err != nil {
		return nil
	}
	return body
}

// open opens the file of a form. It fails with errChanging when that is another one by now.
func (e *entry) open(f *form) (*os.File, error) {
	root, err := e.place.open()
	if err != nil {
		return nil, errChanging
	}
	if f.name == "" {
		f = e.forms[compress.Identity]
	}
	file, v, err := openFile(root, f.name)
	if err == nil && v != f.version {
		file.Close()
		err = errChanging
	}
	return file, err
}

// weight is about what the entry takes of memory, in bytes.
func (e *entry) weight() int {
	n := 1 << 10
	for c := range compress.Codings {
		for _, f := range []*form{e.forms[c], e.made[c].Load()} {
			if f != nil {
				n += 512 + len(f.body)
			}
		}
	}
	return n
}

// etag is strong: a file of the same inode, size and modification time to the nanosecond has the
// same bytes.
func (v version) etag() string {
	b := make([]byte, 0, 52)
	b = append(b, '"')
	b = strconv.AppendInt(b, v.mtime, 36)
	b = append(b, '-')
	b = strconv.AppendInt(b, v.size, 36)
	b = append(b, '-')
	b = strconv.AppendUint(b, v.ino, 36)
	return string(append(b, '"'))
}

// modified is nothing for times that mean nothing: the beginning of time, which tools write for "none",
// and the future, which RFC 9110 8.8.2.1 forbids.
func (v version) modified() []string {
	if v.mtime < 1e9 || v.mtime > time.Now().UnixNano() {
		return nil
	}
	return []string{time.Unix(0, v.mtime).UTC().Format(http.TimeFormat)}
}

// describe says what the file is and how long it stays so.
func (d *Dir) describe(e *entry, root *os.Root, name string) {
	kind := typeOf(name)
	if d.uploads {
		d.restrain(e, &kind)
	}
	e.kind, e.cache = []string{kind}, d.cache
	if d.isImmutable(e.place, root, name) {
		e.cache = immutable
	}
	plain := e.forms[compress.Identity]
	if strings.EqualFold(path.Ext(name), ".svgz") {
		plain.field = compress.Gzip.Field() // it is one only that way
	}
	e.text = d.compress && compress.Text(kind) && plain.size >= compress.MinSize && plain.field == nil
	e.vary = e.text
}

// isImmutable says whether name changes with the content. Nobody vouches for that with uploads.
func (d *Dir) isImmutable(p *place, root *os.Root, name string) bool {
	return !d.uploads && !d.internal && (isHashed(name) || p.manifest.lists(root, name))
}
