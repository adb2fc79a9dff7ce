package proxy_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandwich/proxy/route"
)

// folder is a directory of files that a proxy serves below /static/.
type folder struct {
	*front
	dir string
}

func newFolder(t *testing.T, changes ...func(*route.Route)) *folder {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "files")
	must(t, os.Mkdir(dir, 0o755))
	changes = append([]func(*route.Route){func(r *route.Route) {
		r.Compress = true
		r.Static = []route.Static{{Prefix: "/static/", Root: dir, MaxAge: 60}}
	}}, changes...)
	return &folder{newFront(t, demo("/nowhere", changes...)), dir}
}

func (f *folder) put(name, content string) {
	f.Helper()
	path := filepath.Join(f.dir, name)
	must(f, os.MkdirAll(filepath.Dir(path), 0o755))
	must(f, os.WriteFile(path, []byte(content), 0o644))
}

// dated puts a file that was changed so long ago.
func (f *folder) dated(name, content string, ago time.Duration) {
	f.Helper()
	f.put(name, content)
	when := time.Now().Add(-ago)
	must(f, os.Chtimes(filepath.Join(f.dir, name), when, when))
}

func (f *folder) head(path string, fields ...string) answer {
	f.Helper()
	return f.ask("HEAD " + path + " HTTP/1.1\r\nHost: demo.example\r\n" + lines(fields) + "\r\n")
}

func TestHEADIsGETWithoutTheBody(t *testing.T) {
	f := newFolder(t)
	f.put("a.txt", "small")
	f.put("text.css", words(5000))
	f.put("large.css", words(3<<20))
	f.put("image.png", string(make([]byte, 200<<10)))
	f.put("pre.js", words(5000))
	f.put("pre.js.br", "brotli")
	for _, path := range []string{"/static/a.txt", "/static/text.css", "/static/large.css", "/static/image.png", "/static/pre.js", "/static/none", "/static/"} {
		for _, fields := range [][]string{nil, {"Accept-Encoding: gzip"}, {"Accept-Encoding: br"}, {"If-None-Match: *"}, {"If-Match: \"x\""}} {
			get, head := f.get(path, fields...), f.head(path, fields...)
			if head.body != "" || head.StatusCode != get.StatusCode {
				t.Errorf("%s %q: HEAD is %s with %d bytes, GET is %s", path, fields, head.Status, len(head.body), get.Status)
			}
			for _, h := range []http.Header{get.Header, head.Header} {
				h.Del("Date")
				h.Del("X-Request-Id")
			}
			if fmt.Sprint(get.Header) != fmt.Sprint(head.Header) {
				t.Errorf("%s %q:\n GET %v\nHEAD %v", path, fields, get.Header, head.Header)
			}
			if get.StatusCode == 200 && get.ContentLength >= 0 && head.ContentLength != int64(len(get.body)) {
				t.Errorf("%s: HEAD promises %d bytes, GET has %d", path, head.ContentLength, len(get.body))
			}
		}
	}
}

