package header

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestOriginBehindTrustedProxies(t *testing.T) {
	trust := Trust{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	cases := []struct{ peer, said, client, chain string }{
		{"1.2.3.4:5", "6.6.6.6", "1.2.3.4", "1.2.3.4"},
		{"[2001:db8::1]:5", "6.6.6.6", "2001:db8::1", "2001:db8::1"},
		{"10.0.0.1:5", "", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1", "1.1.1.1", "1.1.1.1, 10.0.0.1"},
		{"10.0.0.1:5", "6.6.6.6, 1.1.1.1", "1.1.1.1", "1.1.1.1, 10.0.0.1"},
		{"10.0.0.1:5", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1", "1.1.1.1, 10.0.0.2, 10.0.0.1"},
		{"10.0.0.1:5", "10.0.0.3, 10.0.0.2", "10.0.0.3", "10.0.0.3, 10.0.0.2, 10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1, nonsense, 10.0.0.2", "10.0.0.2", "10.0.0.2, 10.0.0.1"},
		{"10.0.0.1:5", "nonsense", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:5", "[2001:db8::1]", "2001:db8::1", "2001:db8::1, 10.0.0.1"},
		{"10.0.0.1:5", "8.8.8.8:4711", "8.8.8.8", "8.8.8.8, 10.0.0.1"},
		{"10.0.0.1:5", "10.0.0.9, 8.8.8.8:4711", "8.8.8.8", "8.8.8.8, 10.0.0.1"},
		{"10.0.0.1:5", "[2001:db8::1]:4711", "2001:db8::1", "2001:db8::1, 10.0.0.1"},
		{"10.0.0.1:5", "2001:db8::1", "2001:db8::1", "2001:db8::1, 10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1,, ,10.0.0.2,", "1.1.1.1", "1.1.1.1, 10.0.0.2, 10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1:", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:5", "1.1.1.1:99999", "10.0.0.1", "10.0.0.1"},
		{"10.0.0.1:5", "6.6.6.6, unknown, 10.0.0.2:80", "10.0.0.2", "10.0.0.2, 10.0.0.1"},
		{"[fd00::1]:5", "::ffff:1.1.1.1", "1.1.1.1", "1.1.1.1, fd00::1"},
		{"[::ffff:10.0.0.1]:5", "1.1.1.1", "1.1.1.1", "1.1.1.1, ::ffff:10.0.0.1"},
		{"pipe", "1.1.1.1", "pipe", "pipe"},
	}
	for _, c := range cases {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.said != "" {
			r.Header.Set("X-Forwarded-For", c.said)
		}
		if o := trust.Origin(r, time.Now()); o.Client != c.client || o.Chain != c.chain {
			t.Errorf("%s saying %q is %s by %s, want %s by %s", c.peer, c.said, o.Client, o.Chain, c.client, c.chain)
		}
	}
}

func TestWhatATrustedProxySaysMustBeWellFormed(t *testing.T) {
	trust := Trust{netip.MustParsePrefix("10.0.0.0/8")}
	r := &http.Request{RemoteAddr: "10.0.0.1:5", Host: "demo.example", Header: http.Header{
		"X-Forwarded-Proto": {"gopher"}, "X-Forwarded-Host": {"a\"b"}, "X-Forwarded-Port": {"99999"}, "X-Request-Id": {"a b"},
	}}
	o := trust.Origin(r, time.Now())
	if o.Proto != "http" || o.Host != "demo.example" || o.Port != "80" || len(o.ID) != 32 {
		t.Errorf("origin is %+v", o)
	}
}

func TestThePortBehindATrustedProxyIsTheClients(t *testing.T) {
	trust := Trust{netip.MustParsePrefix("10.0.0.0/8")}
	cases := []struct{ proto, host, port, want string }{
		{"", "", "", "80"}, {"https", "", "", "443"}, {"http", "", "", "80"}, {"https", "a.example:8443", "", "8443"},
		{"https", "[2001:db8::1]", "", "443"}, {"https", "[2001:db8::1]:444", "", "444"}, {"https", "", "8443", "8443"}, {"", "", "8443", "8443"},
	}
	for _, c := range cases {
		r := &http.Request{RemoteAddr: "10.0.0.1:5", Host: "demo.example", Header: http.Header{}}
		for name, value := range map[string]string{"X-Forwarded-Proto": c.proto, "X-Forwarded-Host": c.host, "X-Forwarded-Port": c.port} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if o := trust.Origin(r, time.Now()); o.Port != c.want {
			t.Errorf("%+v: port is %s", c, o.Port)
		}
	}
}

func TestWhichUpgradesPass(t *testing.T) {
	cases := []struct{ method, connection, upgrade, want string }{
		{"GET", "Upgrade", "websocket", "websocket"}, {"GET", "keep-alive, upgrade", "WebSocket", "websocket"},
		{"GET", "upgrade", "tus-resumable/1.0", "tus-resumable/1.0"}, {"POST", "Upgrade", "spdy/3.1", "spdy/3.1"}, {"POST", "Upgrade", "websocket", ""},
		{"GET", "Upgrade", "h2c", ""}, {"GET", "Upgrade", "H2C", ""}, {"GET", "Upgrade", "h2", ""}, {"GET", "Upgrade", "HTTP/2.0", ""}, {"GET", "Upgrade", "TLS/1.2", ""},
		{"GET", "Upgrade", "websocket, h2c", ""}, {"GET", "Upgrade", "a b", ""}, {"GET", "Upgrade", "", ""}, {"GET", "keep-alive", "websocket", ""},
	}
	for _, c := range cases {
		r := &http.Request{Method: c.method, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Connection": {c.connection}, "Upgrade": {c.upgrade}}}
		if got := Upgrade(r); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
		r.ProtoMinor = 0
		if got := Upgrade(r); got != "" {
			t.Errorf("%+v of HTTP/1.0: %q", c, got)
		}
	}
}

func TestTheTargetKeepsItsBytes(t *testing.T) {
	for uri, want := range map[string]string{
		"/a%2Fb//c?d=%zz?": "/a%2Fb//c?d=%zz?", "http://a.example/%7e//x?y": "/%7e//x?y", "http://a.example": "/", "HTTPS://a.example:8443?x=/y": "/?x=/y",
		"*": "*",
	} {
		if got := target(&http.Request{RequestURI: uri}); got != want {
			t.Errorf("%s became %s, want %s", uri, got, want)
		}
	}
}

// Whatever a client sends and net/http accepts: what goes on is one request with the same method
// and host, and none of the fields that only we may set.
func FuzzAppendRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /x?y HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nX_Y: z\r\nConnection: foo\r\nFoo: bar\r\n\r\nabc",
		"GET http://b/c HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
		"PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nCookie: a\r\nCookie: b\r\n\r\n0\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil || !acceptable(r) {
			return
		}
		r.RemoteAddr = "192.0.2.1:5"
		o := Trust(nil).Origin(r, time.Now())
		head, err := AppendRequest(nil, r, &o, NoBody, Upgrade(r))
		if err != nil {
			return
		}
		in := bufio.NewReader(bytes.NewReader(head))
		got, err := http.ReadRequest(in)
		if err != nil {
			t.Fatalf("cannot be read: %v\n%q", err, head)
		}
		if rest, _ := io.ReadAll(in); len(rest) > 0 {
			t.Fatalf("%q follows in %q", rest, head)
		}
		if got.Method != r.Method || got.Host != r.Host || len(got.TransferEncoding) > 0 || got.ContentLength > 0 {
			t.Errorf("became %q", head)
		}
		for name, values := range got.Header {
			if strings.Contains(name, "_") || strings.HasPrefix(name, "X-Forwarded-") && len(values) != 1 {
				t.Errorf("%s: %q passed", name, values)
			}
		}
		if got.Header.Get("X-Forwarded-For") != "192.0.2.1" || got.Header.Get("X-Real-Ip") != "192.0.2.1" {
			t.Errorf("the client chose its address: %q", head)
		}
	})
}

// acceptable is what net/http's server and ours check after ReadRequest.
func acceptable(r *http.Request) bool {
	if !strings.HasPrefix(r.RequestURI, "/") && r.URL.Host == "" {
		return false
	}
	clean := func(s string) bool { return isClean(s) && !strings.ContainsAny(s, " \t") }
	if !clean(r.Host) || !clean(r.RequestURI) || r.Method == "PRI" || r.Method == "CONNECT" || r.Host == "" {
		return false
	}
	for name, values := range r.Header {
		if strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c) }) {
			return false
		}
		for _, v := range values {
			if !isClean(v) {
				return false
			}
		}
	}
	return true
}
