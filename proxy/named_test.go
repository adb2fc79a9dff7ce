package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
)

// guarded is a proxy with internal files and an application that says what a test wants.
type guarded struct {
	*folder
	app  *app
	says chan string
}

func newGuarded(t *testing.T, changes ...func(*route.Route)) *guarded {
	t.Helper()
	g := &guarded{says: make(chan string, 1)}
	g.app = newApp(t, func(c net.Conn, _ string, _ *bufio.Reader) { io.WriteString(c, <-g.says) })
	base := t.TempDir()
	for _, dir := range []string{"private", "private/nested", "public"} {
		must(t, os.Mkdir(filepath.Join(base, dir), 0o755))
	}
	g.folder = &folder{dir: filepath.Join(base, "private")}
	changes = append([]func(*route.Route){func(r *route.Route) {
		r.Compress = true
		r.Internal = []route.Internal{{Prefix: "/protected/", Root: g.dir, Within: []string{base}}, {Prefix: "/nested/", Root: g.dir + "/nested"}}
		r.Static = []route.Static{{Prefix: "/static/", Root: filepath.Join(base, "public"), MaxAge: 60}}
		r.Headers = map[string]string{"X-Frame-Options": "DENY"}
	}}, changes...)
	g.folder.front = newFront(t, demo(g.app.socket, changes...))
	return g
}

// named is the answer to a request when the application answers with these fields.
func (g *guarded) named(request string, fields ...string) answer {
	g.Helper()
	g.says <- "HTTP/1.1 200 OK\r\n" + lines(fields) + "Content-Length: 0\r\n\r\n"
	return g.ask(request)
}

const download = "GET /download/1 HTTP/1.1\r\nHost: demo.example\r\n\r\n"

func TestInternalFilesAreHadOnlyThroughTheApplication(t *testing.T) {
	g := newGuarded(t)
	g.put("a.pdf", "secret")
	for _, path := range []string{"/protected/a.pdf", "/protected/", "/protected/none", "/%70rotected/a.pdf", "/protected/x/../a.pdf", "/protected/%61.pdf"} {
		res := g.get(path)
		if res.StatusCode != 404 || strings.Contains(res.body, "secret") {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	res := g.named(download, "X-Accel-Redirect: /protected/a.pdf").want(t, 200)
	if res.body != "secret" || res.Header.Get("Content-Type") != "application/pdf" || res.ContentLength != 6 ||
		res.Header.Get("Cache-Control") != "private" || res.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%q %v", res.body, res.Header)
	}
	head := g.named(strings.Replace(download, "GET", "HEAD", 1), "X-Accel-Redirect: /protected/a.pdf").want(t, 200)
	if head.body != "" || head.ContentLength != 6 {
		t.Errorf("HEAD: %q %v", head.body, head.Header)
	}
	post := g.named("POST /download HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 0\r\n\r\n", "X-Accel-Redirect: /protected/a.pdf").want(t, 200)
	if post.body != "secret" {
		t.Errorf("POST: %q", post.body)
	}
}

func TestWhatDjangoSendfileSaysIsUnderstood(t *testing.T) {
	g := newGuarded(t)
	for _, name := range []string{"a b.txt", "ünï.txt", "100%.txt", "a?b#c.txt", "deep/x.txt", ".hidden.txt", "déjà.txt", "🥪.txt", "nested/n.txt"} {
		g.put(name, "content of "+name)
	}
	for _, c := range []struct{ field, name string }{
		{"X-Accel-Redirect: /protected/a%20b.txt", "a b.txt"}, {"X-Accel-Redirect: /protected/a b.txt", "a b.txt"},
		{"X-Accel-Redirect: /protected/%C3%BCn%C3%AF.txt", "ünï.txt"}, {"X-Accel-Redirect: /protected/ünï.txt", "ünï.txt"},
		{"X-Accel-Redirect: /protected/100%25.txt", "100%.txt"}, {"X-Accel-Redirect: /protected/a%3Fb%23c.txt", "a?b#c.txt"},
		{"X-Accel-Redirect: /protected/deep/x.txt?token=1&next=/x", "deep/x.txt"}, {"X-Accel-Redirect: /protected/deep%2Fx.txt", "deep/x.txt"},
		{"X-Accel-Redirect: /protected/.hidden.txt", ".hidden.txt"}, {"X-Accel-Redirect: /nested/n.txt", "nested/n.txt"},
		{"X-Sendfile: " + g.dir + "/a b.txt", "a b.txt"}, {"X-Sendfile: " + g.dir + "/100%.txt", "100%.txt"}, {"X-Sendfile: " + g.dir + "/ünï.txt", "ünï.txt"},
		{"X-Sendfile: " + g.dir + "/d\xe9j\xe0.txt", "déjà.txt"}, {"X-Sendfile: =?utf-8?b?" + b64(g.dir+"/🥪.txt") + "?=", "🥪.txt"},
		{"X-Sendfile: " + g.dir + "/nested/n.txt", "nested/n.txt"},
	} {
		res := g.named(download, c.field)
		if res.StatusCode != 200 || res.body != "content of "+c.name {
			t.Errorf("%s: %s %q", c.field, res.Status, res.body)
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "X-Accel") || name == "X-Sendfile" {
				t.Errorf("%s reached the client", name)
			}
		}
	}
}