func TestPartsOfFiles(t *testing.T) {
	f := newFolder(t)
	small, large := "0123456789", strings.Repeat("0123456789", 20<<10)
	f.put("small.bin", small)
	f.put("large.bin", large)
	for name, content := range map[string]string{"small.bin": small, "large.bin": large} {
		n := len(content)
		for _, c := range []struct {
			field  string
			status int
			start  int
			end    int // exclusive
		}{
			{"bytes=0-0", 206, 0, 1}, {"bytes=2-4", 206, 2, 5}, {"bytes=5-", 206, 5, n}, {"bytes=-3", 206, n - 3, n},
			{"bytes=0-", 206, 0, n}, {"bytes=2-99999999", 206, 2, n}, {"bytes=-99999999", 206, 0, n}, {"BYTES=2-4", 206, 2, 5},
			{"bytes=2-99999999999999999999999", 206, 2, n}, {"bytes= 2-4 ", 206, 2, 5},
			{fmt.Sprintf("bytes=2-4,%d-", n), 206, 2, 5},
			{fmt.Sprintf("bytes=%d-", n), 416, 0, 0}, {"bytes=-0", 416, 0, 0}, {"bytes=99999999999999999999999-", 416, 0, 0},
			{"bytes=4-2", 416, 0, 0}, {"bytes=a-b", 416, 0, 0}, {"bytes=", 416, 0, 0}, {"bytes=1", 416, 0, 0}, {"bytes=+1-2", 416, 0, 0}, {"bytes=--1", 416, 0, 0},
			{"lines=1-2", 200, 0, n}, {"seconds=1-", 200, 0, n}, {"bytes", 200, 0, n},
		} {
			res := f.get("/static/"+name, "Range: "+c.field)
			if res.StatusCode != c.status {
				t.Errorf("%s %s: %s, want %d", name, c.field, res.Status, c.status)
				continue
			}
			switch c.status {
			case 206, 200:
				if res.body != content[c.start:c.end] || res.ContentLength != int64(c.end-c.start) {
					t.Errorf("%s %s: %d bytes %.20q", name, c.field, len(res.body), res.body)
				}
				if want := fmt.Sprintf("bytes %d-%d/%d", c.start, c.end-1, n); c.status == 206 && res.Header.Get("Content-Range") != want {
					t.Errorf("%s %s: %s, want %s", name, c.field, res.Header.Get("Content-Range"), want)
				}
			case 416:
				if want := fmt.Sprintf("bytes */%d", n); res.Header.Get("Content-Range") != want || !strings.Contains(res.body, "no such part") || res.Header.Get("Etag") != "" {
					t.Errorf("%s %s: %v %s", name, c.field, res.Header, res.body)
				}
			}
		}
		if res := f.head("/static/"+name, "Range: bytes=2-4"); res.StatusCode != 200 || res.ContentLength != int64(n) {
			t.Errorf("HEAD with a range: %s, %d", res.Status, res.ContentLength)
		}
	}
	f.put("empty.bin", "")
	if res := f.get("/static/empty.bin", "Range: bytes=0-"); res.StatusCode != 200 || res.body != "" {
		t.Errorf("all of an empty file: %s", res.Status)
	}
}

func TestSeveralPartsComeAsMultipart(t *testing.T) {
	f := newFolder(t)
	for name, content := range map[string]string{"a.txt": "0123456789abcdef", "large.bin": strings.Repeat("0123456789", 20<<10)} {
		f.put(name, content)
		res := f.get("/static/"+name, "Range: bytes=0-1, 4-5,-2").want(t, 206)
		if res.ContentLength != int64(len(res.body)) || res.Header.Get("Content-Range") != "" {
			t.Errorf("length %d of %d, range %q", res.ContentLength, len(res.body), res.Header.Get("Content-Range"))
		}
		kind, params, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
		must(t, err)
		if kind != "multipart/byteranges" {
			t.Fatal(kind)
		}
		parts := multipart.NewReader(strings.NewReader(res.body), params["boundary"])
		n := len(content)
		for _, want := range []struct{ field, body string }{
			{fmt.Sprintf("bytes 0-1/%d", n), content[:2]}, {fmt.Sprintf("bytes 4-5/%d", n), content[4:6]},
			{fmt.Sprintf("bytes %d-%d/%d", n-2, n-1, n), content[n-2:]},
		} {
			p, err := parts.NextPart()
			must(t, err)
			body, err := io.ReadAll(p)
			must(t, err)
			if p.Header.Get("Content-Range") != want.field || string(body) != want.body || p.Header.Get("Content-Type") == "" {
				t.Errorf("part %v %q, want %v", p.Header, body, want)
			}
		}
		if _, err := parts.NextPart(); err != io.EOF {
			t.Errorf("after the last part: %v", err)
		}
	}
}

func TestManyOrOverlappingPartsCostNoMoreThanTheFile(t *testing.T) {
	f := newFolder(t)
	content := strings.Repeat("0123456789", 1000)
	f.put("a.bin", content)
	many := func(n int, part func(i int) string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = part(i)
		}
		return "bytes=" + strings.Join(all, ",")
	}
	for name, field := range map[string]string{
		"overlapping 200": many(200, func(i int) string { return fmt.Sprintf("%d-", i) }),
		"overlapping 500": many(500, func(int) string { return "0-" }),
		"two overlapping": "bytes=0-10,5-15",
		"many small":      many(500, func(i int) string { return fmt.Sprintf("%d-%d", 2*i, 2*i) }),
	} {
		if res := f.get("/static/a.bin", "Range: "+field); res.StatusCode != 200 || res.body != content {
			t.Errorf("%s: %s, %d bytes", name, res.Status, len(res.body))
		}
	}
}

