package proxy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"net/netip"

	"sandwich/proxy/route"
)

// from says that the client is somebody behind a trusted proxy.
func from(client string) string { return "X-Forwarded-For: " + client }

// trusting writes settings that believe this host.
func trusting(f *front) {
	f.Helper()
	must(f, os.WriteFile(filepath.Join(filepath.Dir(f.routes), "proxy.json"), []byte(`{"version": 1, "trusted_proxies": ["127.0.0.0/8"]}`), 0o644))
	f.Reload()
}

func limited(l ...route.RateLimit) func(*route.Route) {
	return func(r *route.Route) { r.RateLimits = l }
}

func loginLimit(per string) route.RateLimit {
	return route.RateLimit{Path: "/login/", Per: per, Count: 10, PeriodMS: 60_000, Burst: 2}
}

func TestARateLimitHoldsForEachClientAndItsPath(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, limited(loginLimit("ip"))))
	trusting(f)
	for range 2 {
		f.get("/login/", from("192.0.2.1")).want(t, 200)
	}
	refused := f.get("/login/%61", from("192.0.2.1")).want(t, 429)
	if n, err := strconv.Atoi(refused.Header.Get("Retry-After")); err != nil || n < 5 || n > 6 {
		t.Errorf("Retry-After is %q", refused.Header.Get("Retry-After"))
	}
	f.get("/log%69n/", from("192.0.2.1")).want(t, 429)
	f.get("/", from("192.0.2.1")).want(t, 200)
	f.get("/login/", from("192.0.2.2")).want(t, 200)
	f.get("/login/", from("8.8.8.8, 192.0.2.1")).want(t, 429) // the left one is the client's invention
	f.get("/login/").want(t, 200)
	if st := f.Status()[0]; st.Limited != 3 || st.Responses["4xx"] != 3 {
		t.Errorf("status is %+v", st)
	}
}

func TestIPv6ClientsOfOneNetworkShareALimit(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, limited(loginLimit("ip"))))
	trusting(f)
	f.get("/login/", from("2001:db8::1")).want(t, 200)
	f.get("/login/", from("2001:db8::2")).want(t, 200)
	f.get("/login/", from("2001:db8::3:0:0:1")).want(t, 429)
	f.get("/login/", from("2001:db8:0:1::1")).want(t, 200)
}

func TestALimitSurvivesAnApplyThatDoesNotChangeIt(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, limited(loginLimit("ip"))))
	for range 2 {
		f.get("/login/").want(t, 200)
	}
	must(t, f.Apply("demo"))
	f.get("/login/").want(t, 429)
	changed := loginLimit("ip")
	changed.Burst = 3
	f.write(demo(a.socket, limited(changed)))
	must(t, f.Apply("demo"))
	f.get("/login/").want(t, 200)
}

func TestALimitPerHeaderFallsBackToTheAddress(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, limited(loginLimit("header:X-Api-Key"))))
	for range 2 {
		f.get("/login/", "X-Api-Key: one").want(t, 200)
		f.get("/login/", "X-Api-Key: two").want(t, 200)
		f.get("/login/").want(t, 200)
	}
	f.get("/login/", "X-Api-Key: one").want(t, 429)
	f.get("/login/", "X-Api-Key: two").want(t, 429)
	f.get("/login/").want(t, 429)
	f.get("/login/", "X-Api-Key: three").want(t, 200)
}

func TestSeveralLimitsHoldTogether(t *testing.T) {
	a := newApp(t, says(ok))
	everything := route.RateLimit{Path: "/", Per: "ip", Count: 3, PeriodMS: 3_600_000, Burst: 3}
	f := newFront(t, demo(a.socket, limited(loginLimit("ip"), everything)))
	for range 2 {
		f.get("/login/").want(t, 200)
	}
	f.get("/login/").want(t, 429) // and costs no token of the other
	f.get("/").want(t, 200)
	f.get("/").want(t, 429)
}