func TestAPathIsTakenWhereTheRootLeadsTo(t *testing.T) {
	base := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(base, "releases/1"), 0o755))
	must(t, os.WriteFile(filepath.Join(base, "releases/1/a.txt"), []byte("x"), 0o644))
	must(t, os.Symlink("releases/1", filepath.Join(base, "current")))
	g := newGuarded(t, func(r *route.Route) {
		r.Internal = []route.Internal{{Prefix: "/protected/", Root: filepath.Join(base, "current")}}
	})
	for _, path := range []string{"current/a.txt", "releases/1/a.txt"} {
		g.named(download, "X-Sendfile: "+filepath.Join(base, path)).want(t, 200)
	}
}

func b64(s string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var out strings.Builder
	for i := 0; i < len(s); i += 3 {
		n, left := 0, len(s)-i
		for j := range 3 {
			n <<= 8
			if j < left {
				n |= int(s[i+j])
			}
		}
		for j := range 4 {
			if j > left {
				out.WriteByte('=')
				continue
			}
			out.WriteByte(digits[n>>(18-6*j)&63])
		}
	}
	return out.String()
}

func TestWhatTheApplicationSaysOfAFileIsKept(t *testing.T) {
	g := newGuarded(t)
	g.put("a.bin", words(5000))
	res := g.named(download, "X-Accel-Redirect: /protected/a.bin", "Content-Type: application/x-custom", `Content-Disposition: attachment; filename="bill.bin"`,
		"Set-Cookie: a=b", "Set-Cookie: c=d", "Cache-Control: no-store", "Expires: 0", "Content-Language: de", `Etag: "of-nothing"`, "Last-Modified: Mon, 01 Jan 2001 00:00:00 GMT",
		"Accept-Ranges: none", "X-Accel-Expires: 60", "X-Accel-Buffering: yes").want(t, 200)
	h := res.Header
	if h.Get("Content-Type") != "application/x-custom" || h.Get("Content-Disposition") != `attachment; filename="bill.bin"` || len(h["Set-Cookie"]) != 2 ||
		h.Get("Cache-Control") != "no-store" || h.Get("Content-Language") != "de" || h.Get("Expires") != "0" {
		t.Errorf("lost: %v", h)
	}
	if h.Get("Etag") == `"of-nothing"` || strings.Contains(h.Get("Last-Modified"), "2001") || h.Get("Accept-Ranges") != "bytes" || res.ContentLength != 5000 {
		t.Errorf("of a body that was not sent: %v", h)
	}
	if res := g.named(download, "X-Accel-Redirect: /protected/a.bin", "Content-Type: "); res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("no type: %v", res.Header)
	}
	if res := g.named(download, "X-Accel-Redirect: /protected/a.bin", "Content-Type: text/plain", "X-Accel-Charset: koi8-r"); res.Header.Get("Content-Type") != "text/plain; charset=koi8-r" {
		t.Errorf("charset: %v", res.Header)
	}
}