func TestConditionsAreJudgedInTheirOrder(t *testing.T) {
	f := newFolder(t)
	f.dated("a.txt", "0123456789", time.Hour)
	first := f.get("/static/a.txt").want(t, 200)
	tag, date := first.Header.Get("Etag"), first.Header.Get("Last-Modified")
	earlier := time.Now().Add(-2 * time.Hour).UTC().Format(http.TimeFormat)
	later := time.Now().Add(-time.Minute).UTC().Format(http.TimeFormat)
	if !strings.HasPrefix(tag, `"`) {
		t.Fatalf("the tag is %s", tag)
	}
	for _, c := range []struct {
		status int
		fields []string
	}{
		{304, []string{"If-None-Match: " + tag}},
		{304, []string{"If-None-Match: W/" + tag}},
		{304, []string{"If-None-Match: *"}},
		{304, []string{`If-None-Match: "other", W/"b,c" ,` + tag}},
		{304, []string{`If-None-Match: "other"`, "If-None-Match: " + tag}},
		{200, []string{`If-None-Match: "other"`}},
		{200, []string{"If-None-Match: " + strings.Trim(tag, `"`)}},
		{200, []string{`If-None-Match: "`}},
		{304, []string{"If-Modified-Since: " + date}},
		{304, []string{"If-Modified-Since: " + later}},
		{200, []string{"If-Modified-Since: " + earlier}},
		{200, []string{"If-Modified-Since: yesterday"}},
		{200, []string{`If-None-Match: "other"`, "If-Modified-Since: " + date}},
		{304, []string{"If-None-Match: " + tag, "If-Modified-Since: " + earlier}},
		{200, []string{"If-Match: " + tag}},
		{200, []string{"If-Match: *"}},
		{200, []string{`If-Match: "other", ` + tag}},
		{412, []string{`If-Match: "other"`}},
		{412, []string{"If-Match: W/" + tag}},
		{200, []string{"If-Match: " + tag, "If-Unmodified-Since: " + earlier}},
		{412, []string{`If-Match: "other"`, "If-None-Match: " + tag}},
		{412, []string{"If-Unmodified-Since: " + earlier}},
		{200, []string{"If-Unmodified-Since: " + date}},
		{200, []string{"If-Unmodified-Since: never"}},
		{304, []string{"If-Unmodified-Since: " + date, "If-None-Match: " + tag}},
		{206, []string{"Range: bytes=1-2", "If-Range: " + tag}},
		{206, []string{"Range: bytes=1-2", "If-Range: " + date}},
		{200, []string{"Range: bytes=1-2", `If-Range: "other"`}},
		{200, []string{"Range: bytes=1-2", "If-Range: W/" + tag}},
		{200, []string{"Range: bytes=1-2", "If-Range: " + later}},
		{200, []string{"Range: bytes=1-2", "If-Range: " + earlier}},
		{200, []string{"Range: bytes=1-2", "If-Range: x"}},
		{200, []string{"Range: bytes=99-", `If-Range: "other"`}},
		{200, []string{"If-Range: " + tag}},
		{304, []string{"Range: bytes=1-2", "If-None-Match: " + tag}},
		{412, []string{"Range: bytes=1-2", `If-Match: "other"`}},
	} {
		res := f.get("/static/a.txt", c.fields...)
		if res.StatusCode != c.status {
			t.Errorf("%q: %s, want %d", c.fields, res.Status, c.status)
		}
		if c.status == 304 && (res.body != "" || res.Header.Get("Etag") != tag || res.Header.Get("Cache-Control") != "max-age=60" || res.Header.Get("Content-Type") != "") {
			t.Errorf("%q: 304 with %v", c.fields, res.Header)
		}
	}
	f.put("a.txt", "9876543210")
	if res := f.get("/static/a.txt", "If-None-Match: "+tag); res.StatusCode != 200 || res.Header.Get("Etag") == tag {
		t.Errorf("a changed file: %s %s", res.Status, res.Header.Get("Etag"))
	}
}

