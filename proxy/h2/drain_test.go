package h2

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2/hpack"
)

// logBuffer collects what is logged.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestDrainingFinishesWhatIsOnItsWay(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(begun)
			<-finish
			if r.Context().Err() != nil {
				t.Error("the request was cancelled")
			}
		}
		io.WriteString(w, "ok")
	})
	r := s.dial()
	slow := r.request(true, get("/slow")...)
	<-begun
	s.stop()
	first := r.until(frameGoAway)
	if last := int(first.payload[3]) | int(first.payload[2])<<8; first.code() != NoError || last != 0xffff {
		t.Errorf("first GOAWAY is %v", first)
	}
	ping := r.until(framePing)
	late := r.request(true, get("/")...) // on its way before the client has read that
	r.send(appendPing(nil, flagAck, ping.payload))
	second := r.until(frameGoAway)
	if second.code() != NoError || second.payload[3] != byte(late) {
		t.Errorf("second GOAWAY is %v", second)
	}
	r.request(true, get("/")...) // against what it was told: nobody answers
	close(finish)
	ended := map[uint32]bool{}
	for {
		f, err := r.read()
		if err == io.EOF {
			break
		}
		must(t, err)
		ended[f.stream] = ended[f.stream] || f.kind == frameData && f.has(flagEndStream)
	}
	if !ended[slow] || len(ended) > 3 {
		t.Errorf("answered: %v", ended)
	}
}

// bubble is a client in a bubble of its own time, without TLS.
func bubble(t *testing.T, o Options, handler http.HandlerFunc) *raw {
	ours, theirs := net.Pipe()
	go Serve(context.Background(), theirs, handler, o)
	r := &raw{TB: t, conn: ours, id: 1, dec: hpack.NewDecoder(4096, nil)}
	r.enc = hpack.NewEncoder(&r.buf)
	t.Cleanup(func() { ours.Close() })
	return r
}

// closedAfter reads until the connection is closed and says how long that took.
func (r *raw) closedAfter() time.Duration {
	began := time.Now()
	io.Copy(io.Discard, r.conn)
	return time.Since(began)
}

func TestAnIdleConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
		r.send([]byte(preface), appendSettings(nil))
		r.wantServed()
		time.Sleep(70 * time.Second)
		r.wantServed()
		if took := r.closedAfter(); took < 75*time.Second || took > 80*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}

func TestARequestKeepsTheConnectionOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Hour) })
		r.send([]byte(preface), appendSettings(nil))
		r.wantServed()
	})
}

func TestWhatHasBegunMustEndSoon(t *testing.T) {
	for name, begun := range map[string][]byte{
		"nothing":           nil,
		"half a preface":    []byte(preface)[:10],
		"no settings":       []byte(preface),
		"half a frame head": append(appendSettings([]byte(preface)), 0, 0),
		"half a frame":      append(appendSettings([]byte(preface)), 0, 0, 8, 6, 0, 0, 0, 0, 0, 1),
		"half a block":      appendHead(appendSettings([]byte(preface)), 0, frameHeaders, 0, 1),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
				if begun != nil {
					r.send(begun)
				}
				if took := r.closedAfter(); took < 10*time.Second || took > 12*time.Second {
					t.Errorf("closed after %s", took)
				}
			})
		})
	}
}

func TestABlockInPiecesHasOneDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := bubble(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
		r.send(appendHead(appendSettings([]byte(preface)), 0, frameHeaders, 0, 1))
		began := time.Now()
		go io.Copy(io.Discard, r.conn)
		for {
			if _, err := r.conn.Write(appendHead(nil, 0, frameContinuation, 0, 1)); err != nil {
				break
			}
			time.Sleep(3 * time.Second)
		}
		if took := time.Since(began); took > 16*time.Second {
			t.Errorf("closed after %s", took)
		}
	})
}
