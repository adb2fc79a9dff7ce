package route_test

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
)

func demo(changes ...func(*route.Route)) *route.Route {
	r := &route.Route{
		Version: 1, Name: "client-x", Domains: []string{"client-x.example", "www.client-x.example"},
		Upstream: route.Upstream{Network: "unix", Address: "/run/sandwich/client-x.sock", Unit: "sandwich-client-x.service"},
		Next:     &route.Upstream{Network: "unix", Address: "/run/sandwich/client-x.next.sock", Unit: "sandwich-client-x.next.service"},
		Static: []route.Static{
			{Prefix: "/static/", Root: "/srv/client-x/static", MaxAge: 60, Within: []string{"/srv/client-x", "/data/x"}},
			{Prefix: "/media/", Root: "/srv/client-x/media", Domain: "media.client-x.example", Uploads: true},
		},
		Redirects: []route.Redirect{{From: "old.client-x.example", To: "https://client-x.example", Status: 301}},
		MaxBody:   25 << 20, TimeoutMS: 60000, HoldMS: 30000, DrainMS: 35000, BufferRequests: true, BufferResponses: true,
		Stream: []string{"/events/"}, Headers: map[string]string{"Referrer-Policy": "same-origin", "A": "<b>"},
		ErrorPages: map[string]string{"503": "/srv/client-x/503.html", "4xx": "/srv/client-x/4xx.html"}, AccessLog: "json",
		RateLimits: []route.RateLimit{{Path: "/login/", Per: "header:X-Key", Count: 10, PeriodMS: 60000, Burst: 20}},
		Access:     &route.Access{Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, UserFile: "/etc/htpasswd", Realm: "x"},
	}
	for _, change := range changes {
		change(r)
	}
	return r
}

func TestARouteSurvivesItsFile(t *testing.T) {
	first, err := route.Encode(demo())
	if err != nil {
		t.Fatal(err)
	}
	r, err := route.Decode(first)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r, demo()) {
		t.Errorf("decoded %+v", r)
	}
	second, err := route.Encode(r)
	if err != nil || !bytes.Equal(first, second) || route.Hash(first) != route.Hash(second) {
		t.Errorf("encoding again gives other bytes: %v", err)
	}
	if !bytes.HasSuffix(first, []byte("}\n")) || !bytes.Contains(first, []byte("\n  \"name\": \"client-x\",\n")) {
		t.Errorf("not indented, or without a newline at the end:\n%s", first)
	}
}

