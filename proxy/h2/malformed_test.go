package h2

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// without is a good request but for one field.
func without(name string, more ...string) []string {
	return append(slices.DeleteFunc(get("/"), func(f string) bool { return strings.HasPrefix(f, name+": ") }), more...)
}

func with(more ...string) []string { return append(get("/"), more...) }

// malformed are requests that no application may see, by what is wrong with them. HTTP/3 is tried
// with the same.
func malformed(t *testing.T) (all map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("testdata/malformed.json")
	must(t, err)
	must(t, json.Unmarshal(text, &all))
	return all
}

func TestMalformedRequestsReachNobody(t *testing.T) {
	var reached atomic.Bool
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) { reached.Store(r.URL.Path != "/good") })
	for name, fields := range malformed(t) {
		t.Run(name, func(t *testing.T) {
			r := (&server{TB: t, addr: s.addr}).dial()
			r.wantReset(r.request(true, fields...), ProtocolError)
			if a := r.answered(r.request(true, get("/good")...)); a.fields[":status"] != "200" {
				t.Errorf("the next request is answered with %v", a)
			}
			if reached.Swap(false) {
				t.Error("the handler was called")
			}
		})
	}
}

// TestMalformedBodies have a head that is in order.
func TestMalformedBodies(t *testing.T) {
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err == nil && r.Method == http.MethodPost {
			t.Error("a handler has read a whole body")
		}
	})
	data := func(id uint32, text string, end bool) []byte { return appendData(nil, id, []byte(text), end) }
	trailer := func(r *raw, end bool, fields ...string) func(uint32) []byte {
		block := r.block(fields...)
		return func(id uint32) []byte { return appendHeaders(nil, id, block, end) }
	}
	for name, c := range map[string]struct {
		length string
		parts  func(r *raw, id uint32) []byte
	}{
		"shorter than Content-Length": {"5", func(r *raw, id uint32) []byte { return data(id, "1234", true) }},
		"longer than Content-Length":  {"5", func(r *raw, id uint32) []byte { return data(id, "123456", true) }},
		"longer in two parts": {"5", func(r *raw, id uint32) []byte {
			return append(data(id, "12345", false), data(id, "6", true)...)
		}},
		"not there at all":           {"5", func(r *raw, id uint32) []byte { return data(id, "", true) }},
		"shorter, and with trailers": {"5", func(r *raw, id uint32) []byte { return trailer(r, true, "x-a: b")(id) }},
		"pseudo-header in a trailer": {"0", func(r *raw, id uint32) []byte { return trailer(r, true, ":path: /evil")(id) }},
		"upper case in a trailer":    {"0", func(r *raw, id uint32) []byte { return trailer(r, true, "X-A: b")(id) }},
		"connection in a trailer":    {"0", func(r *raw, id uint32) []byte { return trailer(r, true, "connection: x")(id) }},
		"length in a trailer":        {"0", func(r *raw, id uint32) []byte { return trailer(r, true, "content-length: 7")(id) }},
		"coding in a trailer":        {"0", func(r *raw, id uint32) []byte { return trailer(r, true, "transfer-encoding: chunked")(id) }},
		"CRLF in a trailer":          {"0", func(r *raw, id uint32) []byte { return trailer(r, true, "x-a: b\r\nc: d")(id) }},
		"trailer that is no end":     {"0", func(r *raw, id uint32) []byte { return trailer(r, false, "x-a: b")(id) }},
	} {
		t.Run(name, func(t *testing.T) {
			r := (&server{TB: t, addr: s.addr}).dial()
			id := r.request(false, append(post("/"), "content-length: "+c.length)...)
			r.send(c.parts(r, id))
			r.wantReset(id, ProtocolError)
			r.wantServed()
		})
	}
}

func TestWhatIsInOrderPasses(t *testing.T) {
	got := make(chan *http.Request, 1)
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		got <- r
	})
	r := s.dial()
	ask := func(fields ...string) *http.Request {
		t.Helper()
		r.answered(r.request(true, fields...))
		return <-got
	}
	if q := ask(with("cookie: a=b", "x-a: 1", "cookie: c=d", "x-a: 2", "te: trailers", "x_y: z", "x-umlaut: \xc3\xa4", "x-empty: ")...); q.Header.Get("Cookie") != "a=b; c=d" || len(q.Header["Cookie"]) != 1 ||
		!slices.Equal(q.Header["X-A"], []string{"1", "2"}) || q.Header.Get("X_y") != "z" || q.Host != "demo.example" || q.Header["X-Empty"] == nil {
		t.Errorf("%v", q.Header)
	}
	if q := ask(without(":authority", "host: demo.example:8443")...); q.Host != "demo.example:8443" || q.Header["Host"] != nil {
		t.Errorf("host is %q, %v", q.Host, q.Header)
	}
	if q := ask(with("host: DEMO.example")...); q.Host != "demo.example" {
		t.Errorf("host is %q", q.Host)
	}
	for path, want := range map[string]string{"/a%20b?c=d": "/a b", "//evil.example/": "//evil.example/", "/?": "/", "/a;b": "/a;b", "/\xc3\xa4": "/ä"} {
		if q := ask(get(path)...); q.URL.Path != want || q.RequestURI != path || q.URL.Host != "" || q.URL.RequestURI() != path && path != "/\xc3\xa4" {
			t.Errorf("%s: path is %q, target %q", path, q.URL.Path, q.URL.RequestURI())
		}
	}
	if q := ask(":method: OPTIONS", ":scheme: https", ":authority: demo.example", ":path: *"); q.RequestURI != "*" {
		t.Errorf("target is %q", q.RequestURI)
	}
	if q := ask(":method: CONNECT", ":authority: demo.example:443"); q.Method != "CONNECT" || q.RequestURI != "demo.example:443" {
		t.Errorf("%s %s", q.Method, q.RequestURI)
	}
	if q := ask(without(":authority", ":authority: [2001:db8::1]:443")...); q.Host != "[2001:db8::1]:443" {
		t.Errorf("host is %q", q.Host)
	}
}

func TestAHeaderThatIsTooLargeIsAnswered(t *testing.T) {
	s := serve(t, Options{MaxHeader: 8 << 10}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			t.Error("the handler was called")
		}
	})
	r := s.dial()
	many := get("/many")
	for range 300 {
		many = append(many, "x-a: b")
	}
	for _, fields := range [][]string{many, append(get("/large"), "x-a: "+strings.Repeat("x", 9000))} {
		if a := r.answered(r.request(true, fields...)); a.fields[":status"] != "431" {
			t.Errorf("answered with %v", a)
		}
	}
	r.wantServed()
}
