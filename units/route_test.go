package units

import (
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/route"
	"sandwich/units/project"
)

func TestRouteOfAProjectWithEverything(t *testing.T) {
	r := Route(everything())
	if want := (route.Upstream{Network: "unix", Address: "/run/sandwich/client-x.sock", Unit: "sandwich-client-x.service"}); r.Upstream != want {
		t.Errorf("upstream is %+v", r.Upstream)
	}
	if want := (route.Static{Prefix: "/static/", Root: "/srv/client-x/static", Domain: "media.client-x.example", MaxAge: 60, Index: true, Earlier: []string{"/srv/client-x/releases/1/static"}, Within: []string{"/srv/client-x", "/data/client-x/static"}}); !reflect.DeepEqual(r.Static[0], want) {
		t.Errorf("static is %+v", r.Static[0])
	}
	if got := r.Static[1].Within; !slices.Equal(got, []string{"/srv/client-x"}) {
		t.Errorf("media may lie within %q", got)
	}
	if want := (route.Redirect{From: "old.client-x.example", To: "https://client-x.example", Status: 301}); r.Redirects[0] != want {
		t.Errorf("redirect is %+v", r.Redirects[0])
	}
	if want := (route.Internal{Prefix: "/protected/", Root: "/srv/client-x/private", Within: []string{"/srv/client-x", "/data/private"}}); !reflect.DeepEqual(r.Internal, []route.Internal{want}) {
		t.Errorf("internal is %+v", r.Internal)
	}
	if !slices.Equal(r.PagesWithin, []string{"/srv/client-x", "/etc/sandwich/503.html"}) || !r.Compress || !r.CompressAll {
		t.Errorf("pages may lie within %q, compress %v %v", r.PagesWithin, r.Compress, r.CompressAll)
	}
	if r.Version != route.Version || r.TimeoutMS != 60000 || r.HoldMS != 30000 || r.MaxBody != 25<<20 || r.InFlight != 100 {
		t.Errorf("%+v", r)
	}
}

func TestRouteSaysWhoMayComeAndHowOften(t *testing.T) {
	p := everything()
	p.Proxy.RateLimits = []project.RateLimit{
		{Path: "/", Per: "ip", Count: 100, Period: time.Second, Burst: 200},
		{Path: "/login/", Per: "header:X-Key", Count: 10, Period: time.Minute, Burst: 10},
	}
	p.Proxy.Access = &project.Access{Allow: []string{"10.0.0.0/8"}, Deny: []string{"0.0.0.0/0"}, UserFile: "/etc/htpasswd", Realm: "x"}
	r := Route(p)
	limits := []route.RateLimit{
		{Path: "/login/", Per: "header:X-Key", Count: 10, PeriodMS: 60000, Burst: 10},
		{Path: "/", Per: "ip", Count: 100, PeriodMS: 1000, Burst: 200},
	}
	access := &route.Access{Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Deny: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}, UserFile: "/etc/htpasswd", Realm: "x"}
	if !reflect.DeepEqual(r.RateLimits, limits) || !reflect.DeepEqual(r.Access, access) {
		t.Errorf("limits are %+v, access is %+v", r.RateLimits, r.Access)
	}
	if _, err := route.Encode(&r); err != nil {
		t.Error(err)
	}
}

func TestRouteHasNoSecret(t *testing.T) {
	p := everything()
	p.Environment["KEY"] = "hunter2"
	text, err := json.Marshal(Route(p))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hunter2", "secrets", ".env"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("the route has %q: %s", secret, text)
		}
	}
}

func TestRouteToATCPPort(t *testing.T) {
	if r := Route(tcp()); r.Upstream.Network != "tcp" || r.Upstream.Address != "127.0.0.1:8001" {
		t.Errorf("upstream is %+v", r.Upstream)
	}
}
