package proxy_test

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sandwich/proxy/route"
)

func TestTheApplicationGetsNothingAClientSaysAboutItself(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.ask("GET /a%20b?c=d HTTP/1.1\r\nHost: demo.example\r\n"+
		"X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Ssl: on\r\nX-Forwarded-Protocol: ssl\r\n"+
		"Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-ID: evil\r\nX-Request-Start: t=1\r\nProxy: http://evil\r\n"+
		"SCRIPT_NAME: /public\r\nPATH_INFO: /x\r\nX_Forwarded_For: 6.6.6.6\r\nREMOTE_USER: root\r\n"+
		"Keep-Alive: 1\r\nTE: trailers\r\nX-Hop: 1\r\nConnection: x-hop, x-forwarded-for, host, cookie, content-length\r\n"+
		"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nExpect: \r\nCookie: a=1\r\nCookie: b=2\r\nX-Kept: yes\r\n\r\n").want(t, 200)
	head := within(t, a.heads, "a request")
	_, port, _ := net.SplitHostPort(f.addr)
	id := regexp.MustCompile(`(?m)^X-Request-ID: ([0-9a-f]{32})\r$`).FindStringSubmatch(head)
	if id == nil {
		t.Fatalf("no request id in\n%s", head)
	}
	start := regexp.MustCompile(`(?m)^X-Request-Start: t=[0-9]{10}\.[0-9]{3}\r$`).FindString(head)
	want := []string{
		"GET /a%20b?c=d HTTP/1.1", "Host: demo.example",
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http", "X-Forwarded-Host: demo.example", "X-Forwarded-Port: " + port,
		"X-Real-IP: 127.0.0.1", "X-Request-ID: " + id[1], strings.TrimSpace(start),
		`Forwarded: for=127.0.0.1;host="demo.example";proto=http`,
		"Cookie: a=1; b=2", "X-Kept: yes", "Connection: close",
	}
	got := strings.Split(strings.TrimSuffix(head, "\r\n"), "\r\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the application got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestATrustedProxyIsBelievedUpToTheFirstStranger(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.trusts("127.0.0.0/8", "10.0.0.0/8")
	f.get("/", "X-Forwarded-For: 1.1.1.1, 2.2.2.2", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: HTTPS",
		"X-Forwarded-Host: pub.example:8443", "X-Forwarded-Port: 8443", "X-Request-ID: from-the-balancer").want(t, 200)
	head := within(t, a.heads, "a request")
	for _, line := range []string{
		"X-Forwarded-For: 2.2.2.2, 10.0.0.9, 127.0.0.1", "X-Real-IP: 2.2.2.2", "X-Forwarded-Proto: https",
		"X-Forwarded-Host: pub.example:8443", "X-Forwarded-Port: 8443", "X-Request-ID: from-the-balancer",
		`Forwarded: for=2.2.2.2;host="pub.example:8443";proto=https`,
	} {
		if !strings.Contains(head, line+"\r\n") {
			t.Errorf("%q is missing in\n%s", line, head)
		}
	}
}

func (f *front) trusts(networks ...string) {
	f.Helper()
	s := &route.Settings{Version: 1, ProxyProtocol: f.proxied}
	for _, n := range networks {
		s.TrustedProxies = append(s.TrustedProxies, netip.MustParsePrefix(n))
	}
	data, err := route.EncodeSettings(s)
	must(f, err)
	must(f, os.WriteFile(filepath.Join(filepath.Dir(f.routes), "proxy.json"), data, 0o644))
	f.Reload()
}

func TestATrustedProxyIntroducesItsClient(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.proxied = true
	f.trusts("127.0.0.0/8")
	const get = "GET / HTTP/1.1\r\nHost: demo.example\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"
	v2 := func(command, family string, rest string) string {
		return "\r\n\r\n\x00\r\nQUIT\n" + command + family + string([]byte{byte(len(rest) >> 8), byte(len(rest))}) + rest
	}
	four := "\x08\x08\x04\x04\x7f\x00\x00\x01\x12\x67\x01\xbb"
	for header, want := range map[string]string{
		"PROXY TCP4 8.8.4.4 127.0.0.1 4711 443\r\n":                       "8.8.4.4",
		"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n":                 "2001:db8::1",
		"PROXY UNKNOWN\r\n":                                               "6.6.6.6",
		"PROXY UNKNOWN anything at all\r\n":                               "6.6.6.6",
		v2("\x21", "\x11", four):                                          "8.8.4.4",
		v2("\x21", "\x11", four+"\x04\x00\x03abc"):                        "8.8.4.4",
		v2("\x20", "\x00", ""):                                            "6.6.6.6", // the proxy itself
		v2("\x21", "\x21", strings.Repeat("\x20", 32)+"\x12\x67\x01\xbb"): "2020:2020:2020:2020:2020:2020:2020:2020",
	} {
		f.ask(header+get).want(t, 200)
		head := within(t, a.heads, "a request")
		if !strings.Contains(head, "X-Real-IP: "+want+"\r\n") {
			t.Errorf("after %q the client is not %s:\n%s", header, want, head)
		}
		if want != "6.6.6.6" && !strings.Contains(head, "X-Forwarded-For: "+want+"\r\n") {
			t.Errorf("after %q the client invents its address:\n%s", header, head)
		}
		if want == "8.8.4.4" && !strings.Contains(head, "X-Forwarded-Port: 443\r\n") {
			t.Errorf("after %q the port is not the client's:\n%s", header, head)
		}
	}
	for _, header := range []string{"", "PROXY\r\n", "PROXY TCP4 a b c d\r\n", "PROXY TCP4 1.1.1.1 1.1.1.1 1 99999\r\n", "PROXY " + strings.Repeat("x", 200) + "\r\n",
		v2("\x31", "\x11", four), v2("\x21", "\x11", "abc"), v2("\x21", "\x11", strings.Repeat("x", 60000))} {
		c := f.dial()
		io.WriteString(c, header+get)
		if all, _ := io.ReadAll(c); len(all) > 0 || len(a.heads) > 0 {
			t.Errorf("after %.50q: %q, and %d requests", header, all, len(a.heads))
		}
	}
	f.trusts("10.0.0.0/8") // a stranger has nobody to introduce
	f.ask("PROXY TCP4 8.8.4.4 127.0.0.1 4711 443\r\n"+get).want(t, 400)
	f.ask(get).want(t, 200)
}

func TestTheClientGetsNothingTheApplicationSaysAboutTheConnection(t *testing.T) {
	a := newApp(t, says("HTTP/1.1 200 OK\r\nServer: gunicorn/23\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: x\r\n"+
		"Connection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 1\r\nX-Accel-Buffering: yes\r\nX-Request-Id: other\r\n"+
		"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Frame-Options: SAMEORIGIN\r\nContent-Length: 2\r\n\r\nok"))
	f := newFront(t, demo(a.socket, func(r *route.Route) {
		r.Headers = map[string]string{"referrer-policy": "same-origin", "X-Frame-Options": "DENY"}
	}))
	h := f.get("/").want(t, 200).Header
	for _, name := range []string{"Server", "X-Hop", "Keep-Alive", "X-Accel-Buffering", "Content-Type"} {
		if v := h.Values(name); v != nil {
			t.Errorf("%s passed: %q", name, v)
		}
	}
	if v := h.Values("Date"); !slices.Equal(v, []string{"Mon, 01 Jan 2024 00:00:00 GMT"}) {
		t.Errorf("Date is %q", v)
	}
	if v := h.Values("Set-Cookie"); len(v) != 2 {
		t.Errorf("Set-Cookie is %q", v)
	}
	if h.Get("Referrer-Policy") != "same-origin" || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the project's headers are not set: %v", h)
	}
	if id := h.Values("X-Request-Id"); len(id) != 1 || len(id[0]) != 32 {
		t.Errorf("X-Request-Id is %q", id)
	}
}