func TestARouteThatCannotBeServedIsRefused(t *testing.T) {
	cases := map[string]func(*route.Route){
		"version":                  func(r *route.Route) { r.Version = 2 },
		"no name":                  func(r *route.Route) { r.Name = "" },
		"name with path":           func(r *route.Route) { r.Name = "../x" },
		"name in capitals":         func(r *route.Route) { r.Name = "Client" },
		"name with outer dash":     func(r *route.Route) { r.Name = "-x" },
		"long name":                func(r *route.Route) { r.Name = strings.Repeat("x", 49) },
		"no domain":                func(r *route.Route) { r.Domains = nil },
		"domain in capitals":       func(r *route.Route) { r.Domains[0] = "Client.example" },
		"domain with port":         func(r *route.Route) { r.Domains[0] = "client.example:80" },
		"domain with dot":          func(r *route.Route) { r.Domains[0] = "client.example." },
		"domain with line break":   func(r *route.Route) { r.Domains[0] = "client.example\n" },
		"long label":               func(r *route.Route) { r.Domains[0] = strings.Repeat("x", 64) },
		"domain twice":             func(r *route.Route) { r.Domains[1] = r.Domains[0] },
		"domain also redirected":   func(r *route.Route) { r.Redirects[0].From = r.Domains[0] },
		"static domain redirected": func(r *route.Route) { r.Redirects[0].From = "media.client-x.example" },
		"network":                  func(r *route.Route) { r.Upstream.Network = "udp" },
		"relative socket":          func(r *route.Route) { r.Upstream.Address = "x.sock" },
		"socket with dots":         func(r *route.Route) { r.Upstream.Address = "/run/../x.sock" },
		"long socket":              func(r *route.Route) { r.Upstream.Address = "/" + strings.Repeat("x", 107) },
		"no port":                  func(r *route.Route) { r.Upstream = route.Upstream{Network: "tcp", Address: "127.0.0.1"} },
		"port 0":                   func(r *route.Route) { r.Upstream = route.Upstream{Network: "tcp", Address: "127.0.0.1:0"} },
		"unit with space":          func(r *route.Route) { r.Upstream.Unit = "a b.service" },
		"open prefix":              func(r *route.Route) { r.Static[0].Prefix = "/static" },
		"relative prefix":          func(r *route.Route) { r.Static[0].Prefix = "static/" },
		"prefix with dots":         func(r *route.Route) { r.Static[0].Prefix = "/a/../static/" },
		"encoded prefix":           func(r *route.Route) { r.Static[0].Prefix = "/st%61tic/" },
		"prefix twice":             func(r *route.Route) { r.Static[1] = r.Static[0] },
		"relative root":            func(r *route.Route) { r.Static[0].Root = "static" },
		"root of everything":       func(r *route.Route) { r.Static[0].Root = "/" },
		"root with NUL":            func(r *route.Route) { r.Static[0].Root = "/a\x00b" },
		"within a relative path":   func(r *route.Route) { r.Static[0].Within = []string{"srv"} },
		"within a path with dots":  func(r *route.Route) { r.Static[0].Within = []string{"/srv/../etc"} },
		"within everything":        func(r *route.Route) { r.Static[0].Within = []string{"/srv", "/"} },
		"relative earlier root":    func(r *route.Route) { r.Static[0].Earlier = []string{"old"} },
		"internal everything":      func(r *route.Route) { r.Internal = []route.Internal{{Prefix: "/", Root: "/p"}} },
		"internal without a root":  func(r *route.Route) { r.Internal = []route.Internal{{Prefix: "/p/"}} },
		"internal open prefix":     func(r *route.Route) { r.Internal = []route.Internal{{Prefix: "/p", Root: "/p"}} },
		"internal twice": func(r *route.Route) {
			r.Internal = []route.Internal{{Prefix: "/p/", Root: "/p"}, {Prefix: "/p/", Root: "/q"}}
		},
		"internal and static": func(r *route.Route) { r.Internal = []route.Internal{{Prefix: r.Static[0].Prefix, Root: "/p"}} },
		"internal within relative": func(r *route.Route) {
			r.Internal = []route.Internal{{Prefix: "/p/", Root: "/p", Within: []string{"x"}}}
		},
		"pages within relative":    func(r *route.Route) { r.PagesWithin = []string{"x"} },
		"negative age":             func(r *route.Route) { r.Static[0].MaxAge = -1 },
		"redirect to path":         func(r *route.Route) { r.Redirects[0].To = "/x" },
		"redirect to script":       func(r *route.Route) { r.Redirects[0].To = "javascript://x" },
		"redirect with user":       func(r *route.Route) { r.Redirects[0].To = "https://a@b" },
		"redirect with line break": func(r *route.Route) { r.Redirects[0].To = "https://a/\r\nX: y" },
		"redirect 200":             func(r *route.Route) { r.Redirects[0].Status = 200 },
		"rate of nothing":          func(r *route.Route) { r.RateLimits[0].Count = 0 },
		"no burst":                 func(r *route.Route) { r.RateLimits[0].Burst = 0 },
		"no period":                func(r *route.Route) { r.RateLimits[0].PeriodMS = 0 },
		"rate per cookie":          func(r *route.Route) { r.RateLimits[0].Per = "cookie" },
		"rate per no header":       func(r *route.Route) { r.RateLimits[0].Per = "header:a b" },
		"rate of no path":          func(r *route.Route) { r.RateLimits[0].Path = "login" },
		"rate twice":               func(r *route.Route) { r.RateLimits = append(r.RateLimits, r.RateLimits[0]) },
		"network with host bits":   func(r *route.Route) { r.Access.Deny[0] = netip.MustParsePrefix("10.0.0.1/8") },
		"no network":               func(r *route.Route) { r.Access.Allow = make([]netip.Prefix, 1) },
		"relative password file":   func(r *route.Route) { r.Access.UserFile = "htpasswd" },
		"realm with a quote":       func(r *route.Route) { r.Access.Realm = `a"b` },
		"realm with a line break":  func(r *route.Route) { r.Access.Realm = "a\nb" },
		"access log":               func(r *route.Route) { r.AccessLog = "/etc/passwd" },
		"negative body":            func(r *route.Route) { r.MaxBody = -1 },
		"no time":                  func(r *route.Route) { r.TimeoutMS = 0 },
		"too much time":            func(r *route.Route) { r.HoldMS = 1 << 62 },
		"negative hold":            func(r *route.Route) { r.HoldMS = -1 },
		"next on the same socket":  func(r *route.Route) { *r.Next = r.Upstream },
		"next without a network":   func(r *route.Route) { r.Next = new(route.Upstream) },
		"negative drain":           func(r *route.Route) { r.DrainMS = -1 },
		"too much drain":           func(r *route.Route) { r.DrainMS = 1 << 62 },
		"negative cap":             func(r *route.Route) { r.InFlight = -1 },
		"relative stream":          func(r *route.Route) { r.Stream = []string{"events"} },
		"header name":              func(r *route.Route) { r.Headers = map[string]string{"a b": ""} },
		"header value":             func(r *route.Route) { r.Headers = map[string]string{"a": "b\r\nc: d"} },
		"framing header":           func(r *route.Route) { r.Headers = map[string]string{"Content-LENGTH": "1"} },
		"error page of 200":        func(r *route.Route) { r.ErrorPages = map[string]string{"200": "/x"} },
		"relative error page":      func(r *route.Route) { r.ErrorPages = map[string]string{"503": "x"} },
	}
	for name, change := range cases {
		if data, err := route.Encode(demo(change)); err == nil {
			t.Errorf("%s: encoded\n%s", name, data)
		}
	}
}