func TestFilesAreLimitedOnlyByTheirOwnPath(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("a"), 0o644))
	a := newApp(t, says(ok))
	one := func(path string) route.RateLimit {
		return route.RateLimit{Path: path, Per: "ip", Count: 1, PeriodMS: 3_600_000, Burst: 1}
	}
	files := func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir}, {Prefix: "/media/", Root: dir}}
	}
	f := newFront(t, demo(a.socket, files, limited(one("/media/"), one("/"))))
	for range 3 {
		f.get("/static/a.css").want(t, 200)
	}
	f.get("/media/a.css").want(t, 200)
	f.get("/media/a.css").want(t, 429)
}

// passwords is a file that knows bob and alice, both with the password "secret".
func passwords(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "htpasswd")
	must(t, os.WriteFile(path, []byte("bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\nalice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"), 0o600))
	return path
}

func restricted(a *route.Access) func(*route.Route) {
	return func(r *route.Route) { r.Access = a }
}

const (
	asBob   = "Authorization: Basic Ym9iOnNlY3JldA==" // bob:secret
	asAlice = "Authorization: Basic YWxpY2U6c2VjcmV0" // alice:secret
	wrongly = "Authorization: Basic Ym9iOlNlY3JldA==" // bob:Secret
)

func TestAPasswordIsAskedFor(t *testing.T) {
	a := newApp(t, says(ok))
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("a"), 0o644))
	f := newFront(t, demo(a.socket, restricted(&route.Access{UserFile: passwords(t), Realm: "For friends"}), inJSON, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir}}
		r.Redirects = []route.Redirect{{From: "old.example", To: "https://demo.example", Status: 301}}
	}))
	for _, said := range []string{"X-None: x", wrongly, "Authorization: Basic !!!", "Authorization: Bearer x"} {
		refused := f.get("/", said).want(t, 401)
		if got := refused.Header.Get("Www-Authenticate"); got != `Basic realm="For friends", charset="UTF-8"` {
			t.Errorf("asked with %q", got)
		}
		f.get("/static/a.css", said).want(t, 401)
	}
	if len(a.heads) > 0 {
		t.Error("the application was asked")
	}
	for _, said := range []string{asBob, asBob, asAlice, asAlice} {
		f.get("/", said).want(t, 200)
		f.get("/static/a.css", said).want(t, 200)
	}
	f.ask("GET / HTTP/1.1\r\nHost: old.example\r\n\r\n").want(t, 301)
	f.get("/.well-known/acme-challenge/x").want(t, 404) // nobody has that token, but everybody may ask
	users := map[string]int{}
	for _, l := range f.loggedJSON("demo") {
		users[l.User]++
	}
	if fmt.Sprint(users) != "map[:10 alice:4 bob:4]" {
		t.Errorf("logged users are %v", users)
	}
}

func TestAPasswordFileThatCannotBeReadLetsNobodyIn(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, restricted(&route.Access{UserFile: "/nowhere/htpasswd"})))
	f.get("/", asBob).want(t, 500)
	if said := f.log.String(); !strings.Contains(said, "/nowhere/htpasswd") || !strings.Contains(said, "basic_auth_file of demo") {
		t.Errorf("said %q", said)
	}
}

func TestALimitPerUserIsPerUser(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, restricted(&route.Access{UserFile: passwords(t)}), limited(loginLimit("user"))))
	f.get("/login/", wrongly).want(t, 401) // somebody else must not use up bob's
	f.get("/login/", wrongly).want(t, 401)
	for range 2 {
		f.get("/login/", asBob).want(t, 200)
	}
	f.get("/login/", asBob).want(t, 429)
	f.get("/login/", asAlice).want(t, 200)
}

func TestOnlyAllowedAddressesComeIn(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, restricted(&route.Access{
		Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")},
	})))
	trusting(f)
	f.get("/", from("10.1.2.3")).want(t, 200)
	f.get("/", from("192.0.2.1")).want(t, 403)
	f.get("/", from("2001:db8::1")).want(t, 403)
	f.get("/", from("10.1.2.3, 192.0.2.1")).want(t, 403)
	f.get("/.well-known/acme-challenge/x", from("192.0.2.1")).want(t, 404) // nobody has that token, but everybody may ask
}