func TestTimesThatMeanNothingAreNotTold(t *testing.T) {
	f := newFolder(t)
	f.dated("future.txt", "x", -time.Hour)
	f.put("epoch.txt", "x")
	must(t, os.Chtimes(filepath.Join(f.dir, "epoch.txt"), time.Unix(0, 0), time.Unix(0, 0)))
	for _, name := range []string{"future.txt", "epoch.txt"} {
		res := f.get("/static/"+name, "If-Modified-Since: "+time.Now().UTC().Format(http.TimeFormat))
		if res.StatusCode != 200 || res.Header.Get("Last-Modified") != "" || res.Header.Get("Etag") == "" {
			t.Errorf("%s: %s %v", name, res.Status, res.Header)
		}
	}
}

func TestPrecompressedFilesAreSentToWhoTakesThem(t *testing.T) {
	f := newFolder(t)
	plain := words(5000)
	f.dated("a.js", plain, time.Hour)
	for _, name := range []string{"a.js.gz", "a.js.br", "a.js.zst"} {
		f.dated(name, "content of "+name, time.Hour)
	}
	f.put("png.png", plain)
	f.put("png.png.gz", "never")
	tags := map[string]string{}
	for _, c := range []struct{ accept, coding, body string }{
		{"", "", plain}, {"gzip", "gzip", "content of a.js.gz"}, {"gzip, br", "br", "content of a.js.br"}, {"gzip, zstd, br", "br", "content of a.js.br"},
		{"gzip, zstd", "zstd", "content of a.js.zst"}, {"br;q=0.1, gzip;q=0.5", "gzip", "content of a.js.gz"}, {"br;q=0, gzip;q=0, *", "zstd", "content of a.js.zst"},
		{"identity", "", plain}, {"*;q=0", "", plain}, {"br;q=0.5, identity;q=0.9", "", plain},
	} {
		res := f.get("/static/a.js", "Accept-Encoding: "+c.accept).want(t, 200)
		if res.body != c.body || res.Header.Get("Content-Encoding") != c.coding || res.Header.Get("Content-Type") != "text/javascript; charset=utf-8" {
			t.Errorf("%q: %v %.30q", c.accept, res.Header, res.body)
		}
		if got := res.Header["Vary"]; len(got) != 1 || got[0] != "Accept-Encoding" {
			t.Errorf("%q: Vary %q", c.accept, got)
		}
		tags[c.coding] = res.Header.Get("Etag")
	}
	if len(tags) != 4 || tags["br"] == tags["gzip"] || tags["br"] == tags[""] || strings.HasPrefix(tags["br"], "W/") {
		t.Errorf("tags are %q", tags)
	}
	part := f.get("/static/a.js", "Accept-Encoding: br", "Range: bytes=0-6", "If-Range: "+tags["br"]).want(t, 206)
	if part.body != "content" || part.Header.Get("Content-Range") != "bytes 0-6/18" || part.Header.Get("Content-Encoding") != "br" {
		t.Errorf("a part: %v %q", part.Header, part.body)
	}
	if res := f.get("/static/a.js", "Accept-Encoding: br", "Range: bytes=0-6", "If-Range: "+tags[""]); res.StatusCode != 200 {
		t.Errorf("a part of another coding: %s", res.Status)
	}
	if res := f.get("/static/a.js", "Accept-Encoding: br", "If-None-Match: "+tags["br"]); res.StatusCode != 304 || res.Header.Get("Vary") == "" {
		t.Errorf("not modified: %s %v", res.Status, res.Header)
	}
	if res := f.get("/static/png.png", "Accept-Encoding: gzip"); res.body != plain || res.Header.Get("Vary") != "" {
		t.Errorf("an image has another form: %v", res.Header)
	}
	if res := f.get("/static/a.js.gz"); res.body != "content of a.js.gz" || res.Header.Get("Content-Type") != "application/gzip" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("asked for by its own name: %v", res.Header)
	}
}

