package proxy_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"sandwich/proxy/route"
)

func TestAProjectsOwnErrorPages(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	site := filepath.Join(dir, "site")
	must(t, os.Mkdir(site, 0o755))
	for name, content := range map[string]string{
		"site/404.html": "<p>own 404", "site/4xx.json": `{"own": true}`, "outside.html": "secret", "site/large.html": strings.Repeat("x", 1<<20+1), "site/502.txt": "own 502",
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
	}
	must(t, os.Symlink("../outside.html", filepath.Join(site, "link.html")))
	must(t, os.Symlink("404.html", filepath.Join(site, "within.html")))
	must(t, syscall.Mkfifo(filepath.Join(site, "fifo.html"), 0o644))
	for _, c := range []struct {
		key, page, body, kind string
	}{
		{"404", "site/404.html", "<p>own 404", "text/html; charset=utf-8"},
		{"4xx", "site/4xx.json", `{"own": true}`, "application/json"},
		{"4xx", "site/within.html", "<p>own 404", "text/html; charset=utf-8"},
		{"4xx", "site/502.txt", "own 502", "text/plain; charset=utf-8"},
		{"5xx", "site/404.html", "", "text/plain; charset=utf-8"},
		{"404", "site/link.html", "", "text/plain; charset=utf-8"},
		{"404", "site/fifo.html", "", "text/plain; charset=utf-8"},
		{"404", "site/large.html", "", "text/plain; charset=utf-8"},
		{"404", "site/none.html", "", "text/plain; charset=utf-8"},
		{"404", "site", "", "text/plain; charset=utf-8"},
		{"404", "outside.html", "", "text/plain; charset=utf-8"},
	} {
		f := newFolder(t, func(r *route.Route) {
			r.ErrorPages = map[string]string{c.key: filepath.Join(dir, c.page)}
			r.PagesWithin = []string{site}
			r.Headers = map[string]string{"X-Frame-Options": "DENY"}
		})
		res := f.get("/static/none").want(t, 404)
		if res.Header.Get("Content-Type") != c.kind || res.Header.Get("X-Frame-Options") != "DENY" || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: %v", c.key, c.page, res.Header)
		}
		if c.body == "" && (!strings.Contains(res.body, "no such page") || strings.Contains(res.body, "secret")) || c.body != "" && res.body != c.body {
			t.Errorf("%s %s: %.100q", c.key, c.page, res.body)
		}
		if c.body == "" && c.key == "404" && !strings.Contains(f.log.String(), "cannot show") {
			t.Errorf("%s: nobody is told", c.page)
		}
		head := f.head("/static/none").want(t, 404)
		if head.body != "" || head.Header.Get("Content-Length") != res.Header.Get("Content-Length") {
			t.Errorf("%s %s: HEAD %v", c.key, c.page, head.Header)
		}
	}
}

func TestAProgramGetsAnErrorItCanRead(t *testing.T) {
	f := newFolder(t)
	res := f.get("/static/none", "Accept: application/json").want(t, 404)
	var told struct {
		Status        int
		Title, Detail string
		RequestID     string `json:"request_id"`
	}
	must(t, json.Unmarshal([]byte(res.body), &told))
	if told.Status != 404 || told.Title != "Not Found" || told.RequestID != res.Header.Get("X-Request-Id") || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v %+v", res.Header, told)
	}
	if res := f.get("/static/none", "Accept: text/html,application/json"); !strings.Contains(res.body, "<h1>") {
		t.Errorf("a person gets %s", res.body)
	}
	if res := f.get("/static/none"); res.Header.Get("Content-Length") != strconv.Itoa(len(res.body)) {
		t.Errorf("%v", res.Header)
	}
}

func TestHeadersOfTheProjectAreOnEveryResponse(t *testing.T) {
	a := newApp(t, says(reply("ok", "X-Frame-Options: SAMEORIGIN", "X-Frame-Options: ALLOWALL")))
	f := newFolder(t, func(r *route.Route) {
		r.Upstream.Address = a.socket
		r.Headers = map[string]string{"X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}
		r.Redirects = []route.Redirect{{From: "old.example", To: "https://demo.example", Status: 301}}
		r.MaxBody = 1
	})
	f.put("a.css", words(5000))
	tag := f.get("/static/a.css").Header.Get("Etag")
	for raw, status := range map[string]int{
		"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n": 200, "GET /static/a.css HTTP/1.1\r\nHost: demo.example\r\n\r\n": 200,
		"HEAD /static/a.css HTTP/1.1\r\nHost: demo.example\r\nAccept-Encoding: gzip\r\n\r\n":     200,
		"GET /static/a.css HTTP/1.1\r\nHost: demo.example\r\nRange: bytes=0-1\r\n\r\n":           206,
		"GET /static/a.css HTTP/1.1\r\nHost: demo.example\r\nRange: bytes=9999-\r\n\r\n":         416,
		"GET /static/a.css HTTP/1.1\r\nHost: demo.example\r\nIf-None-Match: " + tag + "\r\n\r\n": 304,
		"GET /static/a.css HTTP/1.1\r\nHost: demo.example\r\nIf-Match: \"x\"\r\n\r\n":            412,
		"GET /static/none HTTP/1.1\r\nHost: demo.example\r\n\r\n":                                404,
		"POST /static/a.css HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 0\r\n\r\n":         405,
		"GET /x HTTP/1.1\r\nHost: old.example\r\n\r\n":                                           301,
		"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 2\r\n\r\nab":                   413,
	} {
		res := f.ask(raw).want(t, status)
		if got := res.Header["X-Frame-Options"]; len(got) != 1 || got[0] != "DENY" || res.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%d: %v", status, res.Header)
		}
	}
}
