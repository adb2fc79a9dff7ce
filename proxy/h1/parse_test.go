package h1_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"sandwich/proxy/h1"
)

// Each of these is one request, or none, followed by one that nobody may answer when the first
// was refused.
func TestWhatIsRefused(t *testing.T) {
	get := func(line string) string { return line + "\r\nHost: a.example\r\n\r\n" }
	with := func(fields string) string { return "POST / HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n\r\n" }
	body := func(chunks string) string {
		return "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
	}
	cases := []struct {
		status int
		name   string
		raws   []string
	}{
		{400, "request lines", []string{
			get("GET /"), get("GET  / HTTP/1.1"), get("GET / HTTP/1.1 "), get(" GET / HTTP/1.1"), get("GET\t/ HTTP/1.1"), get("GET /\tHTTP/1.1"),
			get("GET / a HTTP/1.1"), get("GET HTTP/1.1"), get("GET  HTTP/1.1"), get("/ HTTP/1.1"), get("GET / http/1.1"), get("GET / HTTP/1.1x"),
			get("GET / HTTP/11"), get("GET / HTTP/1"), get("GET / HTTP/1.1\x00"), get("GET / HTTP/01.1"), get("GET / HTTP/1.01"), get("GET / HTTP/1,1"),
			get("GET / HTTP/+1.1"), get("GET / XTTP/1.1"), get("GET /\x0bHTTP/1.1"), get("GET /\x00 HTTP/1.1"), get("GET /\x7f HTTP/1.1"),
			get("GET /a\rb HTTP/1.1"), get("G\rET / HTTP/1.1"), get("GET / HTTP/1.1\r"), "\r\n\r\n" + get("GET / HTTP/1.1"), "\n" + get("GET / HTTP/1.1"), "\x00",
			"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		}},
		{400, "methods", []string{
			get("get / HTTP/1.1"), get("GE(T / HTTP/1.1"), get("G\xe9T / HTTP/1.1"), get("A / HTTP/1.1"), get("GET: / HTTP/1.1"), get("GET, / HTTP/1.1"),
			get("AVERYLONGMETHODINDEED / HTTP/1.1"), get("\"GET\" / HTTP/1.1"),
		}},
		{400, "targets", []string{
			get("GET a HTTP/1.1"), get("GET a.example HTTP/1.1"), get("GET a.example:80 HTTP/1.1"), get("GET * HTTP/1.1"), get("GET ../ HTTP/1.1"), get("GET \\ HTTP/1.1"),
			get("GET /#a HTTP/1.1"), get("GET /?a#b HTTP/1.1"), get("GET http://a.example/#x HTTP/1.1"), get("GET ?a HTTP/1.1"),
			get("GET /%zz HTTP/1.1"), get("GET /% HTTP/1.1"), get("GET /%2 HTTP/1.1"), get("GET http: HTTP/1.1"), get("GET http:/ HTTP/1.1"), get("GET http:// HTTP/1.1"),
			get("GET http:///a HTTP/1.1"), get("GET http:admin HTTP/1.1"), get("GET http://u@a.example/ HTTP/1.1"), get("GET http://a.example@b.example/ HTTP/1.1"),
			get("GET ftp://a.example/ HTTP/1.1"), get("GET file:///etc/passwd HTTP/1.1"), get("GET javascript:1 HTTP/1.1"), get("GET http://a.example:x/ HTTP/1.1"),
			get("GET http://a.example:99999/ HTTP/1.1"), get("GET http://a%2eexample/ HTTP/1.1"), get("GET http://a.example\\@b/ HTTP/1.1"), get("GET http://[::1/ HTTP/1.1"),
		}},
		{505, "versions", []string{
			get("GET / HTTP/0.9"), get("GET / HTTP/1.2"), get("GET / HTTP/1.9"), get("GET / HTTP/2.0"), get("GET / HTTP/3.0"), get("GET / HTTP/0.0"),
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		}},
		{501, "methods nobody has", []string{get("CONNECT a.example:80 HTTP/1.1"), get("CONNECT / HTTP/1.1"), get("CONNECT http://a.example/ HTTP/1.1")}},
		{400, "line ends", []string{
			"GET / HTTP/1.1\nHost: a.example\n\n", "GET / HTTP/1.1\nHost: a.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example\r\n\n", "GET / HTTP/1.1\r\nHost: a.example\r\n\r\r\n", "GET / HTTP/1.1\rHost: a.example\r\r\n",
			"GET / HTTP/1.1\r\r\nHost: a.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example\r\r\n\r\n", with("X: a\nY: b"), with("X: a\rY: b"), with("X: a\n\rY: b"),
		}},
		{400, "names", []string{
			with("X : a"), with("X\t: a"), with(" X: a"), with("\tX: a"), with(": a"), with("X"), with("X a"), with("X(: a"), with("X\x00: a"), with("X\xe9: a"), with("\"X\": a"),
			with("X,Y: a"), with("X/Y: a"), with("X@: a"), with("X[]: a"), with("X\x7f: a"), with("X\r: a"), with("X=a"), with("Content-Length : 0"), with("Transfer-Encoding : chunked"),
			with("Content_Length: 3"), with("Transfer_Encoding: chunked"), with("transfer_encoding: x"), with("HOST_: a\r\nX Y: b"),
		}},
		{400, "values", []string{
			with("X: a\x00b"), with("X: \x01"), with("X: a\x0bb"), with("X: a\x0cb"), with("X: a\x1bb"), with("X: \x7f"), with("X: a\x08"),
			with("X: a\r\n b"), with("X: a\r\n\tb"), with("X:\r\n a"), with("Content-Length:\r\n 0"), with("Transfer-Encoding:\r\n chunked"), with("Transfer-Encoding: chunked\r\n ,x"),
		}},
		{400, "hosts", []string{
			"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: \r\n\r\n", with("Host: a.example"), with("host: b.example"),
			"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example/x\r\n\r\n", "GET / HTTP/1.1\r\nHost: u@a.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example, b.example\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example:x\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example:80:80\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example:99999\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a.example:0\r\n\r\n", "GET / HTTP/1.1\r\nHost: a.example:-1\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: [1.2.3.4]\r\n\r\n", "GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]\r\n\r\n", "GET / HTTP/1.1\r\nHost: a%2eexample\r\n\r\n", "GET / HTTP/1.1\r\nHost: http://a.example\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\\b\r\n\r\n", "GET / HTTP/1.1\r\nHost: \xfc.example\r\n\r\n", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: a\"b\r\n\r\n", "GET / HTTP/1.1\r\nHost: <a>\r\n\r\n", "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "GET http://a.example/ HTTP/1.1\r\n\r\n",
			"GET / HTTP/1.1\r\nHost: " + strings.Repeat("a", 256) + "\r\n\r\n",
		}},
		{400, "lengths", []string{
			with("Content-Length: -1"), with("Content-Length: +1"), with("Content-Length: 0x1"), with("Content-Length: 1_0"), with("Content-Length: 1 0"), with("Content-Length: 1,0"), with("Content-Length: 0, 0"),
			with("Content-Length: "), with("Content-Length:"), with("Content-Length: a"), with("Content-Length: 1a"), with("Content-Length: 1.0"), with("Content-Length: 1e3"), with("Content-Length: 00"), with("Content-Length: 01"),
			with("Content-Length: \x0b1"), with("Content-Length: \xa01"), with("Content-Length: \"1\""), with("Content-Length: 1;"), with("Content-Length: 18446744073709551616"), with("Content-Length: 9223372036854775808"),
			with("Content-Length: 99999999999999999999999999"), with("Content-Length: 0\r\nContent-Length: 0"), with("Content-Length: 0\r\nContent-Length: 1"), with("Content-Length: 0\r\ncontent-length: 0"), with("Content-Length: \xd9\xa1"),
		}},
		{400, "codings", []string{
			with("Content-Length: 5\r\nTransfer-Encoding: chunked"), with("Transfer-Encoding: chunked\r\nContent-Length: 5"), with("Transfer-Encoding: gzip\r\nContent-Length: 5"), with("Transfer-Encoding: \r\nContent-Length: 0"),
			with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"), with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"), with("Transfer-Encoding:"), with("Transfer-Encoding: "),
			with("Transfer-Encoding: xchunked"), with("Transfer-Encoding: chunkedx"), with("Transfer-Encoding: chunke"), with("Transfer-Encoding: chunked,"), with("Transfer-Encoding: ,chunked"), with("Transfer-Encoding: chunked, chunked"), with("Transfer-Encoding: chunked, gzip"),
			with("Transfer-Encoding: chunked;q=1"), with("Transfer-Encoding: \"chunked\""), with("Transfer-Encoding: 'chunked'"), with("Transfer-Encoding: chunked\x0b"), with("Transfer-Encoding: \x0bchunked"), with("Transfer-Encoding: chunked\x00"),
			with("Transfer-Encoding: \xa0chunked"), with("Transfer-Encoding: chunked\xa0"), with("Transfer-Encoding: chunked x"), with("Transfer-Encoding: x chunked"), with("Transfer-Encoding: identity"), with("Transfer-Encoding: gzip"), with("Transfer-Encoding: chunk\xc3\xa9d"),
			with("Transfer-Encoding: [chunked]"), with("Transfer-Encoding: chun\\ked"), with("Transfer-Encoding: =chunked"), with("Transfer-Encoding: chunked\x1f"), with("Transfer-Encoding: chunked/1"),
			"POST / HTTP/1.0\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		}},
		{501, "codings that are not known", []string{with("Transfer-Encoding: gzip, chunked"), with("Transfer-Encoding: identity, chunked"), with("Transfer-Encoding: x,\tChunked")}},
		{417, "expectations", []string{with("Expect: x\r\nContent-Length: 1"), with("Expect: 100-continue, x"), with("Expect: 200-ok"), with("Expect: 100-continuex")}},
		{400, "chunks", []string{
			body("0x5\r\nhello\r\n0\r\n\r\n"), body("5_0\r\nhello\r\n0\r\n\r\n"), body("+5\r\nhello\r\n0\r\n\r\n"), body("-5\r\nhello\r\n0\r\n\r\n"), body(" 5\r\nhello\r\n0\r\n\r\n"), body("5 \r\nhello\r\n0\r\n\r\n"), body("5\t;x\r\nhello\r\n0\r\n\r\n"),
			body("\r\nhello\r\n0\r\n\r\n"), body(";x\r\nhello\r\n0\r\n\r\n"), body("g\r\nhello\r\n0\r\n\r\n"), body("5\nhello\r\n0\r\n\r\n"), body("5\r\nhello\n0\r\n\r\n"), body("5\r\nhello0\r\n\r\n"), body("5\r\nhello!\r\n0\r\n\r\n"),
			body("4\r\nhello\r\n0\r\n\r\n"), body("5\rhello\r\n0\r\n\r\n"), body("5;a\nb\r\nhello\r\n0\r\n\r\n"), body("5;a\rb\r\nhello\r\n0\r\n\r\n"), body("5;a\x00\r\nhello\r\n0\r\n\r\n"), body("5;\x7f\r\nhello\r\n0\r\n\r\n"), body("5;\xff\r\nhello\r\n0\r\n\r\n"),
			body("5," + "x\r\nhello\r\n0\r\n\r\n"), body("5\x00\r\nhello\r\n0\r\n\r\n"), body("5;" + strings.Repeat("x", 300) + "\r\nhello\r\n0\r\n\r\n"), body(strings.Repeat("0", 17) + "5\r\nhello\r\n0\r\n\r\n"),
			body("FFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"), body("10000000000000005\r\nhello\r\n0\r\n\r\n"), body("8000000000000000\r\nhello"), body(strings.Repeat("1;"+strings.Repeat("x", 70)+"\r\na\r\n", 3000) + "0\r\n\r\n"),
			body("0\r\nX\r\n\r\n"), body("0\r\n X: a\r\n\r\n"), body("0\r\nX : a\r\n\r\n"), body("0\r\nX: a\x00\r\n\r\n"), body("0\r\nX: a\n\r\n"), body("0\r\n\n"), body("0\n\r\n"), body("0\r\n" + strings.Repeat("X: a\r\n", 2000) + "\r\n"),
			body("0\r\nX: " + strings.Repeat("a", 9000) + "\r\n\r\n"), body("٥\r\nhello\r\n0\r\n\r\n"), body("5\r\nhello\r\n\r\n0\r\n\r\n"),
		}},
		{414, "long lines", []string{get("GET /" + strings.Repeat("a", 8200) + " HTTP/1.1"), "GET /" + strings.Repeat("a", 100000)}},
		{431, "large headers", []string{with("X: " + strings.Repeat("a", 8190)), with("X: " + strings.Repeat("a", 100000)), with(strings.Repeat("X: a\r\n", 99) + "Y: b"),
			with(strings.Repeat("X: "+strings.Repeat("a", 4000)+"\r\n", 20) + "Y: b")}},
	}
	var answered atomic.Int64
	h := newHost(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/next" {
			answered.Add(1)
		}
		describe(w, r)
	})
	for _, c := range cases {
		for _, raw := range c.raws {
			t.Run(c.name, func(t *testing.T) {
				all := h.say(raw + "GET /next HTTP/1.1\r\nHost: a.example\r\n\r\n")
				if got := statuses(t, all); len(got) != 1 || got[0] != c.status {
					t.Errorf("%.300q is answered %v, want %d", raw, got, c.status)
				}
				if !strings.Contains(all, "Connection: close\r\n") {
					t.Errorf("%.300q keeps the connection", raw)
				}
			})
		}
	}
	if answered.Load() > 0 {
		t.Errorf("%d times what followed was answered", answered.Load())
	}
}

func TestWhatIsUnderstood(t *testing.T) {
	const host = "\r\nHost: a.example\r\n"
	post := func(fields, body string) string { return "POST /p HTTP/1.1" + host + fields + "\r\n\r\n" + body }
	cases := []struct{ raw, want string }{
		{"GET /a?b HTTP/1.1" + host + "\r\n", `GET /a?b a.example HTTP/1.1 ""`},
		{"\r\nGET /a HTTP/1.1" + host + "\r\n", `GET /a a.example HTTP/1.1 ""`},
		{"GET /a HTTP/1.0\r\n\r\n", `GET /a  HTTP/1.0 ""`},
		{"GET //a//b HTTP/1.1" + host + "\r\n", `GET //a//b a.example HTTP/1.1 ""`},
		{"GET /\xfc\"<>|{}^`\\ HTTP/1.1" + host + "\r\n", "GET /\xfc\"<>|{}^`\\ a.example HTTP/1.1 \"\""},
		{"GET /?%zz HTTP/1.1" + host + "\r\n", `GET /?%zz a.example HTTP/1.1 ""`},
		{"GET http://B.example:8080/a%2fb?c HTTP/1.1" + host + "\r\n", `GET http://B.example:8080/a%2fb?c B.example:8080 HTTP/1.1 ""`},
		{"GET HTTPS://[::1]:443 HTTP/1.1" + host + "\r\n", `GET HTTPS://[::1]:443 [::1]:443 HTTP/1.1 ""`},
		{"OPTIONS * HTTP/1.1" + host + "\r\n", `OPTIONS * a.example HTTP/1.1 ""`},
		{"M-SEARCH / HTTP/1.1" + host + "\r\n", `M-SEARCH / a.example HTTP/1.1 ""`},
		{"GET / HTTP/1.1\r\nhOsT:a.example:80\r\n\r\n", `GET / a.example:80 HTTP/1.1 ""`},
		{"GET / HTTP/1.1\r\nHost: \t a.example \t\r\nX:\r\nY: \xfc\t\"\r\n\r\n", `GET / a.example HTTP/1.1 ""`},
		{post("Content-Length: 3", "abc"), `POST /p a.example HTTP/1.1 "abc"`},
		{post("Content-Length: 0", ""), `POST /p a.example HTTP/1.1 ""`},
		{post("content-length:\t3 ", "abc"), `POST /p a.example HTTP/1.1 "abc"`},
		{post("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\n\r\n"), `POST /p a.example HTTP/1.1 "abc"`},
		{post("transfer-encoding: \tCHUNKED ", "0003\r\nabc\r\n1;x=y; z\r\nd\r\n00\r\nX-Sum: 1\r\nY:\r\n\r\n"), `POST /p a.example HTTP/1.1 "abcd"`},
		{post("Transfer-Encoding: chunked", "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), `POST /p a.example HTTP/1.1 "01234567890123456789"`},
		{post("Expect: 100-Continue\r\nContent-Length: 0", ""), `POST /p a.example HTTP/1.1 ""`},
		{post("Expect: ", ""), `POST /p a.example HTTP/1.1 ""`},
		{"POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na", `POST /p  HTTP/1.0 "a"`},
		{"GET /p HTTP/1.1" + host + "Content-Length: 1\r\n\r\na", `GET /p a.example HTTP/1.1 "a"`},
	}
	h := newHost(t, describe)
	for _, c := range cases {
		all := h.say(c.raw)
		if _, body, _ := strings.Cut(all, "\r\n\r\n"); body != c.want || strings.Count(all, "HTTP/1.1 2") != 1 {
			t.Errorf("%q became\n%s\nwant\n%s", c.raw, body, c.want)
		}
	}
}

func TestEveryPieceMayComeByItself(t *testing.T) {
	h := newHost(t, describe)
	raw := "POST /p HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: x\r\n\r\n"
	for n := 1; n < len(raw); n++ {
		c := h.dial()
		io.WriteString(c, raw[:n])
		if n%7 == 0 { // most of the time both come at once, which is another thing to read
			for range 3 {
				c.SetNoDelay(true)
			}
		}
		io.WriteString(c, raw[n:])
		c.CloseWrite()
		all, _ := io.ReadAll(c)
		if !strings.HasSuffix(string(all), `POST /p a.example HTTP/1.1 "abcde"`) {
			t.Errorf("cut at %d: %q", n, all)
		}
		c.Close()
	}
}

func TestPipelinedRequestsAreAnsweredInOrder(t *testing.T) {
	h := newHost(t, describe)
	var raw strings.Builder
	for i := range 100 {
		fmt.Fprintf(&raw, "POST /%d HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\n\r\n%c", i, 'a'+i%26)
	}
	r := bufio.NewReader(strings.NewReader(h.say(raw.String())))
	for i := range 100 {
		res, err := http.ReadResponse(r, nil)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		if want := fmt.Sprintf("POST /%d a.example HTTP/1.1 %q", i, string(rune('a'+i%26))); string(body) != want {
			t.Fatalf("answer %d is %s, want %s", i, body, want)
		}
	}
}

func TestFieldsArriveAsTheyWereSent(t *testing.T) {
	fields := make(chan http.Header, 1)
	h := newHost(t, func(_ http.ResponseWriter, r *http.Request) { fields <- r.Header })
	h.say("GET / HTTP/1.1\r\nHost: a\r\nx-a: 1\r\nX-B: 2\r\nX-A: 3\r\nX-A:4 \r\nSCRIPT_NAME: /x\r\nX_A: 5\r\nX-Empty:\r\n\r\n")
	want := http.Header{"X-A": {"1", "3", "4"}, "X-B": {"2"}, "X-Empty": {""}}
	if got := <-fields; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What is refused and what is understood above, and whatever the fuzzer makes of it: h1 accepts
// nothing that net/http would read as another request.
func FuzzParseAgainstNetHTTP(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /%2f?x HTTP/1.1\r\nHost: a:80\r\nContent-Length: 3\r\nX-A: b\r\n\r\nabc",
		"POST http://b/!$&'()*+,;=:@-._~ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\r\n\r\n",
		"\r\nGET /a?b?c? HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		ours := readAll(raw)
		if len(ours) == 0 {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.TrimPrefix(string(raw), "\r\n"))))
		if err != nil {
			t.Fatalf("net/http cannot read %q: %v", raw, err)
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Fatalf("net/http cannot read the body of %q: %v", raw, err)
		}
		got := ours[0]
		for name := range r.Header {
			if strings.Contains(name, "_") {
				delete(r.Header, name)
			}
		}
		for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
			delete(got.header, name)
			delete(r.Header, name)
		}
		theirs := request{r.Method, r.RequestURI, r.Host, string(body), r.Header, *r.URL}
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", theirs) {
			t.Errorf("%q is\n%#v\nbut for net/http\n%#v", raw, got, theirs)
		}
	})
}