// What a request smuggler sends. Nothing of it may reach the application as a second request, and
// nothing after it may be read from the same connection.
func TestSmuggledRequestsDoNotReachTheApplication(t *testing.T) {
	const smuggled = "GET /smuggled HTTP/1.1\r\nHost: demo.example\r\n\r\n"
	const post = "POST / HTTP/1.1\r\nHost: demo.example\r\n"
	cases := map[string]string{
		"CL and TE":              post + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE and CL":              post + "Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n0\r\n\r\n" + smuggled,
		"TE twice":               post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE list":                post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE xchunked":            post + "Transfer-Encoding: xchunked\r\n\r\n" + smuggled,
		"TE with tab":            post + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE with VT":             post + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE with space in name":  post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE folded":              post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"TE with underscore":     post + "Transfer_Encoding: chunked\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" + smuggled,
		"CL twice":               post + "Content-Length: 0\r\nContent-Length: 48\r\n\r\n" + smuggled,
		"CL list":                post + "Content-Length: 0, 48\r\n\r\n" + smuggled,
		"CL with plus":           post + "Content-Length: +0\r\n\r\n" + smuggled,
		"CL hexadecimal":         post + "Content-Length: 0x0\r\n\r\n" + smuggled,
		"CL negative":            post + "Content-Length: -1\r\n\r\n" + smuggled,
		"CL empty":               post + "Content-Length: \r\nConnection: close\r\n\r\n" + smuggled,
		"chunk size hexadecimal": post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + smuggled,
		"chunk size empty":       post + "Transfer-Encoding: chunked\r\n\r\n\r\n" + smuggled,
		"chunk size underscore":  post + "Transfer-Encoding: chunked\r\n\r\n1_0\r\n0123456789abcdef\r\n0\r\n\r\n" + smuggled,
		"line with bare CR":      post + "X: a\rContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"NUL in value":           post + "X: a\x00b\r\nConnection: close\r\n\r\n" + smuggled,
		"NUL in path":            "GET /%00 HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"fragment":               "GET /static/#/../admin HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"two hosts":              "GET / HTTP/1.1\r\nHost: demo.example\r\nHost: www.demo.example\r\n\r\n" + smuggled,
		"no host":                "GET / HTTP/1.1\r\n\r\n" + smuggled,
		"host with path":         "GET / HTTP/1.1\r\nHost: demo.example/x\r\n\r\n" + smuggled,
		"CONNECT":                "CONNECT demo.example:80 HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"TRACE":                  "TRACE / HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"OPTIONS *":              "OPTIONS * HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"userinfo":               "GET http://demo.example@evil/ HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"other scheme":           "GET file://demo.example/etc HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"unknown host":           "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n" + smuggled,
		"suffix of a host":       "GET / HTTP/1.1\r\nHost: evil-demo.example\r\n\r\n" + smuggled,
		"opaque target":          "GET http:admin HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"opaque scheme":          "GET x:/admin HTTP/1.1\r\nHost: demo.example\r\n\r\n" + smuggled,
		"HTTP/2 preface":         "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + smuggled,
	}
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	for name, raw := range cases {
		t.Run(name, func(t *testing.T) {
			c := f.dial()
			defer c.Close()
			io.WriteString(c, raw)
			c.(*net.TCPConn).CloseWrite()
			all, _ := io.ReadAll(c)
			if n := strings.Count(string(all), "HTTP/1.1 "); n > 1 {
				t.Errorf("there are %d answers:\n%s", n, all)
			}
			for len(a.heads) > 0 {
				if head := <-a.heads; strings.Contains(head, "/smuggled") || strings.Contains(head, "chunked") || strings.Contains(head, "admin") {
					t.Errorf("the application got\n%s", head)
				}
			}
		})
	}
}

