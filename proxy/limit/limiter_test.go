package limit

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func address(s string) Key { return Address(netip.MustParseAddr(s)) }

func TestABurstGoesThroughAndThenTheRate(t *testing.T) {
	l := New(10, time.Minute, 3)
	for n := range 3 {
		if _, ok := l.Allow(address("192.0.2.1"), start); !ok {
			t.Fatalf("request %d of the burst is refused", n)
		}
	}
	if retry, ok := l.Allow(address("192.0.2.1"), start); ok || retry != 6*time.Second {
		t.Errorf("after the burst: %v, retry after %v, want 6s", ok, retry)
	}
	if retry, ok := l.Allow(address("192.0.2.1"), start.Add(4*time.Second)); ok || retry != 2*time.Second {
		t.Errorf("4 s later: %v, retry after %v, want 2s", ok, retry)
	}
	if _, ok := l.Allow(address("192.0.2.1"), start.Add(6*time.Second)); !ok {
		t.Error("refused at the time that was told")
	}
	if _, ok := l.Allow(address("192.0.2.2"), start); !ok {
		t.Error("one visitor takes another's tokens")
	}
}

func TestWhoIsOneVisitor(t *testing.T) {
	for _, same := range [][2]string{
		{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::2:3:4:5"}, {"fe80::1%eth0", "fe80::2%eth1"},
	} {
		if address(same[0]) != address(same[1]) {
			t.Errorf("%s and %s are two visitors", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8:0:1::1"}} {
		if address(other[0]) == address(other[1]) {
			t.Errorf("%s and %s are one visitor", other[0], other[1])
		}
	}
	if again := Text("a"); Text("a") == Text("b") || again != Text("a") {
		t.Error("texts are not told apart")
	}
}

func TestAnyNumberOfAddressesTakesBoundedMemory(t *testing.T) {
	for name, key := range map[string]func(n uint32) Key{
		"IPv4": func(n uint32) Key { return Address(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))) },
		"IPv6": func(n uint32) Key {
			a := [16]byte{0: 0x20}
			binary.BigEndian.PutUint32(a[4:], n)
			return Address(netip.AddrFrom16(a))
		},
		"text": func(n uint32) Key { return Text(fmt.Sprint(n)) },
	} {
		l := New(10, time.Minute, 5)
		before := heap()
		for n := range uint32(100_000) {
			l.Allow(key(n), start)
		}
		if n := l.Known(); n > most || n < most/2 {
			t.Errorf("%s: %d visitors are known, want nearly %d", name, n, most)
		}
		if grown := heap() - before; grown > 8<<20 {
			t.Errorf("%s: %d bytes for %d visitors", name, grown, l.Known())
		}
		runtime.KeepAlive(l)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestOneWhoComesAllTheTimeIsNotForgottenInACrowd(t *testing.T) {
	l := New(1, time.Hour, 1)
	pest := address("192.0.2.1")
	l.Allow(pest, start)
	for n := range uint32(40_000) {
		l.Allow(Address(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, n)))), start)
		if n%100 == 0 {
			if _, ok := l.Allow(pest, start); ok {
				t.Fatalf("forgotten after %d others", n)
			}
		}
	}
}

func TestVisitorsWhoseBucketIsFullAreForgottenFirst(t *testing.T) {
	l := New(60, time.Minute, 1)
	for n := range uint32(1000) {
		l.Allow(Text(fmt.Sprint(n)), start.Add(time.Duration(n)*time.Second))
	}
	if n := l.Known(); n > 4*shards {
		t.Errorf("%d visitors are remembered, each of whom may come again", n)
	}
}

func TestAnswersAreTheSameFromManyGoroutines(t *testing.T) {
	l := New(1, time.Hour, 100)
	var all sync.WaitGroup
	var mu sync.Mutex
	passed := 0
	for range 8 {
		all.Go(func() {
			for range 100 {
				if _, ok := l.Allow(address("192.0.2.1"), start); ok {
					mu.Lock()
					passed++
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	if passed != 100 {
		t.Errorf("%d passed, want 100", passed)
	}
}

func TestAKnownVisitorCostsNoMemory(t *testing.T) {
	l := New(10, time.Minute, 5)
	one, other := address("192.0.2.1"), address("192.0.2.2")
	if n := testing.AllocsPerRun(100, func() { l.Allow(one, start); l.Allow(other, start) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
