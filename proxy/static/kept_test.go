package static_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

func TestAFileInMemoryIsNeverServedAfterItHasChanged(t *testing.T) {
	defer static.KeepAtOnce()()
	f := newFiles(t, false, "a.txt")
	path := filepath.Join(f.root, "a.txt")
	get := func() string {
		w := f.ask("GET", "a.txt")
		if w.Code != 200 {
			return fmt.Sprint(w.Code)
		}
		return w.Body.String()
	}
	replace := func(content string) error {
		if err := os.WriteFile(path+".new", []byte(content), 0o644); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	}
	f.put("b.txt", "another file")
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"nothing", func() error { return nil }, "content of a.txt"},
		{"replaced, as long as before", func() error { return replace("CONTENT OF a.txt") }, "CONTENT OF a.txt"},
		{"with the time of before", func() error {
			stat, err := os.Stat(path)
			if err == nil {
				err = replace("other   OF a.txt")
			}
			if err == nil {
				err = os.Chtimes(path, stat.ModTime(), stat.ModTime())
			}
			return err
		}, "other   OF a.txt"},
		{"truncated", func() error { return os.Truncate(path, 5) }, "other"},
		{"deleted", func() error { return os.Remove(path) }, "404"},
		{"a link", func() error { return os.Symlink("b.txt", path) }, "another file"},
		{"a link elsewhere", func() error {
			os.Remove(path)
			return os.Symlink("/etc/hostname", path)
		}, "404"},
		{"back", func() error {
			os.Remove(path)
			return os.WriteFile(path, []byte("back"), 0o644)
		}, "back"},
	} {
		must(t, step.do())
		for range 2 {
			if got := get(); got != step.want {
				t.Errorf("%s: %q, want %q", step.name, got, step.want)
			}
		}
	}
	if !f.Kept("a.txt") {
		t.Error("it was not kept in memory: nothing was tried")
	}
}

func TestAFileThatWasWrittenAMomentAgoIsNotKept(t *testing.T) {
	f := newFiles(t, false, "a.txt")
	if f.ask("GET", "a.txt"); f.Kept("a.txt") {
		t.Error("its times do not tell whether it changes again")
	}
}

func TestFormsThatComeAndGoAreNoticed(t *testing.T) {
	defer static.KeepAtOnce()()
	f := newFiles(t, false)
	f.put("a.js", strings.Repeat("x", 2000))
	coding := func() string { return f.ask("GET", "a.js", "Accept-Encoding", "br").Header().Get("Content-Encoding") }
	synctest.Test(t, func(t *testing.T) {
		if got := coding(); got != "" {
			t.Errorf("at first: %q", got)
		}
		f.put("a.js.br", "br")
		time.Sleep(2 * time.Second) // of the bubble's clock: other forms are looked for again
		if got := coding(); got != "br" {
			t.Errorf("after it came: %q", got)
		}
		must(t, os.Remove(filepath.Join(f.root, "a.js.br")))
		if got := coding(); got != "" {
			t.Errorf("after it went: %q", got)
		}
		f.put("a.js.br", "br")
		time.Sleep(2 * time.Second)
		if got := coding(); got != "br" {
			t.Errorf("after it came again: %q", got)
		}
		f.put("a.js", strings.Repeat("y", 2000))
		stat, err := os.Stat(filepath.Join(f.root, "a.js.br"))
		must(t, err)
		when := stat.ModTime().Add(time.Hour)
		must(t, os.Chtimes(filepath.Join(f.root, "a.js"), when, when))
		if got := coding(); got != "" {
			t.Errorf("after the file became newer: %q", got)
		}
	})
}

func TestAnEarlierReleasesFileGivesWayToTheNewOne(t *testing.T) {
	defer static.KeepAtOnce()()
	f := newFiles(t, false)
	old := filepath.Join(filepath.Dir(f.root), "old")
	must(t, os.Mkdir(old, 0o755))
	must(t, os.WriteFile(filepath.Join(old, "a.txt"), []byte("old"), 0o644))
	f.Dir = static.New(route.Static{Prefix: "/static/", Root: f.root, Earlier: []string{old}}, false)
	synctest.Test(t, func(t *testing.T) {
		if got := f.ask("GET", "a.txt").Body.String(); got != "old" {
			t.Errorf("before: %q", got)
		}
		f.put("a.txt", "new")
		time.Sleep(2 * time.Second)
		if got := f.ask("GET", "a.txt").Body.String(); got != "new" {
			t.Errorf("after: %q", got)
		}
	})
}

