package route_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sandwich/proxy/route"
)

func TestFind(t *testing.T) {
	table := mustTable(t, demo(func(r *route.Route) {
		r.Static = append(r.Static,
			route.Static{Prefix: "/static/deep/", Root: "/deep"},
			route.Static{Prefix: "/static/", Root: "/own", Domain: "www.client-x.example"})
	}))
	cases := []struct{ host, path, want string }{
		{"client-x.example", "/", "application"},
		{"CLIENT-X.example.:8080", "/", "application"},
		{"client-x.example", "/events/1", "stream"},
		{"client-x.example", "/events", "application"},
		{"client-x.example", "/static/a", "/srv/client-x/static a"},
		{"client-x.example", "/static/deep/a", "/deep a"},
		{"client-x.example", "/static/deep", "/srv/client-x/static deep"},
		{"client-x.example", "/static", "application"},
		{"client-x.example", "/staticx/a", "application"},
		{"client-x.example", "//static/a", "application"},
		{"client-x.example", "/media/a", "application"},
		{"www.client-x.example", "/static/a", "/own a"},
		{"www.client-x.example", "/static/deep/a", "/deep a"},
		{"media.client-x.example", "/media/a/b", "/srv/client-x/media a/b"},
		{"media.client-x.example", "/static/a", "missing"},
		{"media.client-x.example", "/events/1", "missing"},
		{"old.client-x.example", "/static/a", "redirect"},
		{"x.example", "/", "nobody"},
		{"evil-client-x.example", "/", "nobody"},
		{"client-x.example.evil", "/", "nobody"},
		{"client-x.example:80:80", "/", "nobody"},
		{"", "/", "nobody"},
		{"[::1]:80", "/", "nobody"},
	}
	for _, c := range cases {
		if got := describe(table.Find(c.host, c.path)); got != c.want {
			t.Errorf("%s%s goes to %s, want %s", c.host, c.path, got, c.want)
		}
	}
}

func describe(m route.Match, ok bool) string {
	switch {
	case !ok:
		return "nobody"
	case m.Redirect != nil:
		return "redirect"
	case m.Static != nil:
		return m.Static.Root + " " + m.Rest
	case m.Missing:
		return "missing"
	case m.Stream:
		return "stream"
	}
	return "application"
}

func TestWhatIsInternalIsOnlyNamedByTheApplication(t *testing.T) {
	table := mustTable(t, demo(func(r *route.Route) {
		r.Internal = []route.Internal{{Prefix: "/protected/", Root: "/private"}, {Prefix: "/static/paid/", Root: "/paid"}}
	}))
	cases := []struct{ host, path, asked, named string }{
		{"client-x.example", "/protected/a b", "missing", "/private a b"},
		{"client-x.example", "/protected/", "missing", "/private "},
		{"client-x.example", "/protected", "application", ""},
		{"client-x.example", "/protectedx/a", "application", ""},
		{"client-x.example", "/static/paid/a", "missing", "/paid a"},
		{"client-x.example", "/static/a", "/srv/client-x/static a", "/srv/client-x/static a"},
		{"media.client-x.example", "/protected/a", "missing", "/private a"},
		{"media.client-x.example", "/media/a", "/srv/client-x/media a", "/srv/client-x/media a"},
		{"old.client-x.example", "/protected/a", "redirect", "/private a"},
		{"x.example", "/protected/a", "nobody", "/private a"},
	}
	for _, c := range cases {
		if got := describe(table.Find(c.host, c.path)); got != c.asked {
			t.Errorf("%s%s goes to %s, want %s", c.host, c.path, got, c.asked)
		}
		if got := named(table.Route("client-x").Named(c.host, c.path)); got != c.named {
			t.Errorf("%s%s names %q, want %q", c.host, c.path, got, c.named)
		}
	}
}

func named(f route.File, ok bool) string {
	switch {
	case !ok:
		return ""
	case f.Internal != nil:
		return f.Internal.Root + " " + f.Rest
	}
	return f.Static.Root + " " + f.Rest
}

func mustTable(t testing.TB, routes ...*route.Route) *route.Table {
	t.Helper()
	table := new(route.Table)
	for _, r := range routes {
		var err error
		if table, err = table.With(r); err != nil {
			t.Fatal(err)
		}
	}
	return table
}

func TestATableNeverChanges(t *testing.T) {
	one := demo()
	before := mustTable(t, one)
	after, err := before.With(demo(func(r *route.Route) { r.Domains = []string{"new.example"} }))
	if err != nil {
		t.Fatal(err)
	}
	gone := after.Without("client-x")
	for _, c := range []struct {
		table *route.Table
		host  string
		want  bool
	}{
		{before, "client-x.example", true}, {before, "new.example", false},
		{after, "client-x.example", false}, {after, "new.example", true}, {after, "old.client-x.example", true},
		{gone, "new.example", false}, {gone, "old.client-x.example", false}, {gone, "media.client-x.example", false},
	} {
		if _, ok := c.table.Find(c.host, "/"); ok != c.want {
			t.Errorf("%s is found: %v, want %v", c.host, ok, c.want)
		}
	}
	if before.Route("client-x") != one || gone.Route("client-x") != nil || len(gone.Names()) != 0 {
		t.Error("the tables know other projects than they were made of")
	}
}