func TestPartsAndConditionsOfANamedFile(t *testing.T) {
	g := newGuarded(t)
	g.put("a.txt", "0123456789")
	const field = "X-Accel-Redirect: /protected/a.txt"
	with := func(more string) string { return strings.TrimSuffix(download, "\r\n") + more + "\r\n\r\n" }
	tag := g.named(download, field).Header.Get("Etag")
	if res := g.named(with("Range: bytes=2-4"), field, "Set-Cookie: a=b"); res.StatusCode != 206 || res.body != "234" || res.Header.Get("Content-Range") != "bytes 2-4/10" || res.Header.Get("Set-Cookie") == "" {
		t.Errorf("a part: %s %v", res.Status, res.Header)
	}
	if res := g.named(with("If-None-Match: "+tag), field); res.StatusCode != 304 || res.body != "" {
		t.Errorf("not modified: %s", res.Status)
	}
	if res := g.named(with("Range: bytes=99-"), field, `Content-Disposition: attachment; filename="a"`); res.StatusCode != 416 || res.Header.Get("Content-Range") != "bytes */10" || res.Header.Get("Content-Disposition") != "" {
		t.Errorf("no such part: %s %v", res.Status, res.Header)
	}
}

func TestANamedTextIsCompressedUnlessThereIsASecretBesideIt(t *testing.T) {
	g := newGuarded(t)
	g.put("a.csv", words(5000))
	const field = "X-Accel-Redirect: /protected/a.csv"
	request := strings.TrimSuffix(download, "\r\n") + "Accept-Encoding: gzip\r\n\r\n"
	if res := g.named(request, field); res.Header.Get("Content-Encoding") != "gzip" || res.plain(t) != words(5000) {
		t.Errorf("%v", res.Header)
	}
	if res := g.named(request, field, "Content-Encoding: br"); res.body != words(5000) || res.Header.Get("Content-Encoding") != "br" {
		t.Errorf("coded already: %v", res.Header)
	}
	if res := g.named(request, field, "Cache-Control: no-transform"); res.Header.Get("Content-Encoding") != "" {
		t.Errorf("not to be changed: %v", res.Header)
	}
}

func TestAnApplicationCannotNameWhatItsBlocksDoNotHold(t *testing.T) {
	g := newGuarded(t)
	g.put("a.txt", "x")
	base := filepath.Dir(g.dir)
	must(t, os.WriteFile(filepath.Join(base, "secret"), []byte("secret"), 0o644))
	must(t, os.Symlink("../secret", filepath.Join(g.dir, "out")))
	for field, status := range map[string]int{
		"X-Accel-Redirect: /protected/none": 404, "X-Accel-Redirect: /protected/": 404, "X-Accel-Redirect: /protected/../secret": 502,
		"X-Accel-Redirect: /protected/%2e%2e/secret": 404, "X-Accel-Redirect: /protected/out": 404, "X-Accel-Redirect: /protected//etc/passwd": 404,
		"X-Accel-Redirect: /protected/a%00.txt": 404, "X-Accel-Redirect: /elsewhere/": 502, "X-Accel-Redirect: /download/2": 502, "X-Accel-Redirect: @app": 502,
		"X-Accel-Redirect: http://evil.example/": 502, "X-Accel-Redirect: protected/a.txt": 502, "X-Accel-Redirect: /protected/%zz": 502,
		"X-Sendfile: /etc/passwd": 502, "X-Sendfile: a.txt": 502, "X-Sendfile: " + g.dir: 502, "X-Sendfile: " + g.dir + "/../secret": 404, "X-Sendfile: " + base + "/secret": 502,
		"X-Sendfile: " + g.dir + "/out": 404, "X-Sendfile: " + g.dir + "/none": 404, "X-Sendfile: " + g.dir + "x/a": 502,
	} {
		res := g.named(download, field, "Set-Cookie: a=b", `Content-Disposition: attachment; filename="a"`)
		if field == "X-Accel-Redirect: /protected/../secret" && res.StatusCode == 404 {
			continue
		}
		if res.StatusCode != status || strings.Contains(res.body, "root:") || res.body == "secret" || res.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %s %q, want %d", field, res.Status, res.body, status)
		}
		for name := range res.Header {
			if strings.HasPrefix(name, "X-Accel") || name == "X-Sendfile" {
				t.Errorf("%s reached the client", name)
			}
		}
	}
	if text := g.log.String(); !strings.Contains(text, "names a file that is not there") && !strings.Contains(text, "it names ") {
		t.Errorf("nobody is told: %s", text)
	}
}

