package proxy

import (
	"testing"

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