// close writes the file that closes demo and has it applied.
func (f *front) closeSite(m *route.Maintenance) {
	f.Helper()
	m.Version = route.Version
	data, err := route.EncodeMaintenance(m)
	must(f, err)
	f.closeWith(data)
}

func (f *front) closeWith(data []byte) {
	f.Helper()
	must(f, os.MkdirAll(f.maintenance, 0o755))
	must(f, os.WriteFile(filepath.Join(f.maintenance, "demo.json"), data, 0o644))
	must(f, f.Apply("demo"))
}

func TestMaintenanceClosesTheApplicationAndOpensItAgain(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("a"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "503.html"), []byte("back soon"), 0o644))
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir}}
		r.ErrorPages = map[string]string{"503": filepath.Join(dir, "503.html")}
		r.Redirects = []route.Redirect{{From: "old.example", To: "https://demo.example", Status: 301}}
	}))
	trusting(f)
	f.closeSite(&route.Maintenance{RetryS: 600, Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}})
	page := f.get("/").want(t, 503)
	if page.Header.Get("Retry-After") != "600" || page.body != "back soon" || page.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("page is %q with %v", page.body, page.Header)
	}
	f.get("/static/a.css").want(t, 200)
	f.get("/.well-known/acme-challenge/x").want(t, 404) // nobody has that token, but everybody may ask
	f.ask("GET / HTTP/1.1\r\nHost: old.example\r\n\r\n").want(t, 301)
	f.get("/", from("192.0.2.7")).want(t, 200)
	f.get("/", from("192.0.2.8")).want(t, 503)
	f.write(demo(a.socket)) // an apply of the project opens nothing
	must(t, f.Apply("demo"))
	f.Reload()
	if page := f.get("/").want(t, 503); page.body == "back soon" || !f.Status()[0].Closed {
		t.Errorf("page is %q, status %+v", page.body, f.Status()[0])
	}
	must(t, os.Remove(filepath.Join(f.maintenance, "demo.json")))
	must(t, f.Apply("demo"))
	f.get("/").want(t, 200)
	if f.Status()[0].Closed {
		t.Error("status says that it is closed")
	}
}

func TestMaintenanceIsThereWhenTheProxyStarts(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.closeSite(&route.Maintenance{})
	must(t, f.stop())
	f.start(filepath.Join(filepath.Dir(f.routes), "proxy.json"))
	if page := f.get("/").want(t, 503); page.Header.Get("Retry-After") != "300" {
		t.Errorf("Retry-After is %q", page.Header.Get("Retry-After"))
	}
}

func TestAMaintenanceFileThatNobodyUnderstandsCloses(t *testing.T) {
	a := newApp(t, says(ok))
	for _, content := range []string{"", "{}", `{"version": 2}`, `{"version": 1, "allow": ["all"]}`, `{"version": 1, "allow": ["10.0.0.1/8"]}`} {
		if json.Valid([]byte(content)) == (content == "") {
			t.Fatal(content)
		}
		f := newFront(t, demo(a.socket))
		f.closeWith([]byte(content))
		f.get("/").want(t, 503)
	}
}

func TestWhoIsRefusedCostsTheOthersNothing(t *testing.T) {
	a := newApp(t, says(ok))
	other := demo(a.socket, func(r *route.Route) { r.Name, r.Domains = "other", []string{"other.example"} })
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.InFlight = 1 }), other)
	must(t, f.Hold("demo", patience))
	first := make(chan answer, 1)
	go func() { first <- f.get("/") }()
	f.eventually("one waits", held(1))
	for range 3 {
		if refused := f.get("/").want(t, 503); refused.Header.Get("Retry-After") != "5" {
			t.Errorf("Retry-After is %q", refused.Header.Get("Retry-After"))
		}
		f.ask("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").want(t, 200)
	}
	if st := f.Status()[0]; st.Shed != 3 {
		t.Errorf("status is %+v", st)
	}
	must(t, f.Release("demo"))
	within(t, first, "the first answer").want(t, 200)
}
