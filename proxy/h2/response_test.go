package h2

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestAnAnswerInParts(t *testing.T) {
	next := make(chan struct{})
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		w.Header().Set("Trailer", "X-Sum")
		w.Header().Set("Connection", "close")
		w.Header().Set("Keep-Alive", "timeout=5")
		w.Header().Set("X-Bad", "a\nb")
		io.WriteString(w, "one ")
		http.NewResponseController(w).Flush()
		<-next
		io.WriteString(w, "two")
		w.Header().Set("X-Sum", "7")
		w.Header().Set(http.TrailerPrefix+"X-More", "8")
	})
	r := s.dial()
	id := r.request(true, get("/")...)
	early := r.decode(r.until(frameHeaders).payload)
	if early[0].Value != "103" || early[1].Name != "link" {
		t.Errorf("informational answer is %v", early)
	}
	for _, f := range r.decode(r.until(frameHeaders).payload) {
		if strings.Contains("connection keep-alive x-bad x-sum link", f.Name) || f.Name == ":status" && f.Value != "200" {
			t.Errorf("field %v", f)
		}
	}
	if f := r.until(frameData); string(f.payload) != "one " || f.has(flagEndStream) {
		t.Errorf("first part is %v", f)
	}
	close(next)
	if f := r.until(frameData); string(f.payload) != "two" || f.has(flagEndStream) {
		t.Errorf("second part is %v", f)
	}
	f := r.until(frameHeaders)
	trailer := map[string]string{}
	for _, field := range r.decode(f.payload) {
		trailer[field.Name] = field.Value
	}
	if !f.has(flagEndStream) || f.stream != id || trailer["x-sum"] != "7" || trailer["x-more"] != "8" {
		t.Errorf("trailer is %v, %v", f, trailer)
	}
}

func TestASmallAnswerIsOneWrite(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("a", 2000))
		io.WriteString(w, strings.Repeat("b", 3000))
	})
	r := s.dial()
	a := r.answered(r.request(true, get("/")...))
	if a.fields["content-length"] != "5000" || len(a.body) != 5000 || a.fields["date"] == "" {
		t.Errorf("%v", a.fields)
	}
}

func TestAnswersWithoutContent(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/204":
			w.WriteHeader(http.StatusNoContent)
			if _, err := io.WriteString(w, "x"); !errors.Is(err, http.ErrBodyNotAllowed) {
				t.Errorf("content of a 204: %v", err)
			}
		case "/304":
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(http.StatusNotModified)
		case "/head":
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "12345")
		}
	})
	r := s.dial()
	for path, want := range map[string][2]string{"/204": {"204", ""}, "/304": {"304", "5"}, "/empty": {"200", "0"}} {
		if a := r.answered(r.request(true, get(path)...)); a.fields[":status"] != want[0] || a.fields["content-length"] != want[1] || a.body != "" {
			t.Errorf("%s: %v", path, a)
		}
	}
	head := append([]string{":method: HEAD"}, get("/head")[1:]...)
	if a := r.answered(r.request(true, head...)); a.fields["content-length"] != "5" || a.body != "" {
		t.Errorf("HEAD: %v", a)
	}
}

func TestAnAnswerThatCannotBeCompletedIsCut(t *testing.T) {
	var log logBuffer
	s := serve(t, Options{Log: log.logger()}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/abort":
			io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		case "/panic":
			panic("oh no")
		case "/short":
			w.Header().Set("Content-Length", "5")
			io.WriteString(w, "123")
		case "/long":
			w.Header().Set("Content-Length", "2")
			if _, err := io.WriteString(w, "123"); !errors.Is(err, http.ErrContentLength) {
				t.Errorf("more than Content-Length: %v", err)
			}
			io.WriteString(w, "")
			panic(http.ErrAbortHandler)
		}
	})
	r := s.dial()
	for _, path := range []string{"/abort", "/panic", "/short", "/long"} {
		r.wantReset(r.request(true, get(path)...), InternalError)
	}
	r.wantServed()
	if text := log.String(); strings.Count(text, "level=") != 1 || !strings.Contains(text, "oh no") {
		t.Errorf("logged: %s", text)
	}
}

// TestContentBothWays is large, with many at once, through a client that has windows of its own.
func TestContentBothWays(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	client := s.client()
	var all sync.WaitGroup
	defer all.Wait()
	for i := range 20 {
		all.Go(func() {
			sent := bytes.Repeat([]byte{byte(i), 1, 2}, 700_000)
			res, err := client.Post("https://"+s.addr, "text/plain", bytes.NewReader(sent))
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			if came, err := io.ReadAll(res.Body); !bytes.Equal(came, sent) || err != nil {
				t.Errorf("%d bytes came back: %v", len(came), err)
			}
		})
	}
}

func TestWhatTheWindowDoesNotTakeIsSentLater(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/trailer" {
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("X-Sum", "1")
		}
		io.WriteString(w, "0123456789")
	})
	for _, path := range []string{"/", "/trailer"} {
		r := s.dial(setting{settingInitialWindowSize, 4})
		id := r.request(true, get(path)...)
		if f := r.until(frameData); string(f.payload) != "0123" {
			t.Errorf("first came %v", f)
		}
		r.send(appendWindowUpdate(nil, id, 3))
		if f := r.until(frameData); string(f.payload) != "456" || f.has(flagEndStream) {
			t.Errorf("then %v", f)
		}
		r.send(appendSettings(nil, setting{settingInitialWindowSize, 1000}))
		f := r.until(frameData)
		if string(f.payload) != "789" || f.has(flagEndStream) == (path == "/trailer") {
			t.Errorf("%s: at last %v", path, f)
		}
		if path == "/trailer" {
			f = r.until(frameHeaders)
		}
		if !f.has(flagEndStream) {
			t.Errorf("%s: no end: %v", path, f)
		}
	}
}

func TestAWriteDeadline(t *testing.T) {
	failed := make(chan error, 1)
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Millisecond))
		_, err := io.Copy(w, zeros{})
		failed <- err
	})
	r := s.dial(setting{settingInitialWindowSize, 0})
	r.wantReset(r.request(true, get("/")...), Cancel)
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the handler heard %v", err)
	}
}
