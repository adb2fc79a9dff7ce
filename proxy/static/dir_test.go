package static_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

// files is a directory with some files, and what a Dir says about them.
type files struct {
	*testing.T
	root string
	*static.Dir
}

func newFiles(t *testing.T, uploads bool, names ...string) *files {
	t.Helper()
	f := &files{T: t, root: filepath.Join(t.TempDir(), "root")}
	must(t, os.Mkdir(f.root, 0o755))
	for _, name := range names {
		f.put(name, "content of "+name)
	}
	f.Dir = static.New(route.Static{Prefix: "/static/", Root: f.root, MaxAge: 60, Uploads: uploads}, false)
	return f
}

func (f *files) put(name, content string) {
	f.Helper()
	path := filepath.Join(f.root, name)
	must(f, os.MkdirAll(filepath.Dir(path), 0o755))
	must(f, os.WriteFile(path, []byte(content), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ask asks for a file with these header fields and returns the answer; what Serve leaves to
// its caller is the status alone.
func (f *files) ask(method, rest string, fields ...string) *httptest.ResponseRecorder {
	f.Helper()
	r := httptest.NewRequest(method, "/static/x", nil)
	for i := 0; i < len(fields); i += 2 {
		r.Header.Set(fields[i], fields[i+1])
	}
	w := httptest.NewRecorder()
	if status := f.Serve(w, r, rest); status != 0 {
		w.WriteHeader(status)
	}
	return w
}

func TestWhatAFileIsSentWith(t *testing.T) {
	f := newFiles(t, false, "a.css", "deep/b.js", "c.unknown", "d.0123456789ab.png", "e.woff2", "f.SVG", "empty.txt")
	f.put("empty.txt", "")
	cases := []struct{ name, kind, cache string }{
		{"a.css", "text/css; charset=utf-8", "max-age=60"},
		{"deep/b.js", "text/javascript; charset=utf-8", "max-age=60"},
		{"c.unknown", "application/octet-stream", "max-age=60"},
		{"d.0123456789ab.png", "image/png", "public, max-age=31536000, immutable"},
		{"e.woff2", "font/woff2", "max-age=60"},
		{"f.SVG", "image/svg+xml", "max-age=60"},
		{"empty.txt", "text/plain; charset=utf-8", "max-age=60"},
	}
	for _, c := range cases {
		h := f.ask("GET", c.name).Header()
		if h.Get("Content-Type") != c.kind || h.Get("Cache-Control") != c.cache {
			t.Errorf("%s: type %q, cache %q", c.name, h.Get("Content-Type"), h.Get("Cache-Control"))
		}
		if h.Get("Content-Disposition") != "" {
			t.Errorf("%s is an attachment", c.name)
		}
	}
}

func TestRangesAndConditions(t *testing.T) {
	f := newFiles(t, false)
	f.put("a.txt", "0123456789")
	whole := f.ask("GET", "a.txt")
	tag, date := whole.Header().Get("Etag"), whole.Header().Get("Last-Modified")
	cases := []struct {
		method string
		fields []string
		status int
		body   string
	}{
		{"GET", nil, 200, "0123456789"},
		{"HEAD", nil, 200, ""},
		{"GET", []string{"Range", "bytes=2-4"}, 206, "234"},
		{"GET", []string{"Range", "bytes=-3"}, 206, "789"},
		{"GET", []string{"Range", "bytes=20-"}, 416, ""},
		{"GET", []string{"Range", "bytes=2-4", "If-Range", tag}, 206, "234"},
		{"GET", []string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, "0123456789"},
		{"GET", []string{"If-None-Match", tag}, 304, ""},
		{"GET", []string{"If-None-Match", `"other", ` + tag}, 304, ""},
		{"GET", []string{"If-Modified-Since", date}, 304, ""},
		{"GET", []string{"If-Match", `"other"`}, 412, ""},
		{"GET", []string{"Range", "bytes=0-1,4-5"}, 206, "multi"},
		{"GET", []string{"Range", "bytes=" + strings.Repeat("0-,", 200) + "0-"}, 200, "0123456789"},
	}
	for _, c := range cases {
		w := f.ask(c.method, "a.txt", c.fields...)
		if c.body == "multi" {
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "multipart/byteranges") {
				t.Errorf("two ranges: %v", w.Header())
			}
			continue
		}
		if body := w.Body.String(); w.Code != c.status || (c.status < 300 && body != c.body) {
			t.Errorf("%s %q: %d %q, want %d %q", c.method, c.fields, w.Code, body, c.status, c.body)
		}
	}
	f.put("a.txt", "another one")
	if w := f.ask("GET", "a.txt", "If-None-Match", tag); w.Code != 200 {
		t.Errorf("a changed file is %d", w.Code)
	}
}

func TestNothingButFilesBelowTheRoot(t *testing.T) {
	f := newFiles(t, false, "a.txt", "dir/index.html", ".env", ".git/config", "dir/.htpasswd")
	must(t, os.WriteFile(filepath.Join(filepath.Dir(f.root), "secret"), []byte("secret"), 0o644))
	must(t, os.Symlink("../secret", filepath.Join(f.root, "out")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(f.root, "etc")))
	must(t, os.Symlink("/etc", filepath.Join(f.root, "etcdir")))
	must(t, os.Symlink("a.txt", filepath.Join(f.root, "in")))
	must(t, syscall.Mkfifo(filepath.Join(f.root, "fifo"), 0o644))
	for _, rest := range []string{
		"", "/", "dir", "dir/", "none", "a.txt/", "a.txt/x", ".env", ".git/config", "dir/.htpasswd", "out", "etc", "etcdir/passwd",
		"fifo", "../secret", "dir/../../secret", "..", "a.txt\x00", `..\secret`, "//etc/passwd", strings.Repeat("x", 5000),
	} {
		if w := f.ask("GET", rest); w.Code != 404 {
			t.Errorf("%q: %d %q", rest, w.Code, w.Body)
		}
	}
	if w := f.ask("GET", "in"); w.Code != 200 {
		t.Errorf("a link within the root: %d", w.Code)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := f.ask(method, "a.txt"); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, Allow %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestUploadsDoNotRunInTheSitesOrigin(t *testing.T) {
	f := newFiles(t, true, "a.html", "b.svg", "c.xml", "d.xhtml", "e.png", "f.0123456789ab.png", "g.pdf", "h", "i.txt", "j.css", "k.js", "l.wasm", "m.mp4", "n.xsl", "o.webmanifest", "p.shtml")
	cases := map[string]bool{"a.html": true, "b.svg": true, "c.xml": true, "d.xhtml": true, "e.png": false, "g.pdf": false, "h": true, "i.txt": false, "j.css": false, "k.js": true, "l.wasm": true, "m.mp4": false, "n.xsl": true, "o.webmanifest": true, "p.shtml": true}
	for name, attached := range cases {
		h := f.ask("GET", name).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", name)
		}
		if got := h.Get("Content-Disposition") == "attachment"; got != attached {
			t.Errorf("%s: %v", name, h)
		}
		if sandboxed := h.Get("Content-Security-Policy") == "sandbox"; sandboxed == (name == "g.pdf") {
			t.Errorf("%s: %v", name, h)
		}
	}
	for _, name := range []string{"k.js", "l.wasm", "o.webmanifest"} {
		if kind := f.ask("GET", name).Header().Get("Content-Type"); kind != "application/octet-stream" {
			t.Errorf("a page may run %s as %s", name, kind)
		}
	}
	if cache := f.ask("GET", "f.0123456789ab.png").Header().Get("Cache-Control"); cache != "max-age=60" {
		t.Errorf("an upload chose to be immutable: %s", cache)
	}
}

func TestTheManifestSaysWhatIsImmutable(t *testing.T) {
	f := newFiles(t, false, "a-hashed.css", "plain.css")
	steps := []struct{ manifest, hashed, plain string }{
		{"", "max-age=60", "max-age=60"},
		{`{"version": "1.1", "paths": {"a.css": "a-hashed.css", "plain.css": "plain.css"}}`, "public, max-age=31536000, immutable", "max-age=60"},
		{`{"paths": {}}`, "max-age=60", "max-age=60"},
		{`{`, "max-age=60", "max-age=60"},
	}
	cache := func(name string) string { return f.ask("GET", name).Header().Get("Cache-Control") }
	synctest.Test(t, func(t *testing.T) {
		for _, step := range steps {
			if step.manifest != "" {
				f.put("staticfiles.json", step.manifest)
			}
			time.Sleep(2 * time.Second) // of the bubble's clock: the manifest is looked at again
			if got := cache("a-hashed.css"); got != step.hashed {
				t.Errorf("with %s a hashed name has %s", step.manifest, got)
			}
			if got := cache("plain.css"); got != step.plain {
				t.Errorf("with %s a plain name has %s", step.manifest, got)
			}
		}
	})
}

func TestARootMayComeLaterAndMove(t *testing.T) {
	f := newFiles(t, false, "a.txt")
	link := filepath.Join(filepath.Dir(f.root), "current")
	f.Dir = static.New(route.Static{Prefix: "/static/", Root: link}, false)
	if w := f.ask("GET", "a.txt"); w.Code != 404 {
		t.Errorf("before the root is there: %d", w.Code)
	}
	must(t, os.Symlink("root", link))
	if w := f.ask("GET", "a.txt"); w.Code != 200 {
		t.Errorf("after the root is there: %d", w.Code)
	}
	must(t, os.Mkdir(filepath.Join(filepath.Dir(f.root), "next"), 0o755))
	must(t, os.Symlink("next", link+".new"))
	must(t, os.Rename(link+".new", link))
	if w := f.ask("GET", "a.txt"); w.Code != 404 {
		t.Errorf("after the link has moved: %d", w.Code)
	}
}

func TestUnreadableFilesAreForbiddenAndToldOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	f := newFiles(t, false, "a.txt", "b.txt", "closed/c.txt", "open.txt")
	must(t, os.Chmod(filepath.Dir(filepath.Dir(f.root)), 0o755)) // t.TempDir is the owner's alone
	for _, name := range []string{"a.txt", "b.txt", "closed"} {
		must(t, os.Chmod(filepath.Join(f.root, name), 0))
	}
	asNobody(func() {
		for _, name := range []string{"a.txt", "b.txt", "closed/c.txt", "a.txt"} {
			if w := f.ask("GET", name); w.Code != 403 {
				t.Errorf("%s: %d", name, w.Code)
			}
		}
		if w := f.ask("GET", "open.txt"); w.Code != 200 {
			t.Errorf("a readable one: %d", w.Code)
		}
	})
	if n := strings.Count(log.String(), "cannot read a.txt below /static/, answering 403"); n != 1 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("told %d times: %s", n, &log)
	}
}

// asNobody does something with the file permissions of an account that has none, if this one has all.
func asNobody(do func()) {
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0) // of this thread alone: setfsuid(2)
		defer syscall.RawSyscall(syscall.SYS_SETFSUID, 0, 0, 0)
		syscall.RawSyscall(syscall.SYS_SETFSGID, 65534, 0, 0)
		defer syscall.RawSyscall(syscall.SYS_SETFSGID, 0, 0, 0)
	}
	do()
}

func FuzzNoPathLeavesTheRoot(f *testing.F) {
	outer := f.TempDir()
	root := filepath.Join(outer, "root")
	must(f, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	must(f, os.WriteFile(filepath.Join(outer, "secret"), []byte("secret"), 0o644))
	must(f, os.WriteFile(filepath.Join(root, "a/b/c.txt"), []byte("public"), 0o644))
	must(f, os.WriteFile(filepath.Join(root, "a/.secret"), []byte("secret"), 0o644))
	must(f, os.Symlink("../../secret", filepath.Join(root, "a/link")))
	must(f, os.Symlink("../..", filepath.Join(root, "a/up")))
	d := static.New(route.Static{Prefix: "/static/", Root: root}, false)
	for _, seed := range []string{"a/b/c.txt", "a/link", "a/up/secret", "../secret", "a/.secret", "a/b/../../../secret", "a//b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		r := httptest.NewRequest(http.MethodGet, "/static/", nil)
		w := httptest.NewRecorder()
		if d.Serve(w, r, rest) == 0 && w.Body.String() != "public" {
			t.Errorf("%q gives %q", rest, w.Body)
		}
	})
}