func TestADrainThatIsNotSaidIs30Seconds(t *testing.T) {
	for ms, want := range map[int64]time.Duration{0: 30 * time.Second, 5000: 5 * time.Second} {
		if got := demo(func(r *route.Route) { r.DrainMS = ms }).Drain(); got != want {
			t.Errorf("drain_ms %d is %s, want %s", ms, got, want)
		}
	}
}

func TestDecodeIsStrict(t *testing.T) {
	good, err := route.Encode(demo())
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"nothing":       nil,
		"unknown field": bytes.Replace(good, []byte("{"), []byte(`{"colour": 1,`), 1),
		"text after":    append(bytes.Clone(good), "{}"...),
		"wrong type":    bytes.Replace(good, []byte(`"version": 1`), []byte(`"version": "1"`), 1),
		"too large":     append(bytes.Clone(good), bytes.Repeat([]byte(" "), route.MaxSize)...),
		"cut off":       good[:len(good)/2],
	}
	for name, data := range cases {
		if _, err := route.Decode(data); err == nil {
			t.Errorf("%s: decoded", name)
		}
	}
}

func TestSettings(t *testing.T) {
	s := &route.Settings{Version: 1, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	data, err := route.EncodeSettings(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := route.DecodeSettings(data)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("decoded %+v, %v", got, err)
	}
	for _, bad := range []string{`{}`, `{"version":2}`, `{"version":1,"x":1}`, `{"version":1,"trusted_proxies":["10.0.0.1/8"]}`, `{"version":1,"trusted_proxies":["all"]}`} {
		if _, err := route.DecodeSettings([]byte(bad)); err == nil {
			t.Errorf("decoded %s", bad)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := route.Encode(demo())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := route.Decode(data)
		if err != nil {
			return
		}
		again, err := route.Encode(r)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if _, err := route.Decode(again); err != nil {
			t.Fatalf("what was encoded cannot be decoded: %v", err)
		}
		if _, err := new(route.Table).With(r); err != nil {
			t.Fatalf("an empty table refuses it: %v", err)
		}
	})
}
