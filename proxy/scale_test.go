package proxy

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"sandwich/proxy/route"
)

// crowd is a server of n projects with three names each; nobody listens.
func crowd(t testing.TB, n int) *Server {
	t.Helper()
	dir := t.TempDir()
	routes := filepath.Join(dir, "routes")
	if err := os.Mkdir(routes, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		writeCrowd(t, routes, i)
	}
	s, err := New(Config{Routes: routes, Settings: filepath.Join(dir, "none"), Spool: filepath.Join(dir, "spool"), Logs: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func writeCrowd(t testing.TB, routes string, i int) {
	t.Helper()
	name := fmt.Sprintf("client-%d", i)
	data, err := route.Encode(&route.Route{
		Version: route.Version, Name: name, Domains: []string{name + ".example", "www." + name + ".example", "shop." + name + ".example"},
		Upstream: route.Upstream{Network: "unix", Address: "/run/sandwich/" + name + ".sock", Unit: "sandwich-" + name + ".service"},
		Next:     &route.Upstream{Network: "unix", Address: "/run/sandwich/" + name + ".next.sock", Unit: "sandwich-" + name + ".next.service"},
		Static:   []route.Static{{Prefix: "/static/", Root: "/srv/" + name + "/static"}, {Prefix: "/media/", Root: "/srv/" + name + "/media"}},
		MaxBody:  1, TimeoutMS: 1, HoldMS: 1, Headers: map[string]string{"Referrer-Policy": "same-origin"},
		RateLimits: []route.RateLimit{{Path: "/login/", Per: "ip", Count: 1, PeriodMS: 1000, Burst: 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(routes, name+".json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestApplyingOneProjectLeavesTheOthersAsTheyAre(t *testing.T) {
	s := crowd(t, 100)
	before := s.current.Load()
	if err := s.Apply("client-7"); err != nil {
		t.Fatal(err)
	}
	after := s.current.Load()
	for name, p := range before.projects {
		if same := after.projects[name] == p && after.table.Route(name) == before.table.Route(name); same != (name != "client-7") {
			t.Errorf("%s is the same: %v", name, same)
		}
		if after.projects[name].site != p.site {
			t.Errorf("%s has lost what it counted", name)
		}
	}
}

// idleCost is what a project may cost that nobody visits, in bytes.
const idleCost = 20 << 10

func TestAnIdleProjectCostsLittleMemory(t *testing.T) {
	few := crowd(t, 1) // what the first one costs is the server's
	before := heapInUse()
	many := crowd(t, 1000)
	each := (heapInUse() - before) / 1000
	t.Logf("%d bytes for each idle project of three names", each)
	if each > idleCost {
		t.Errorf("an idle project costs %d bytes, more than %d", each, idleCost)
	}
	runtime.KeepAlive(few)
	runtime.KeepAlive(many)
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkFind is a look-up among 3 and among 3,000 names: it must take the same time, but for what
// caches of the processor make of it.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprint(3*n, "-names"), func(b *testing.B) {
			now := crowd(b, n).current.Load()
			hosts := make([]string, 64)
			for i := range hosts {
				hosts[i] = fmt.Sprintf("shop.client-%d.example:443", i*7919%n)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, _, ok := now.find(hosts[i%len(hosts)], "/polls/1/"); !ok {
					b.Fatal(hosts[i%len(hosts)])
				}
			}
		})
	}
}

// BenchmarkApply is the apply of one project among a thousand.
func BenchmarkApply(b *testing.B) {
	s := crowd(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Apply("client-7"); err != nil {
			b.Fatal(err)
		}
	}
}