func TestTheTargetOfAnAbsoluteFormIsTheOnlyHost(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.ask("GET http://www.demo.example/x?y HTTP/1.1\r\nHost: evil.example\r\n\r\n").want(t, 200)
	head := within(t, a.heads, "a request")
	if !strings.HasPrefix(head, "GET /x?y HTTP/1.1\r\nHost: www.demo.example\r\n") || strings.Contains(head, "evil") {
		t.Errorf("the application got\n%s", head)
	}
	f.ask("GET http://evil.example/ HTTP/1.1\r\nHost: demo.example\r\n\r\n").want(t, 421)
}

func TestAnUnknownHostIsToldNothing(t *testing.T) {
	f := newFront(t, demo("/nowhere"))
	res := f.ask("GET / HTTP/1.1\r\nHost: other.example\r\n\r\n").want(t, 421)
	if !res.Close || strings.Contains(res.body, "demo") {
		t.Errorf("close is %v, body %q", res.Close, res.body)
	}
	f.ask("GET / HTTP/1.0\r\n\r\n").want(t, 421)
}

func TestTheLimitsOfGunicornAreOurs(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	many := slices.Repeat([]string{"X-A: b"}, 100)
	cases := []struct {
		name   string
		ask    func() answer
		status int
	}{
		{"line", func() answer { return f.get("/" + strings.Repeat("x", 4100)) }, 414},
		{"longest line", func() answer { return f.get("/" + strings.Repeat("x", 4080)) }, 200},
		{"fields", func() answer { return f.get("/", many...) }, 431},
		{"field", func() answer { return f.get("/", "X-A: "+strings.Repeat("x", 8190)) }, 431},
		{"field with its line end", func() answer { return f.get("/", "X-A: "+strings.Repeat("x", 8184)) }, 431},
		{"longest field", func() answer { return f.get("/", "X-A: "+strings.Repeat("x", 8183)) }, 200},
		{"most fields", func() answer { return f.get("/", many[:99]...) }, 200},
		{"header", func() answer { return f.get("/", "X-A: "+strings.Repeat("x", 80<<10)) }, 431},
	}
	for _, c := range cases {
		if got := c.ask().StatusCode; got != c.status {
			t.Errorf("%s: status is %d, want %d", c.name, got, c.status)
		}
	}
}

func TestAConnectionIsUsedAgain(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	c := f.dial()
	r := bufio.NewReader(c)
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 3\r\n\r\nabc",
		"HEAD / HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"GET /again HTTP/1.1\r\nHost: demo.example\r\n\r\n",
	} {
		io.WriteString(c, raw)
		f.read(r, raw).want(t, 200)
	}
}