func TestACompressedFileIsMadeOnce(t *testing.T) {
	defer static.KeepAtOnce()()
	f := newFiles(t, false)
	f.put("a.css", strings.Repeat("what is said is said again ", 4000))
	f.Dir = static.New(route.Static{Prefix: "/static/", Root: f.root}, true)
	var all sync.WaitGroup
	bodies := make([]string, 8)
	for i := range bodies {
		all.Go(func() { bodies[i] = f.ask("GET", "a.css", "Accept-Encoding", "gzip").Body.String() })
	}
	all.Wait()
	if slices.Sort(bodies); bodies[0] != bodies[7] || len(bodies[0]) > 10_000 {
		t.Errorf("bodies of %d and %d bytes", len(bodies[0]), len(bodies[7]))
	}
}

func TestTheShelfIsBounded(t *testing.T) {
	s := static.NewShelf(100_000)
	for i := range 1000 {
		s.Put(fmt.Sprint(i), 10_000)
		if s.Weight() > 100_000 || !s.Has(fmt.Sprint(i)) {
			t.Fatalf("after %d: weight %d", i, s.Weight())
		}
	}
	s.Put("0", 200_000)
	if s.Has("0") || s.Weight() > 100_000 {
		t.Errorf("weight %d", s.Weight())
	}
}

func TestAsEmptyAsItCanBe(t *testing.T) {
	f := newFiles(t, false, "empty.css")
	f.put("empty.css", "")
	for _, fields := range [][]string{nil, {"Accept-Encoding", "gzip"}, {"Range", "bytes=0-"}} {
		if w := f.ask("GET", "empty.css", fields...); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") != "0" {
			t.Errorf("%q: %d %v", fields, w.Code, w.Header())
		}
	}
}

// FuzzSpans compares what a Range field is read as with a slow reading of RFC 9110 14.1.2.
func FuzzSpans(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-1,3-", "bytes=1-2, 5-9 ,", "x=1", "bytes=9-1", "bytes=0-0,2-2,4-4"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		size = max(size%100, -size%100)
		parts, ok := static.Spans(field, size)
		var sent [100]int
		total := int64(0)
		for _, p := range parts {
			if !ok || p[0] < 0 || p[1] < 1 || p[0]+p[1] > size {
				t.Fatalf("%q of %d: %v", field, size, parts)
			}
			for i := p[0]; i < p[0]+p[1]; i++ {
				sent[i]++
			}
			total += p[1]
		}
		if total > size || len(parts) > 50 {
			t.Errorf("%q of %d sends %d bytes in %d parts", field, size, total, len(parts))
		}
		if want := asked(field, size); len(parts) > 0 {
			for i, n := range sent {
				if n > 1 || (n == 1) != want[i] {
					t.Fatalf("%q of %d: byte %d is sent %d times, asked for %v", field, size, i, n, want[i])
				}
			}
		}
	})
}

// asked says for each byte whether a field wants it.
func asked(field string, size int64) (want [100]bool) {
	_, set, _ := strings.Cut(field, "=")
	for _, item := range strings.Split(set, ",") {
		item = strings.Trim(item, " \t")
		for i := range size {
			var first, last, suffix int64
			switch {
			case scan(item, "%d-%d", &first, &last):
				want[i] = want[i] || i >= first && i <= last
			case scan(item, "-%d", &suffix):
				want[i] = want[i] || i >= size-suffix
			case scan(item, "%d-", &first):
				want[i] = want[i] || i >= first
			}
		}
	}
	return want
}

// scan reads numbers, taking those that are too large as large.
func scan(item, format string, numbers ...*int64) bool {
	parts := strings.Split(item, "-")
	wanted := strings.Split(format, "-")
	if len(parts) != 2 {
		return false
	}
	next := 0
	for i, p := range parts {
		if (wanted[i] == "") != (p == "") {
			return false
		}
		if p == "" {
			continue
		}
		if strings.Trim(p, "0123456789") != "" {
			return false
		}
		*numbers[next] = 1 << 40
		if len(p) < 12 {
			fmt.Sscan(strings.TrimLeft(p, "0")+map[bool]string{true: "0"}[strings.TrimLeft(p, "0") == ""], numbers[next])
		}
		next++
	}
	return true
}

