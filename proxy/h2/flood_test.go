package h2

import (
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
)

// floods are what a client can do for next to nothing, each repeated for ever.
var floods = map[string]func(r *raw) []byte{
	"rapid reset, CVE-2023-44487": func(r *raw) []byte {
		id := r.id
		r.id += 2
		return append(appendHeaders(nil, id, r.block(get("/work")...), true), appendReset(nil, id, Cancel)...)
	},
	"made you reset, CVE-2025-8671": func(r *raw) []byte {
		id := r.id
		r.id += 2
		return append(appendHeaders(nil, id, r.block(get("/work")...), true), appendWindowUpdate(nil, id, 0)...)
	},
	"made you reset by the window": func(r *raw) []byte {
		id := r.id
		r.id += 2
		b := appendHeaders(nil, id, r.block(get("/work")...), true)
		return appendWindowUpdate(appendWindowUpdate(b, id, maxWindow), id, maxWindow)
	},
	"made you reset by DATA": func(r *raw) []byte {
		id := r.id
		r.id += 2
		return appendData(appendHeaders(nil, id, r.block(get("/work")...), true), id, []byte("x"), false)
	},
	"malformed requests": func(r *raw) []byte {
		id := r.id
		r.id += 2
		return appendHeaders(nil, id, r.block(with("connection: close")...), true)
	},
	"more streams than there may be": func(r *raw) []byte {
		id := r.id
		r.id += 2
		return appendHeaders(nil, id, r.block(get("/work")...), true)
	},
	"SETTINGS, CVE-2019-9515": func(r *raw) []byte { return appendSettings(nil, setting{settingInitialWindowSize, 70000}) },
	"empty SETTINGS":          func(r *raw) []byte { return appendSettings(nil) },
	"SETTINGS acknowledged":   func(r *raw) []byte { return appendHead(nil, 0, frameSettings, flagAck, 0) },
	"PING, CVE-2019-9512":     func(r *raw) []byte { return appendPing(nil, 0, make([]byte, 8)) },
	"PING answered":           func(r *raw) []byte { return appendPing(nil, flagAck, make([]byte, 8)) },
	"PRIORITY, CVE-2019-9513": func(r *raw) []byte { return append(appendHead(nil, 5, framePriority, 0, 1), 0, 0, 0, 3, 7) },
	"WINDOW_UPDATE":           func(r *raw) []byte { return appendWindowUpdate(nil, 0, 1) },
	"RST_STREAM":              func(r *raw) []byte { return appendReset(nil, 1, Cancel) },
	"GOAWAY":                  func(r *raw) []byte { return appendGoAway(nil, 0, NoError) },
	"unknown frames":          func(r *raw) []byte { return appendHead(nil, 0, 99, 0, 0) },
}

// insist sends part until the connection is closed and returns what came back.
func (r *raw) insist(parts func() []byte) (came []byte) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			var b []byte
			for len(b) < 8<<10 {
				b = append(b, parts()...)
			}
			if _, err := r.conn.Write(b); err != nil {
				return
			}
		}
	}()
	came, _ = io.ReadAll(r.conn)
	r.conn.Close()
	<-done
	return came
}

// goAwayIn is the code of the GOAWAY among frames.
func goAwayIn(t testing.TB, frames []byte) ErrCode {
	t.Helper()
	for len(frames) >= frameHeadSize {
		h := parseHead(frames)
		if h.kind == frameGoAway {
			return frame{h, frames[frameHeadSize : frameHeadSize+h.length]}.code()
		}
		frames = frames[min(len(frames), frameHeadSize+h.length):]
	}
	t.Fatal("no GOAWAY came")
	return 0
}

// working answers when the request has ended, but good clients at once.
func working(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/work" {
		<-r.Context().Done()
	}
	io.WriteString(w, "ok")
}

func TestAFloodEndsItsConnection(t *testing.T) {
	s := serve(t, Options{}, working)
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := (&server{TB: t, addr: s.addr}).dial()
			r.id = 3
			r.send(appendHeaders(nil, 1, r.block(get("/")...), true))
			r.answered(1)
			if code := goAwayIn(t, r.insist(func() []byte { return flood(r) })); code != EnhanceYourCalm {
				t.Errorf("GOAWAY says %d", code)
			}
		})
	}
}

// TestAFloodInsideAStream needs a request that goes on.
func TestAFloodInsideAStream(t *testing.T) {
	s := serve(t, Options{}, working)
	for name, flood := range map[string][]byte{
		"empty DATA, CVE-2019-9518": appendData(nil, 1, nil, false),
		"DATA of padding only":      append(appendHead(nil, 1+255, frameData, flagPadded, 1), append([]byte{255}, make([]byte, 255)...)...),
		"WINDOW_UPDATE of a stream": appendWindowUpdate(nil, 1, 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := (&server{TB: t, addr: s.addr}).dial()
			r.request(false, post("/work")...)
			if code := goAwayIn(t, r.insist(func() []byte { return flood })); code != EnhanceYourCalm && code != FlowControlError {
				t.Errorf("GOAWAY says %d", code)
			}
		})
	}
}