func TestAPublicFileMayBeNamedToo(t *testing.T) {
	g := newGuarded(t)
	must(t, os.WriteFile(filepath.Join(filepath.Dir(g.dir), "public/a.css"), []byte("x"), 0o644))
	if res := g.named(download, "X-Accel-Redirect: /static/a.css"); res.StatusCode != 200 || res.body != "x" || res.Header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("%s %v", res.Status, res.Header)
	}
}

func TestANamedUploadIsStillRestrainedAndKeepsItsName(t *testing.T) {
	g := newGuarded(t, func(r *route.Route) { r.Static[0].Uploads = true })
	must(t, os.WriteFile(filepath.Join(filepath.Dir(g.dir), "public/a.html"), []byte("x"), 0o644))
	for said, want := range map[string]string{`attachment; filename="bill.html"`: `attachment; filename="bill.html"`, `inline; filename="bill.html"`: "attachment"} {
		h := g.named(download, "X-Accel-Redirect: /static/a.html", "Content-Disposition: "+said).want(t, 200).Header
		if h.Get("Content-Disposition") != want || h.Get("Content-Security-Policy") != "sandbox" {
			t.Errorf("%s: %v", said, h)
		}
	}
}

func TestNamingAFileFreesTheWorker(t *testing.T) {
	g := newGuarded(t)
	must(t, os.WriteFile(filepath.Join(g.dir, "large.bin"), make([]byte, 20<<20), 0o644))
	g.says <- "HTTP/1.1 200 OK\r\nX-Accel-Redirect: /protected/large.bin\r\nContent-Length: 0\r\n\r\n"
	c := g.dial()
	io.WriteString(c, download)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	g.eventually("the request is not in flight", inFlight(0))
	if n, err := io.Copy(io.Discard, res.Body); n != 20<<20 || err != nil {
		t.Errorf("%d bytes: %v", n, err)
	}
}

func TestALimitedRateIsKept(t *testing.T) {
	g := newGuarded(t)
	g.put("a.bin", strings.Repeat("x", 3000))
	began := time.Now()
	res := g.named(download, "X-Accel-Redirect: /protected/a.bin", "X-Accel-Limit-Rate: 10000").want(t, 200)
	if took := time.Since(began); len(res.body) != 3000 || took < 200*time.Millisecond {
		t.Errorf("%d bytes in %s", len(res.body), took)
	}
	for _, rate := range []string{"off", "0", "-1", "x"} {
		if res := g.named(download, "X-Accel-Redirect: /protected/a.bin", "X-Accel-Limit-Rate: "+rate); len(res.body) != 3000 {
			t.Errorf("%s: %d bytes", rate, len(res.body))
		}
	}
}

func TestWhatIsSaidToNginxReachesNoClient(t *testing.T) {
	a := newApp(t, says(reply("ok", "X-Accel-Expires: 60", "X-Accel-Limit-Rate: 1", "X-Accel-Charset: utf-8", "X-Accel-Buffering: no", "X-Accel-Other: x", "X-Sendfile-Type: x", "X-Accelerated: yes")))
	f := newFront(t, demo(a.socket))
	res := f.get("/").want(t, 200)
	for name := range res.Header {
		if strings.HasPrefix(name, "X-Accel-") {
			t.Errorf("%s reached the client", name)
		}
	}
	if res.Header.Get("X-Accelerated") == "" {
		t.Errorf("%v", res.Header)
	}
}