func TestAnOlderPrecompressedFileIsNotSent(t *testing.T) {
	f := newFolder(t)
	f.dated("a.js", words(5000), time.Hour)
	f.dated("a.js.br", "old", 2*time.Hour)
	res := f.get("/static/a.js", "Accept-Encoding: br")
	if res.body != words(5000) || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("%v", res.Header)
	}
	f.dated("b.js", words(5000), time.Hour)
	f.dated("b.js.br", "as old to the second", time.Hour+time.Millisecond)
	stat, _ := os.Stat(filepath.Join(f.dir, "b.js"))
	must(t, os.Chtimes(filepath.Join(f.dir, "b.js.br"), time.Time{}, stat.ModTime().Truncate(time.Second)))
	if res := f.get("/static/b.js", "Accept-Encoding: br"); res.body != "as old to the second" {
		t.Errorf("%v", res.Header)
	}
	must(t, os.Remove(filepath.Join(f.dir, "b.js.br")))
	must(t, os.Symlink("/etc/hostname", filepath.Join(f.dir, "b.js.br")))
	if res := f.get("/static/b.js", "Accept-Encoding: br"); res.body != words(5000) {
		t.Errorf("a sibling leads out of the root: %q", res.body)
	}
}

func TestTextFilesAreCompressedForWhoTakesIt(t *testing.T) {
	f := newFolder(t)
	f.put("a.css", words(5000))
	f.put("large.css", words(300<<10))
	f.put("huge.json", words(3<<20))
	f.put("small.css", words(100))
	f.put("random.txt", randomText(2000))
	f.put("a.woff2", words(5000))
	plain := f.get("/static/a.css")
	if plain.Header.Get("Vary") != "Accept-Encoding" {
		t.Errorf("%v", plain.Header)
	}
	for name, body := range map[string]string{"a.css": words(5000), "large.css": words(300 << 10), "huge.json": words(3 << 20)} {
		for _, coding := range []string{"gzip", "zstd"} {
			res := f.get("/static/"+name, "Accept-Encoding: "+coding).want(t, 200)
			if res.Header.Get("Content-Encoding") != coding || res.plain(t) != body || len(res.body) > len(body)/10 {
				t.Errorf("%s %s: %v, %d bytes", name, coding, res.Header, len(res.body))
			}
			if tag := res.Header.Get("Etag"); !strings.HasPrefix(tag, `W/"`) || res.Header.Get("Accept-Ranges") != "" {
				t.Errorf("%s %s: %v", name, coding, res.Header)
			} else if res := f.get("/static/"+name, "Accept-Encoding: "+coding, "If-None-Match: "+tag); res.StatusCode != 304 {
				t.Errorf("%s %s with its tag: %s", name, coding, res.Status)
			}
			if res := f.get("/static/"+name, "Accept-Encoding: "+coding, "Range: bytes=1-3"); res.StatusCode != 206 || res.body != body[1:4] || res.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s %s, a part: %s %v", name, coding, res.Status, res.Header)
			}
		}
	}
	for _, name := range []string{"small.css", "random.txt", "a.woff2"} {
		if res := f.get("/static/"+name, "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" || strings.HasPrefix(res.Header.Get("Etag"), "W/") {
			t.Errorf("%s: %v", name, res.Header)
		}
	}
	off := newFolder(t, func(r *route.Route) { r.Compress = false })
	off.put("a.css", words(5000))
	if res := off.get("/static/a.css", "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" || res.Header.Get("Vary") != "" {
		t.Errorf("switched off: %v", res.Header)
	}
	fixed := newFolder(t, func(r *route.Route) { r.Headers = map[string]string{"Cache-Control": "no-transform"} })
	fixed.put("a.css", words(5000))
	if res := fixed.get("/static/a.css", "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" {
		t.Errorf("no-transform: %v", res.Header)
	}
}

// randomText is text that does not become smaller.
func randomText(n int) string {
	b := make([]byte, n)
	seed := uint32(1)
	for i := range b {
		seed = seed*1664525 + 1013904223
		b[i] = byte(seed >> 24)
	}
	return string(b)
}

func TestSVGZIsWhatItSays(t *testing.T) {
	f := newFolder(t)
	f.put("a.svgz", words(1000))
	if res := f.get("/static/a.svgz", "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "gzip" || res.Header.Get("Content-Type") != "image/svg+xml" || res.body != words(1000) {
		t.Errorf("%v", res.Header)
	}
}

func TestTypesAreThoseOfTheWebToday(t *testing.T) {
	f := newFolder(t)
	for name, want := range map[string]string{
		"a.css": "text/css; charset=utf-8", "a.js": "text/javascript; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8",
		"a.html": "text/html; charset=utf-8", "a.txt": "text/plain; charset=utf-8", "a.json": "application/json", "a.js.map": "application/json",
		"a.wasm": "application/wasm", "a.woff": "font/woff", "a.woff2": "font/woff2", "a.ttf": "font/ttf", "a.otf": "font/otf",
		"a.avif": "image/avif", "a.webp": "image/webp", "a.svg": "image/svg+xml", "a.ico": "image/x-icon", "a.PNG": "image/png", "a.jpeg": "image/jpeg",
		"a.mp4": "video/mp4", "a.webm": "video/webm", "a.mp3": "audio/mpeg", "a.pdf": "application/pdf", "a.xml": "text/xml; charset=utf-8",
		"a.webmanifest": "application/manifest+json", "a.docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
		"a.csv": "text/csv; charset=utf-8", "noextension": "application/octet-stream", "a.unknown-ext": "application/octet-stream",
	} {
		f.put(name, "<html>")
		if got := f.get("/static/" + name).Header.Get("Content-Type"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestHashedNamesAreKeptForAYear(t *testing.T) {
	f := newFolder(t)
	f.put("staticfiles.json", `{"version": "1.1", "paths": {"x.css": "x-abc.css", "same.css": "same.css"}}`)
	const year, minute = "public, max-age=31536000, immutable", "max-age=60"
	for name, want := range map[string]string{
		"a.0123456789ab.css": year, "deep/b.abcdef0123456789abcd.js": year, "c.0123456789ab.js.map": year, "x-abc.css": year,
		"a.css": minute, "same.css": minute, "a.20240131.pdf": minute, "a.012345678.css": minute, "a.abcdef.css": minute,
		"0123456789ab": minute, "a.0123456789ab": minute, "a.0123456789AB.css": minute, "d.0123456789ab/b.css": minute,
	} {
		f.put(name, "x")
		if got := f.get("/static/" + name).Header.Get("Cache-Control"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAPipeForAManifestHoldsNobody(t *testing.T) {
	f := newFolder(t)
	f.put("a.css", "x")
	must(t, syscall.Mkfifo(filepath.Join(f.dir, "staticfiles.json"), 0o644))
	f.get("/static/a.css").want(t, 200)
}

func TestNothingIsServedButFilesBelowTheRoot(t *testing.T) {
	f := newFolder(t)
	for _, name := range []string{"a.txt", "dir/index.html", "dir/b.txt", ".env", ".git/config", "dir/.htpasswd", "a%2Fb", `a\b`, "dir./c.txt"} {
		f.put(name, "content")
	}
	must(t, os.WriteFile(filepath.Join(f.dir, "../secret"), []byte("secret"), 0o644))
	must(t, os.Symlink("../secret", filepath.Join(f.dir, "out")))
	must(t, os.Symlink("/etc", filepath.Join(f.dir, "etc")))
	must(t, os.Symlink("a.txt", filepath.Join(f.dir, "in")))
	must(t, syscall.Mkfifo(filepath.Join(f.dir, "fifo"), 0o644))
	l, err := net.Listen("unix", filepath.Join(f.dir, "socket"))
	must(t, err)
	defer l.Close()
	if err := syscall.Mknod(filepath.Join(f.dir, "device"), syscall.S_IFCHR|0o666, 1<<8|5); err != nil {
		t.Logf("no device is tried: %v", err)
	}
	for _, path := range []string{
		"/static/", "/static/dir", "/static/dir/", "/static/none", "/static/a.txt/", "/static/a.txt/x", "/static/a.txt.", "/static/a.txt%20",
		"/static/.env", "/static/.git/config", "/static/dir/.htpasswd", "/static/%2eenv", "/static/dir%2f.htpasswd",
		"/static/out", "/static/etc/passwd", "/static/fifo", "/static/socket", "/static/device",
		"/static/../secret", "/static/dir/../../secret", "/static/%2e%2e/secret", "/static/..%2fsecret", "/static/..%5csecret", `/static/..\secret`,
		"/static/..;/secret", "/static/dir/..;/a.txt", "/static/.%00./secret", "/static//etc/passwd", "/static/dir//b.txt", "/static/./a.txt", "/static/dir/%2e/b.txt",
		"/static/a%2Fb", "/static/a%5Cb", "/static/dir/b.txt%2f", "/static/a.txt%23", "/static/" + strings.Repeat("x", 300), "/static/" + strings.Repeat("x/", 1500),
	} {
		res := f.get(path)
		if res.StatusCode != 404 && res.StatusCode != 400 && res.StatusCode != 503 || strings.Contains(res.body, "content") || strings.Contains(res.body, "secret\n") {
			t.Errorf("%s: %s %.100q", path, res.Status, res.body)
		}
	}
	for _, path := range []string{"/static/a.txt", "/static/in", "/static/dir/b.txt", "/static/dir./c.txt", "/static/a.txt?v=../../x", "/static/%61.txt"} {
		f.get(path).want(t, 200)
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		res := f.ask(method + " /static/a.txt HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 0\r\n\r\n")
		if res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %s %v", method, res.Status, res.Header)
		}
	}
}

func TestUnusualNamesAreFound(t *testing.T) {
	f := newFolder(t)
	for name, path := range map[string]string{
		"a b.txt": "a%20b.txt", "ünï.txt": "%C3%BCn%C3%AF.txt", "🥪.txt": "%F0%9F%A5%AA.txt", "a+b.txt": "a+b.txt", "a;b.txt": "a;b.txt",
		"100%.txt": "100%25.txt", "a?b.txt": "a%3Fb.txt", "a#b.txt": "a%23b.txt", "a..b": "a..b", "..a/b": "", "a'\"<>.txt": "a'%22%3C%3E.txt",
		"latin\xe9.txt": "latin%E9.txt", strings.Repeat("x", 250): strings.Repeat("x", 250), ".well-known/security.txt": ".well-known/security.txt",
	} {
		f.put(name, "content of "+name)
		if path == "" {
			continue
		}
		if res := f.get("/static/" + path); res.StatusCode != 200 || res.body != "content of "+name {
			t.Errorf("%q: %s %q", name, res.Status, res.body)
		}
	}
	if res := f.get("/static/ünï.txt"); res.StatusCode != 200 && res.StatusCode != 400 {
		t.Errorf("raw UTF-8: %s", res.Status)
	}
	f.put(".well-known/.secret", "x")
	f.get("/static/.well-known/.secret").want(t, 404)
}

func TestAnIndexIsServedOnlyWhenAsked(t *testing.T) {
	f := newFolder(t, func(r *route.Route) { r.Static[0].Index = true })
	f.put("index.html", "top")
	f.put("docs/index.html", "docs")
	f.put("ünï/index.html", "ü")
	f.put("empty/x.txt", "x")
	for path, want := range map[string]string{"/static/": "top", "/static/docs/": "docs", "/static/docs/index.html": "docs"} {
		if res := f.get(path); res.StatusCode != 200 || res.body != want {
			t.Errorf("%s: %s %q", path, res.Status, res.body)
		}
	}
	for path, want := range map[string]string{"/static/docs": "/static/docs/", "/static/docs?a=b": "/static/docs/?a=b", "/static/%C3%BCn%C3%AF": "/static/%C3%BCn%C3%AF/"} {
		if res := f.get(path); res.StatusCode != 301 || res.Header.Get("Location") != want {
			t.Errorf("%s: %s %q", path, res.Status, res.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/static/empty", "/static/empty/", "/static/none/", "/static//", "/static/docs//", "/static/docs/index.html/"} {
		if res := f.get(path); res.StatusCode != 404 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

func TestAFileThatIsReplacedWhileItIsSentArrivesWholeOrNotAtAll(t *testing.T) {
	const size = 20 << 20 // more than all socket buffers together
	changes := map[string]struct {
		do    func(path string) error
		whole bool
	}{
		"replaced": {func(p string) error {
			if err := os.WriteFile(p+".new", []byte("new"), 0o644); err != nil {
				return err
			}
			return os.Rename(p+".new", p)
		}, true},
		"deleted":   {os.Remove, true},
		"truncated": {func(p string) error { return os.Truncate(p, 1<<20) }, false},
		"emptied":   {func(p string) error { return os.Truncate(p, 0) }, false},
		"longer":    {func(p string) error { return os.Truncate(p, size*2) }, true},
	}
	for name, change := range changes {
		for _, fields := range []string{"", "Range: bytes=0-\r\n", "Range: bytes=0-5, 10-\r\n"} {
			if change.whole && fields != "" {
				continue
			}
			t.Run(name+" "+fields, func(t *testing.T) {
				t.Parallel()
				f := newFolder(t)
				path := filepath.Join(f.dir, "a.bin")
				must(t, os.WriteFile(path, bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o644))
				c := f.dial()
				io.WriteString(c, "GET /static/a.bin HTTP/1.1\r\nHost: demo.example\r\n"+fields+"\r\n")
				res, err := http.ReadResponse(bufio.NewReader(c), nil)
				must(t, err)
				must(t, change.do(path))
				n, err := io.Copy(io.Discard, res.Body)
				if (n == res.ContentLength && err == nil) != change.whole {
					t.Errorf("%d of %d bytes came: %v", n, res.ContentLength, err)
				}
				if change.whole {
					return
				}
				if _, err := c.Read(make([]byte, 1)); err != io.EOF && !strings.Contains(err.Error(), "reset") {
					t.Errorf("the connection goes on: %v", err)
				}
			})
		}
	}
}

func TestALargeTextThatIsTruncatedWhileItIsCompressedIsCut(t *testing.T) {
	f := newFolder(t)
	path := filepath.Join(f.dir, "a.txt")
	must(t, os.WriteFile(path, []byte(randomText(20<<20)), 0o644))
	c := f.dial()
	io.WriteString(c, "GET /static/a.txt HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	must(t, os.Truncate(path, 1<<20))
	if _, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Error("half a file looks whole")
	}
}

func TestAssetsOfEarlierReleasesAreStillFound(t *testing.T) {
	var earlier string
	f := newFolder(t, func(r *route.Route) {
		earlier = filepath.Join(filepath.Dir(r.Static[0].Root), "earlier")
		r.Static[0].Earlier = []string{earlier, filepath.Join(filepath.Dir(earlier), "gone")}
		r.Static[0].Within = []string{filepath.Dir(earlier)}
	})
	must(t, os.MkdirAll(earlier, 0o755))
	for _, name := range []string{"both.css", "old.0123456789ab.css"} {
		must(t, os.WriteFile(filepath.Join(earlier, name), []byte("old"), 0o644))
	}
	f.put("both.css", "new")
	if res := f.get("/static/both.css"); res.body != "new" {
		t.Errorf("both have it: %q", res.body)
	}
	if res := f.get("/static/old.0123456789ab.css"); res.body != "old" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the earlier has it: %s %v", res.Status, res.Header)
	}
	f.get("/static/none.css").want(t, 404)
	must(t, os.RemoveAll(earlier))
	must(t, os.Symlink("/etc", earlier))
	f.get("/static/hostname").want(t, 404)
}

func TestWhatIsUploadedActsForNobody(t *testing.T) {
	f := newFolder(t, func(r *route.Route) {
		own := r.Static[0]
		own.Prefix, own.Uploads = "/", true
		own.Domain = "media.demo.example"
		r.Static[0].Uploads = true
		r.Static = append(r.Static, own)
		r.Headers = map[string]string{"Content-Security-Policy": "default-src 'self'"}
	})
	for name, attached := range map[string]bool{
		"a.html": true, "a.htm": true, "a.xhtml": true, "a.svg": true, "a.svgz": true, "a.xml": true, "a.js": true, "a.mjs": true, "a.swf": true, "a": true, "a.HTML": true,
		"a.png": false, "a.jpg": false, "a.txt": false, "a.mp4": false, "a.pdf": false,
	} {
		f.put(name, "<script>alert(1)</script>")
		for _, raw := range []string{"GET /static/" + name + " HTTP/1.1\r\nHost: demo.example\r\n\r\n", "GET /" + name + " HTTP/1.1\r\nHost: media.demo.example\r\n\r\n"} {
			h := f.ask(raw).want(t, 200).Header
			if h.Get("X-Content-Type-Options") != "nosniff" || (h.Get("Content-Disposition") == "attachment") != attached {
				t.Errorf("%s: %v", name, h)
			}
			if policy := h.Get("Content-Security-Policy"); policy != "sandbox" && name != "a.pdf" {
				t.Errorf("%s: %v", name, h)
			}
			if strings.Contains(h.Get("Content-Type"), "javascript") {
				t.Errorf("%s runs as %s", name, h.Get("Content-Type"))
			}
		}
	}
	f.put("a.txt.gz", "chosen by a visitor")
	if res := f.get("/static/a.txt", "Accept-Encoding: gzip"); res.Header.Get("Content-Encoding") != "" {
		t.Errorf("a visitor chose the coding: %v", res.Header)
	}
}
