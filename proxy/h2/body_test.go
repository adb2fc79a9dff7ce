package h2

import (
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

func TestTheRequestEndsWithTheClient(t *testing.T) {
	begun, ended := make(chan bool), make(chan error)
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		if r.URL.Path == "/body" {
			_, err := io.Copy(io.Discard, r.Body)
			ended <- err
			return
		}
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	for _, path := range []string{"/", "/body"} {
		r := s.dial()
		id := r.request(false, post(path)...)
		<-begun
		r.send(appendData(nil, id, []byte("half"), false), appendReset(nil, id, Cancel))
		if err := <-ended; err == nil {
			t.Errorf("%s: a reset is no error", path)
		}
		id = r.request(false, post(path)...)
		<-begun
		r.send(appendData(nil, id, []byte("half"), false))
		r.conn.Close()
		if err := <-ended; err == nil {
			t.Errorf("%s: a connection that is gone is no error", path)
		}
	}
}

func TestABodyHasATrailer(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if string(b) != "hello" || err != nil || r.Trailer.Get("X-Sum") != "5" || r.ContentLength != -1 {
			t.Errorf("%q, %v, %v, %d", b, err, r.Trailer, r.ContentLength)
		}
	})
	r := s.dial()
	id := r.request(false, post("/")...)
	r.send(appendData(nil, id, []byte("hello"), false), appendHeaders(nil, id, r.block("x-sum: 5"), true))
	r.answered(id)
}

func TestAClientThatWaitsIsToldToSend(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/read" {
			io.Copy(io.Discard, r.Body)
		}
	})
	r := s.dial()
	expects := func(path string) uint32 { return r.request(false, append(post(path), "expect: 100-continue")...) }
	id := expects("/read")
	if f := r.decode(r.until(frameHeaders).payload); f[0].Value != "100" {
		t.Errorf("told %v", f)
	}
	r.send(appendData(nil, id, []byte("x"), true))
	if a := r.answered(id); a.fields[":status"] != "200" {
		t.Errorf("answered with %v", a)
	}
	expects("/refuse")
	if f := r.decode(r.until(frameHeaders).payload); f[0].Value != "200" {
		t.Errorf("told %v although the body is not wanted", f)
	}
}

// TestABodyNobodyReads must not use up the window that the other streams need.
func TestABodyNobodyReads(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
	r := s.dial()
	for range 20 { // 20 times 200 kB, through a window of 1 MB
		id := r.request(false, post("/")...)
		if a := r.answered(id); a.fields[":status"] != "200" {
			t.Fatalf("answered with %v", a)
		}
		for i := range 20 {
			r.send(appendData(nil, id, make([]byte, 10_000), i == 19))
		}
	}
	r.wantServed()
}

func TestABodyThatGoesOnAfterItsAnswerIsReset(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {})
	r := s.dial()
	id := r.request(false, post("/")...)
	r.answered(id)
	r.wantReset(id, NoError)
	r.send(appendData(nil, id, []byte("on its way"), true))
	r.wantServed()
}

// TestASlowHandlerHoldsTheClientUp: what it does not read stays with the client.
func TestASlowHandlerHoldsTheClientUp(t *testing.T) {
	read := make(chan struct{})
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		<-read
		n, err := io.Copy(io.Discard, r.Body)
		if n != streamWindow+1 || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	r := s.dial()
	id := r.request(false, post("/")...)
	for range streamWindow / 1024 {
		r.send(appendData(nil, id, make([]byte, 1024), false))
	}
	close(read)
	for f := r.until(frameWindowUpdate); f.stream != id; f = r.until(frameWindowUpdate) {
	}
	r.send(appendData(nil, id, []byte("x"), true))
	r.answered(id)
}

func TestMoreThanTheWindowIsAnError(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	r := s.dial()
	id := r.request(false, post("/")...)
	for range streamWindow/1024 + 1 {
		r.send(appendData(nil, id, make([]byte, 1024), false))
	}
	r.wantReset(id, FlowControlError)
}

func TestAReadDeadline(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		ctl := http.NewResponseController(w)
		ctl.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := io.ReadAll(r.Body); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		ctl.SetReadDeadline(time.Time{})
		go ctl.SetReadDeadline(time.Unix(1, 0))
		if _, err := io.ReadAll(r.Body); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("when the deadline comes meanwhile: %v", err)
		}
		ctl.SetReadDeadline(time.Time{})
		io.WriteString(w, "go on")
		ctl.Flush()
		if b, err := io.ReadAll(r.Body); string(b) != "late" || err != nil {
			t.Errorf("without a deadline: %q, %v", b, err)
		}
	})
	r := s.dial()
	id := r.request(false, post("/")...)
	r.until(frameData)
	r.send(appendData(nil, id, []byte("late"), true))
	if a := r.answered(id); !a.last {
		t.Errorf("%v", a)
	}
}

func TestStreamsAreBounded(t *testing.T) {
	s := serve(t, Options{MaxStreams: 3}, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/wait") {
			<-r.Context().Done()
		}
	})
	r := s.dial()
	for range 3 {
		r.request(true, get("/wait")...)
	}
	r.wantReset(r.request(true, get("/")...), RefusedStream)
	r.send(appendReset(nil, 1, Cancel))
	for { // its handler takes a moment to return
		id := r.request(true, get("/")...)
		if f := r.next(); f.kind == frameHeaders && f.stream == id {
			return
		}
	}
}