func TestADomainBelongsToWhoCameFirst(t *testing.T) {
	table := mustTable(t, demo())
	other := func(change func(*route.Route)) *route.Route {
		r := &route.Route{Version: 1, Name: "other", Domains: []string{"other.example"}}
		change(r)
		return r
	}
	for _, r := range []*route.Route{
		other(func(r *route.Route) { r.Domains = append(r.Domains, "www.client-x.example") }),
		other(func(r *route.Route) { r.Domains = append(r.Domains, "media.client-x.example") }),
		other(func(r *route.Route) { r.Redirects = []route.Redirect{{From: "old.client-x.example"}} }),
		other(func(r *route.Route) { r.Static = []route.Static{{Prefix: "/", Domain: "client-x.example"}} }),
	} {
		if _, err := table.With(r); !errors.Is(err, route.ErrDomainTaken) {
			t.Errorf("With: %v", err)
		}
	}
	if _, err := table.With(demo()); err != nil {
		t.Errorf("a project cannot replace itself: %v", err)
	}
}

// slowFind is Find as one would explain it: look at every project, every host, every prefix.
func slowFind(routes []*route.Route, host, path string) string {
	if i := strings.LastIndex(host, ":"); i >= 0 {
		host = host[:i]
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, r := range routes {
		isDomain, known := false, false
		for _, d := range r.Domains {
			isDomain = isDomain || d == host
		}
		for _, d := range r.Redirects {
			if d.From == host {
				return "redirect"
			}
		}
		var best *route.Static
		for i := range r.Static {
			s := &r.Static[i]
			known = known || s.Domain == host && host != ""
			applies := s.Domain == host || s.Domain == "" && isDomain
			if !applies || !strings.HasPrefix(path, s.Prefix) {
				continue
			}
			if best == nil || len(s.Prefix) > len(best.Prefix) || len(s.Prefix) == len(best.Prefix) && s.Domain != "" {
				best = s
			}
		}
		switch {
		case !isDomain && !known:
			continue
		case best != nil:
			return best.Root + " " + path[len(best.Prefix):]
		case !isDomain:
			return "missing"
		}
		for _, p := range r.Stream {
			if strings.HasPrefix(path, p) {
				return "stream"
			}
		}
		return "application"
	}
	return "nobody"
}

func FuzzFindAgainstASlowTable(f *testing.F) {
	f.Add("a.b c.b", "m.b", "/s/ /s/t/ m.b/s/", "/e", "a.b", "/s/t/x")
	f.Add("a", "", "a/", "/", "A.:1", "/")
	f.Add("a b", "b", "c/x/", "", "c", "/x/..")
	f.Fuzz(func(t *testing.T, domains, redirects, statics, streams, host, path string) {
		if strings.ContainsAny(host, "[]") {
			return // an address, which slowFind does not know
		}
		var routes []*route.Route
		table := new(route.Table)
		// The words go to two projects in turn, so that they compete for hosts.
		for n := range 2 {
			r := &route.Route{Version: 1, Name: fmt.Sprint("p", n), Stream: every(streams, n)}
			r.Domains = every(domains, n)
			for _, d := range every(redirects, n) {
				r.Redirects = append(r.Redirects, route.Redirect{From: d, To: "https://x", Status: 301})
			}
			for i, s := range every(statics, n) {
				domain, prefix, _ := strings.Cut(s, "/")
				r.Static = append(r.Static, route.Static{Domain: domain, Prefix: "/" + prefix, Root: fmt.Sprint("/r", n, i)})
			}
			r.Upstream = route.Upstream{Network: "unix", Address: "/s"}
			r.TimeoutMS = 1
			if _, err := route.Encode(r); err != nil {
				continue
			}
			next, err := table.With(r)
			if err != nil {
				continue
			}
			table, routes = next, append(routes, r)
		}
		if got, want := describe(table.Find(host, path)), slowFind(routes, host, path); got != want {
			t.Errorf("%q %q goes to %s, want %s", host, path, got, want)
		}
	})
}

// every is every second word, beginning with the n-th.
func every(words string, n int) []string {
	var list []string
	for i, w := range strings.Fields(words) {
		if i%2 == n {
			list = append(list, w)
		}
	}
	return list
}

func TestFileName(t *testing.T) {
	good := []string{"a.css", "a/b.css", "a b", "é", "a..b", "a.", "%41"}
	for _, rest := range good {
		if name, ok := route.FileName(rest, ""); !ok || name != rest {
			t.Errorf("%q is %q, %v", rest, name, ok)
		}
	}
	bad := []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a/./b", ".env", "a/.git/b", "a\x00", `..\a`, `a\b`, "..."}
	for _, rest := range bad {
		if name, ok := route.FileName(rest, ""); ok {
			t.Errorf("%q is a file: %q", rest, name)
		}
	}
	for _, raw := range []string{"/s/a%2fb", "/s/a%2Fb", "/s/a%5cb", "/s/a%5Cb"} {
		if _, ok := route.FileName("a/b", raw); ok {
			t.Errorf("%s is a file", raw)
		}
	}
	if _, ok := route.FileName("a b", "/s/a%20b"); !ok {
		t.Error("an encoded space is refused")
	}
}

func BenchmarkFindAmong3000(b *testing.B) {
	table := new(route.Table)
	for i := range 500 {
		r := &route.Route{Version: 1, Name: fmt.Sprint("p", i), Static: []route.Static{{Prefix: "/static/"}, {Prefix: "/media/"}}}
		for j := range 6 {
			r.Domains = append(r.Domains, fmt.Sprintf("d%d.p%d.example", j, i))
		}
		table, _ = table.With(r)
	}
	b.ReportAllocs()
	for b.Loop() {
		table.Find("d3.p250.example", "/some/page/")
	}
}