// TestAHeaderBlockThatDoesNotEnd is CVE-2024-27316.
func TestAHeaderBlockThatDoesNotEnd(t *testing.T) {
	s := serve(t, Options{}, working)
	for name, size := range map[string]int{"empty": 0, "small": 10, "large": maxFrame} {
		t.Run(name, func(t *testing.T) {
			r := (&server{TB: t, addr: s.addr}).dial()
			part := append(appendHead(nil, size, frameContinuation, 0, 1), bytes.Repeat([]byte{0x82}, size)...)
			began := false
			came := r.insist(func() []byte {
				if began {
					return part
				}
				began = true
				return appendHead(nil, 0, frameHeaders, 0, 1)
			})
			if code := goAwayIn(t, came); code != EnhanceYourCalm {
				t.Errorf("GOAWAY says %d", code)
			}
		})
	}
}

// TestAnHPACKBombIsNoMemory: a block of a few kB that means hundreds of MB.
func TestAnHPACKBombIsNoMemory(t *testing.T) {
	s := serve(t, Options{}, working)
	r := s.dial()
	bomb := r.block(append(get("/"), "x-bomb: "+strings.Repeat("x", 3900))...)
	bomb = append(bomb, bytes.Repeat([]byte{0x80 | 62}, 16000-len(bomb))...) // the newest entry, again and again
	before := heap()
	for range 100 {
		id := r.id
		r.id += 2
		r.send(appendHeaders(nil, id, bomb, true))
		if a := r.answered(id); a.fields[":status"] != "431" {
			t.Fatalf("answered with %v", a)
		}
	}
	if grown := int(heap()) - int(before); grown > 4<<20 {
		t.Errorf("%d bytes of memory are held", grown)
	}
}

// heap is what is in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// TestClientsThatReadNothing hold answers up with a window of nothing, or of one byte.
func TestClientsThatReadNothing(t *testing.T) {
	page := strings.Repeat("x", 5000)
	s := serve(t, Options{ProgressTime: 500 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			io.WriteString(w, page)
			return
		}
		io.Copy(w, io.LimitReader(zeros{}, 100<<20))
	})
	for _, path := range []string{"/page", "/large"} {
		before := heap()
		var all []*raw
		for range 10 {
			r := s.dial(setting{settingInitialWindowSize, 0})
			for range 100 {
				r.request(true, get(path)...)
			}
			r.send(appendPing(nil, 0, make([]byte, 8)))
			r.until(framePing)
			all = append(all, r)
		}
		if grown := int(heap()) - int(before); grown > 64<<20 {
			t.Errorf("%s: %d bytes of memory are held", path, grown)
		} else {
			t.Logf("%s: %d bytes", path, grown)
		}
		for _, r := range all {
			if f := r.until(frameReset); f.code() != Cancel {
				t.Errorf("%s: came %v", path, f)
			}
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// blocks are floods of header blocks, for a connection that has sent none.
var blocks = map[string]func(r *raw) []byte{
	"CONTINUATION, CVE-2024-27316": func(r *raw) []byte {
		if r.id == 1 {
			r.id += 2
			return appendHead(nil, 0, frameHeaders, 0, 1)
		}
		return append(appendHead(nil, 10, frameContinuation, 0, 1), bytes.Repeat([]byte{0x82}, 10)...)
	},
	"HPACK bombs": func(r *raw) []byte {
		bomb := r.block(append(get("/"), "x-bomb: "+strings.Repeat("x", 3900))...)
		id := r.id
		r.id += 2
		return appendHeaders(nil, id, append(bomb, bytes.Repeat([]byte{0x80 | 62}, 16000-len(bomb))...), true)
	},
}

// BenchmarkAGoodClientDuringFloods is what others notice of all floods at once, each begun again as
// soon as its connection was ended.
func BenchmarkAGoodClientDuringFloods(b *testing.B) {
	s := serve(b, Options{Log: slog.New(slog.DiscardHandler)}, working)
	before := heap()
	var over atomic.Bool
	var all sync.WaitGroup
	defer all.Wait()
	defer over.Store(true)
	attacks := maps.Clone(floods)
	maps.Copy(attacks, blocks)
	for _, flood := range attacks {
		all.Go(func() {
			for !over.Load() {
				if r := s.attacker(); r != nil {
					r.insist(func() []byte { return flood(r) })
				}
			}
		})
	}
	client := s.client()
	var times []time.Duration
	for b.Loop() {
		start := time.Now()
		res, err := client.Get("https://" + s.addr + "/")
		must(b, err)
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		times = append(times, time.Since(start))
	}
	slices.Sort(times)
	b.ReportMetric(times[len(times)*99/100].Seconds()*1000, "p99-ms")
	b.ReportMetric(float64(int(heap())-int(before))/1e6, "MB-more")
}

// attacker is a client, or nil when none can connect.
func (s *server) attacker() *raw {
	c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: pool(), NextProtos: []string{Protocol}})
	if err != nil {
		return nil
	}
	r := &raw{TB: s.TB, conn: c, id: 1}
	r.enc = hpack.NewEncoder(&r.buf)
	c.Write(append([]byte(preface), appendSettings(nil)...))
	return r
}
