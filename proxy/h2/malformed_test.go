package h2

import (
	"io"
	"net/http"
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

// malformed are requests that no application may see, by what is wrong with them.
var malformed = map[string][]string{
	"connection":                     with("connection: close"),
	"connection that names a field":  with("connection: x-a", "x-a: b"),
	"keep-alive":                     with("keep-alive: timeout=5"),
	"proxy-connection":               with("proxy-connection: keep-alive"),
	"transfer-encoding":              with("transfer-encoding: chunked"),
	"transfer-encoding identity":     with("transfer-encoding: identity"),
	"upgrade":                        with("upgrade: h2c"),
	"upgrade to websocket":           with("upgrade: websocket"),
	"http2-settings":                 with("http2-settings: AAMAAABkAAQAAP__"),
	"te":                             with("te: gzip"),
	"te trailers and more":           with("te: trailers, deflate"),
	"upper case":                     with("X-Upper: a"),
	"upper case inside":              with("x-uPper: a"),
	"upper case of a forbidden name": with("Transfer-Encoding: chunked"),
	"CRLF in a value":                with("x-a: b\r\nx-evil: 1"),
	"CR in a value":                  with("x-a: b\rc"),
	"LF in a value":                  with("x-a: b\nc"),
	"NUL in a value":                 with("x-a: b\x00c"),
	"escape in a value":              with("x-a: b\x1b[0m"),
	"DEL in a value":                 with("x-a: b\x7f"),
	"CRLF in a name":                 with("x-a\r\nx-evil: 1"),
	"LF in a name":                   with("x-a\nx: 1"),
	"NUL in a name":                  with("x\x00a: 1"),
	"blank in a name":                with("x a: 1"),
	"blank at the end of a name":     with("content-length : 1"),
	"colon in a name":                with("x:a: 1"),
	"tab in a name":                  with("x\ta: 1"),
	"bytes above ASCII in a name":    with("x-\xc3\xa4: 1"),
	"quote in a name":                with("x\"a: 1"),
	"value begins with a blank":      with("x-a:  b"),
	"value ends with a blank":        with("x-a: b "),
	"value begins with a tab":        with("x-a: \tb"),
	"value ends with a tab":          with("x-a: b\t"),
	"value is a blank":               with("x-a:  "),
	"no method":                      without(":method"),
	"no scheme":                      without(":scheme"),
	"no path":                        without(":path"),
	"no authority and no host":       without(":authority"),
	"nothing at all":                 {},
	"method twice":                   append([]string{":method: GET"}, get("/")...),
	"path twice":                     append([]string{":path: /other"}, get("/")...),
	"scheme twice":                   append([]string{":scheme: https"}, get("/")...),
	"authority twice":                append([]string{":authority: demo.example"}, get("/")...),
	"unknown pseudo-header":          append([]string{":evil: 1"}, get("/")...),
	"status":                         append([]string{":status: 200"}, get("/")...),
	"protocol without CONNECT":       append([]string{":protocol: websocket"}, get("/")...),
	"pseudo-header after a field":    without(":path", "x-a: b", ":path: /"),
	"empty method":                   without(":method", ":method: "),
	"empty scheme":                   without(":scheme", ":scheme: "),
	"empty path":                     without(":path", ":path: "),
	"empty authority":                without(":authority", ":authority: "),
	"blank in the method":            without(":method", ":method: GET /evil HTTP/1.1"),
	"CRLF in the method":             without(":method", ":method: GET / HTTP/1.1\r\nx: y"),
	"path without a slash":           without(":path", ":path: evil"),
	"path is a URL":                  without(":path", ":path: http://evil.example/"),
	"path is a star":                 without(":path", ":path: *"),
	"blank in the path":              without(":path", ":path: / HTTP/1.1"),
	"CRLF in the path":               without(":path", ":path: / HTTP/1.1\r\nx: y"),
	"LF in the path":                 without(":path", ":path: /\nx"),
	"NUL in the path":                without(":path", ":path: /\x00"),
	"tab in the path":                without(":path", ":path: /\tx"),
	"DEL in the path":                without(":path", ":path: /\x7f"),
	"fragment in the path":           without(":path", ":path: /a#b"),
	"broken escape in the path":      without(":path", ":path: /%zz"),
	"foreign scheme":                 without(":scheme", ":scheme: ftp"),
	"CRLF in the scheme":             without(":scheme", ":scheme: https\r\nx: y"),
	"URL in the scheme":              without(":scheme", ":scheme: https://evil.example/?"),
	"user in the authority":          without(":authority", ":authority: user@demo.example"),
	"user and password":              without(":authority", ":authority: a:b@demo.example"),
	"path in the authority":          without(":authority", ":authority: demo.example/evil"),
	"query in the authority":         without(":authority", ":authority: demo.example?a"),
	"fragment in the authority":      without(":authority", ":authority: demo.example#a"),
	"blank in the authority":         without(":authority", ":authority: demo.example evil"),
	"CRLF in the authority":          without(":authority", ":authority: demo.example\r\nx: y"),
	"port that is no number":         without(":authority", ":authority: demo.example:8a"),
	"empty port":                     without(":authority", ":authority: demo.example:"),
	"two ports":                      without(":authority", ":authority: demo.example:80:80"),
	"comma in the authority":         without(":authority", ":authority: demo.example,evil.example"),
	"quote in the authority":         without(":authority", ":authority: demo.example\""),
	"backslash in the authority":     without(":authority", ":authority: demo.example\\evil"),
	"open bracket":                   without(":authority", ":authority: [::1"),
	"host that differs":              with("host: evil.example"),
	"host with another port":         with("host: demo.example:8080"),
	"empty host":                     with("host: "),
	"host twice":                     with("host: demo.example", "host: demo.example"),
	"host with a user":               without(":authority", "host: user@demo.example"),
	"two hosts in one":               without(":authority", "host: demo.example, evil.example"),
	"content-length without content": with("content-length: 5"),
	"content-length twice":           with("content-length: 0", "content-length: 0"),
	"two content-lengths":            with("content-length: 0", "content-length: 5"),
	"content-length with a plus":     with("content-length: +0"),
	"content-length below nothing":   with("content-length: -1"),
	"content-length as a list":       with("content-length: 0, 0"),
	"content-length in hex":          with("content-length: 0x0"),
	"content-length with letters":    with("content-length: 0a"),
	"content-length overflows":       with("content-length: 99999999999999999999"),
	"empty content-length":           with("content-length: "),
	"CONNECT with a path":            without(":method", ":method: CONNECT"),
}

func TestMalformedRequestsReachNobody(t *testing.T) {
	var reached atomic.Bool
	s := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) { reached.Store(r.URL.Path != "/good") })
	for name, fields := range malformed {
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
