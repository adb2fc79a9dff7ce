package proxy_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/proxy/h1"
	"sandwich/proxy/header"
)

// Whatever a client sends: what is forwarded of it is, for a parser that shares nothing with ours,
// exactly one request, the same one, and what only we may say is said once and by us.
func FuzzWhatIsForwardedIsOneSameRequest(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /x?y HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nX_Y: z\r\nConnection: foo\r\nFoo: bar\r\n\r\nabcGET / HTTP/1.1\r\nHost: b\r\n\r\n",
		"GET http://b/c?%0d%0a HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1:5, \xff\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
		"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nCookie: a\r\nCookie: b\r\nTrailer: x\r\n\r\n1;x=y\r\na\r\n0\r\nX: y\r\n\r\n",
		"PUT / HTTP/1.0\r\nX-Forwarded-Host: a\"b\r\nX-Forwarded-Port: 1\r\nForwarded: for=1\r\nX-Request-Id: a b\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"GET / HTTP/1.0\r\nCookie:\r\nCookie:\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\nX: a\n b\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		trust := header.Trust{netip.MustParsePrefix("192.0.2.0/24")}
		s := h1.New(h1.Config{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			for _, t2 := range []header.Trust{nil, trust} {
				o := t2.Origin(r, time.Now())
				head, err := header.AppendRequest(nil, r, &o, int64(len(body)), header.Upgrade(r))
				if err != nil {
					return
				}
				judgeForwarded(t, r, string(append(head, body...)), string(body), t2 == nil)
			}
		}), Log: quiet(), HeaderTime: time.Second, IdleTime: time.Second, BodyTime: time.Second})
		s.ServeConn(&scriptedConn{Reader: strings.NewReader(string(raw))}, func() {})
	})
}

func judgeForwarded(t *testing.T, r *http.Request, wire, body string, stranger bool) {
	t.Helper()
	got, rest, err := readStrictly(wire)
	if err != nil || rest != "" {
		t.Fatalf("%v, then %q follows in %q", err, rest, wire)
	}
	if got.method != r.Method || got.body != body || !strings.HasPrefix(got.target, "/") && got.target != "*" || !strings.HasSuffix(r.RequestURI, strings.TrimPrefix(got.target, "/")) {
		t.Errorf("%s %s became %q", r.Method, r.RequestURI, wire)
	}
	if !slices.Equal(got.fields["host"], []string{r.Host}) {
		t.Errorf("the host %s became %q", r.Host, got.fields["host"])
	}
	for _, name := range []string{"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-real-ip", "x-request-id", "x-request-start", "forwarded", "connection", "content-length"} {
		if len(got.fields[name]) != 1 {
			t.Errorf("%s is %q", name, got.fields[name])
		}
	}
	if stranger && (got.fields["x-forwarded-for"][0] != "192.0.2.1" || got.fields["x-real-ip"][0] != "192.0.2.1" || got.fields["x-forwarded-proto"][0] != "http") {
		t.Errorf("a stranger chose where it comes from: %q", wire)
	}
	for name := range got.fields {
		if strings.Contains(name, "_") || slices.Contains([]string{"transfer-encoding", "te", "trailer", "proxy", "expect", "keep-alive", "proxy-connection", "http2-settings", "x-forwarded-ssl"}, name) {
			t.Errorf("%s was passed on in %q", name, wire)
		}
	}
}

// strictly is a request as the grammar of RFC 9112 has it, and nothing else.
type strictly struct {
	method, target, body string
	fields               map[string][]string
}

// readStrictly is slow and obvious on purpose.
func readStrictly(wire string) (s strictly, rest string, err error) {
	head, rest, ok := strings.Cut(wire, "\r\n\r\n")
	if !ok {
		return s, "", fmt.Errorf("no end of the header")
	}
	lines := strings.Split(head, "\r\n")
	for _, line := range lines {
		if strings.ContainsFunc(line, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) {
			return s, "", fmt.Errorf("control character in %q", line)
		}
	}
	words := strings.Split(lines[0], " ")
	if len(words) != 3 || words[2] != "HTTP/1.1" || words[0] == "" || words[1] == "" {
		return s, "", fmt.Errorf("request line is %q", lines[0])
	}
	s = strictly{method: words[0], target: words[1], fields: map[string][]string{}}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ": ")
		if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool {
			return !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c)
		}) || value != strings.Trim(value, " \t") {
			return s, "", fmt.Errorf("field is %q", line)
		}
		s.fields[strings.ToLower(name)] = append(s.fields[strings.ToLower(name)], value)
	}
	var length int
	if _, err := fmt.Sscanf(s.fields["content-length"][0], "%d", &length); err != nil || length < 0 || length > len(rest) {
		return s, "", fmt.Errorf("length is %q of %d bytes", s.fields["content-length"], len(rest))
	}
	s.body = rest[:length]
	return s, rest[length:], nil
}

// scriptedConn is a client that has said everything before it was accepted.
type scriptedConn struct{ io.Reader }

func (*scriptedConn) Write(p []byte) (int, error)      { return len(p), nil }
func (*scriptedConn) Close() error                     { return nil }
func (*scriptedConn) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 80} }
func (*scriptedConn) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5} }
func (*scriptedConn) SetDeadline(time.Time) error      { return nil }
func (*scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (*scriptedConn) SetWriteDeadline(time.Time) error { return nil }
