package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
)

// BenchmarkGate is what a request pays for its way through the gate. A page costs 100 us.
func BenchmarkGate(b *testing.B) {
	var g gate
	g.serve(&route.Route{Next: new(route.Upstream)})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var s stay
		for pb.Next() {
			g.pass(&s, false)
			g.connected(&s, nil)
			g.done(&s)
		}
	})
}

func TestTheOneStartThatACrashGetsMustBegin(t *testing.T) {
	for _, c := range []struct {
		name    string
		next    string // the state after 2 s
		failing bool
	}{
		{"none", "", true},
		{"none, told again", "auto-restart", true},
		{"begun", "start", false},
	} {
		synctest.Test(t, func(t *testing.T) {
			var g gate
			g.serve(&route.Route{})
			g.seen(mainGeneration, "active", "running", "success")
			g.seen(mainGeneration, "activating", "auto-restart", "signal")
			var s stay
			if g.pass(&s, false) != nil {
				t.Fatal("a crash stops requests at once")
			}
			time.Sleep(2 * time.Second)
			if c.next != "" {
				g.seen(mainGeneration, "activating", c.next, "success")
			}
			time.Sleep(restartPatience)
			synctest.Wait()
			if ob := g.pass(new(stay), false); (ob != nil) != c.failing || s.refused != c.failing {
				t.Errorf("%s: obstacle is %v, the request in flight is refused: %t", c.name, ob, s.refused)
			}
		})
	}
}