type request struct {
	method, target, host, body string
	header                     http.Header
	url                        url.URL
}

// readAll is every request that the server takes from raw, with its whole body.
func readAll(raw []byte) (list []request) {
	s := h1.New(config(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		list = append(list, request{r.Method, r.RequestURI, r.Host, string(body), r.Header, *r.URL})
	}))
	s.ServeConn(&memoryConn{Reader: strings.NewReader(string(raw))}, func() {})
	return list
}

func TestOnlyTheFirstThingWrongIsTold(t *testing.T) {
	refused := make(chan *h1.Refusal, 10)
	conf := config(describe)
	conf.Refused = func(why *h1.Refusal) { refused <- why }
	h1.New(conf).ServeConn(&memoryConn{Reader: strings.NewReader("GET / HTTP/1.1\r\nX : a\r\nY\x00: b\r\n\r\n")}, func() {})
	if why := <-refused; why.Status != 400 || !strings.Contains(why.Error(), "name") || len(refused) > 0 {
		t.Errorf("told %v, and %d more", why, len(refused))
	}
}

func TestNoFieldIsNamedTwiceInAnswers(t *testing.T) {
	h := newHost(t, describe)
	for _, raw := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"} {
		head, _, _ := strings.Cut(h.say(raw), "\r\n\r\n")
		var names []string
		for _, line := range strings.Split(head, "\r\n")[1:] {
			name, _, _ := strings.Cut(line, ":")
			names = append(names, name)
		}
		slices.Sort(names)
		if len(slices.Compact(slices.Clone(names))) != len(names) {
			t.Errorf("%q is answered with %s", raw, head)
		}
	}
}
