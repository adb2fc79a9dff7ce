package proxy_test

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

func named(name, socket string, domains ...string) *route.Route {
	r := demo(socket)
	r.Name, r.Domains = name, domains
	return r
}

func (f *front) askHost(host string) answer {
	f.Helper()
	return f.ask("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
}

func TestABrokenRouteFileHarmsNobodyElse(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	bad := filepath.Join(f.routes, "bad.json")
	for _, content := range []string{"", "{", `{"version":2}`, `{"version":1,"name":"other"}`, strings.Repeat(" ", 2<<20)} {
		must(t, os.WriteFile(bad, []byte(content), 0o644))
		if err := f.Apply("bad"); !errors.Is(err, proxy.ErrBroken) {
			t.Errorf("Apply of %.20q: %v", content, err)
		}
		f.Reload()
		f.get("/").want(t, 200)
		if !strings.Contains(f.log.String(), bad) {
			t.Errorf("the log does not name %s", bad)
		}
	}
}

func TestTheLastGoodRouteStays(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	hash := f.Status()[0].Hash
	must(t, os.WriteFile(filepath.Join(f.routes, "demo.json"), []byte("{"), 0o644))
	if err := f.Apply("demo"); !errors.Is(err, proxy.ErrBroken) {
		t.Errorf("Apply: %v", err)
	}
	f.Reload()
	f.get("/").want(t, 200)
	if got := f.Status()[0].Hash; got != hash {
		t.Errorf("hash is %s, was %s", got, hash)
	}
}

func TestApplyAndForget(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t)
	f.get("/").want(t, 421)
	if err := f.Apply("demo"); !errors.Is(err, proxy.ErrNoFile) {
		t.Errorf("Apply without a file: %v", err)
	}
	for _, name := range []string{"", "../demo", "Demo", "a b", "demo.json"} {
		if err := f.Apply(name); !errors.Is(err, proxy.ErrName) {
			t.Errorf("Apply(%q): %v", name, err)
		}
		if err := f.Forget(name); !errors.Is(err, proxy.ErrName) {
			t.Errorf("Forget(%q): %v", name, err)
		}
	}
	f.write(demo(a.socket))
	must(t, f.Apply("demo"))
	f.get("/").want(t, 200)
	f.write(named("demo", a.socket, "moved.example"))
	must(t, f.Apply("demo"))
	f.get("/").want(t, 421)
	f.askHost("moved.example").want(t, 200)
	if st := f.Status()[0]; st.Requests != 2 {
		t.Errorf("counters do not outlive a version: %+v", st)
	}
	must(t, f.Forget("demo"))
	must(t, f.Forget("demo"))
	f.askHost("moved.example").want(t, 421)
}

func TestWhoHasADomainKeepsIt(t *testing.T) {
	a, b := newApp(t, says(ok)), newApp(t, says(strings.Replace(ok, "\nok", "\nno", 1)))
	f := newFront(t, named("alpha", a.socket, "shared.example"), named("beta", b.socket, "beta.example", "shared.example"))
	if res := f.askHost("shared.example").want(t, 200); res.body != "ok" {
		t.Errorf("the second project answers")
	}
	f.askHost("beta.example").want(t, 421)
	if err := f.Apply("beta"); !errors.Is(err, route.ErrDomainTaken) || !strings.Contains(err.Error(), "shared.example is a domain of alpha") {
		t.Errorf("Apply: %v", err)
	}
	must(t, f.Forget("alpha"))
	must(t, f.Apply("beta"))
	f.askHost("shared.example").want(t, 200)
}

func TestReloadFollowsTheDirectory(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, named("alpha", a.socket, "alpha.example"))
	f.write(named("beta", a.socket, "beta.example"))
	must(t, os.Remove(filepath.Join(f.routes, "alpha.json")))
	f.Reload()
	f.askHost("alpha.example").want(t, 421)
	f.askHost("beta.example").want(t, 200)
}

func TestApplyingOneProjectDoesNotDisturbAnother(t *testing.T) {
	a := newApp(t, socketServer)
	f := newFront(t, demo(a.socket), named("beta", a.socket, "beta.example"))
	c, r := f.shakeHands()
	buf := make([]byte, len("hello early "))
	io.ReadFull(r, buf)
	for range 100 {
		must(t, f.Apply("beta"))
		must(t, f.Apply("demo"))
		io.WriteString(c, "still")
		if _, err := io.ReadFull(r, buf[:5]); err != nil || string(buf[:5]) != "still" {
			t.Fatalf("the tunnel is cut: %q, %v", buf[:5], err)
		}
	}
}

func TestTheProxyServesStaticFilesAndRedirects(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("body{}"), 0o644))
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir, MaxAge: 60}, {Prefix: "/media/", Root: dir, Domain: "media.example"}}
		r.Redirects = []route.Redirect{{From: "old.example", To: "https://demo.example/", Status: 301}}
		r.Headers = map[string]string{"X-Own": "1"}
		r.ErrorPages = map[string]string{"404": filepath.Join(dir, "404.html"), "5xx": filepath.Join(dir, "none")}
	}))
	must(t, os.WriteFile(filepath.Join(dir, "404.html"), []byte("<p>own page"), 0o644))
	if res := f.get("/static/a.css").want(t, 200); res.body != "body{}" || res.Header.Get("X-Own") != "1" {
		t.Errorf("answer is %q %v", res.body, res.Header)
	}
	if res := f.get("/static/none").want(t, 404); res.body != "<p>own page" || res.Header.Get("X-Own") != "1" {
		t.Errorf("answer is %q %v", res.body, res.Header)
	}
	f.get("/static/..%2fa.css").want(t, 404)
	res := f.ask("GET /a%20b/?c=d HTTP/1.1\r\nHost: OLD.example.:80\r\n\r\n").want(t, 301)
	if got := res.Header.Get("Location"); got != "https://demo.example/a%20b/?c=d" {
		t.Errorf("Location is %q", got)
	}
	f.ask("GET /media/a.css HTTP/1.1\r\nHost: media.example\r\n\r\n").want(t, 200)
	f.ask("GET /other HTTP/1.1\r\nHost: media.example\r\n\r\n").want(t, 404)
	f.get("/media/a.css").want(t, 200) // the application's
	if res := f.ask("POST /static/a.css HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 0\r\n\r\n").want(t, 405); res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow is %q", res.Header.Get("Allow"))
	}
	if len(a.heads) != 1 {
		t.Errorf("%d requests reached the application, want 1", len(a.heads))
	}
}

func TestTheBodyOfAStaticRequestIsNoRequest(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: t.TempDir()}}
	}))
	const inner = "GET /smuggled HTTP/1.1\r\nHost: demo.example\r\n\r\n"
	c := f.dial()
	r := bufio.NewReader(c)
	io.WriteString(c, "GET /static/x HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 46\r\n\r\n"+inner+"GET /next HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	f.read(r, "GET").want(t, 404)
	f.read(r, "GET").want(t, 200)
	if head := within(t, a.heads, "the next request"); !strings.HasPrefix(head, "GET /next") {
		t.Errorf("the application got\n%s", head)
	}
}