// oracle is what may be served of a tree, as one would explain it: what is on the list.
var oracle = map[string]string{
	"a.txt": "public a", "dir/b.txt": "public b", "dir/c d.txt": "public c", "ünï.txt": "public u", "in": "public a", ".well-known/x": "public w",
	"dir./e": "public e", "a..b": "public ab", "f;g": "public fg",
}

func FuzzOnlyWhatIsOnTheListIsServed(f *testing.F) {
	outer := f.TempDir()
	root := filepath.Join(outer, "root")
	for name, content := range oracle {
		if name != "in" {
			must(f, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755))
			must(f, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
		}
	}
	for _, name := range []string{"root/.env", "root/dir/.htpasswd", "root/.git/config", "root/.well-known/.x", "secret", "root.txt", "rootx/a", "root/dir/x\\y"} {
		must(f, os.MkdirAll(filepath.Dir(filepath.Join(outer, name)), 0o755))
		must(f, os.WriteFile(filepath.Join(outer, name), []byte("secret"), 0o644))
	}
	for link, to := range map[string]string{"in": "a.txt", "out": "../secret", "dir/up": "../..", "abs": outer, "etc": "/etc", "self": "/proc/self", "loop": "loop"} {
		must(f, os.Symlink(to, filepath.Join(root, link)))
	}
	defer static.KeepAtOnce()()
	d := static.New(route.Static{Prefix: "/static/", Root: root}, true)
	for _, seed := range []string{
		"a.txt", "dir/b.txt", "dir/c%20d.txt", "%C3%BCn%C3%AF.txt", "in", "out", "dir/up/secret", "abs/secret", "etc/passwd", "self/environ", "loop", ".env", "%2eenv",
		"..%2fsecret", "../secret", "..;/secret", "dir/..%5c..%5csecret", "dir//b.txt", "a.txt%00", "a.txt/", "dir/%2e%2e/a.txt", "a.txt%2f..%2f..%2fsecret", ".well-known/x", "dir/x%5Cy",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		r := request("/static/" + target)
		if r == nil || !strings.HasPrefix(r.URL.Path, "/static/") {
			return
		}
		rest := strings.TrimPrefix(r.URL.Path, "/static/")
		w := httptest.NewRecorder()
		status := d.Serve(w, r, rest)
		if status == 0 {
			status = w.Code
		}
		content, listed := oracle[rest]
		slash := strings.Contains(strings.ToLower(r.URL.RawPath), "%2f") || strings.Contains(strings.ToLower(r.URL.RawPath), "%5c")
		switch want := listed && !slash; {
		case want != (status == 200):
			t.Errorf("%q: %d, on the list: %v", target, status, listed)
		case want && w.Body.String() != content, strings.Contains(w.Body.String(), "secret"):
			t.Errorf("%q: %q", target, w.Body)
		}
	})
}

// request is one as a server would have read it, nil when it would not.
func request(target string) *http.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil
	}
	return &http.Request{Method: "GET", URL: u, RequestURI: target, Header: http.Header{}, ProtoMajor: 1, ProtoMinor: 1}
}

// Each reload makes new directories. What is kept of the old ones keeps a descriptor of each open.
func TestWhatIsKeptGoesWithItsDirectory(t *testing.T) {
	defer static.KeepAtOnce()()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("a{}"), 0o644))
	long := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(filepath.Join(dir, "a.css"), long, long))
	descriptors := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(list)
	}
	before := descriptors()
	for range 50 {
		d := static.New(route.Static{Prefix: "/static/", Root: dir}, true)
		w := httptest.NewRecorder()
		if status := d.Serve(w, httptest.NewRequest("GET", "/static/a.css", nil), "a.css"); status != static.Answered || w.Code != 200 {
			t.Fatalf("%d, %d", status, w.Code)
		}
	}
	for end := time.Now().Add(time.Minute); descriptors() > before+10; runtime.GC() {
		if time.Now().After(end) {
			t.Fatalf("%d descriptors were open, and now %d are", before, descriptors())
		}
	}
}
