package h2

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"
)

// FuzzDecode reads header blocks beside the decoder of golang.org/x/net: both must read the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x82\x87\x84\x41\x0cdemo.example"), []byte("\x82\x87\x84\xbe"))
	f.Add([]byte("\x40\x87\xb5\x05\xb1\x61\xcc\x5a\x93\x84\x9c\x48\xac\xa4"), []byte("\xbe\x3f\xe1\x1f"))
	f.Add([]byte("\x20\x3f\xe1\x1f\x82"), []byte("\x10\x01a\x01b\x00\x01c\x00"))
	f.Add([]byte("\x40\x01a\x7f\xff\x1f"+strings.Repeat("x", 4222)), []byte("\xbe"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		ours := decoder{maxList: 1 << 20, limit: tableSize}
		theirs := hpack.NewDecoder(tableSize, nil)
		for _, block := range [][]byte{one, two} {
			fields, _, err := ours.decode(block)
			want, wrong := theirs.DecodeFull(block)
			if err != nil {
				return // stricter: late size updates, numbers that nobody needs
			}
			if wrong != nil || len(fields) != len(want) {
				t.Fatalf("%q: %d fields, want %d, %v", block, len(fields), len(want), wrong)
			}
			for i := range want {
				if fields[i].name != want[i].Name || fields[i].value != want[i].Value {
					t.Errorf("%q: %q, want %q", block, fields[i].name+": "+fields[i].value, want[i])
				}
			}
			if ours.size > ours.limit || ours.size < 0 {
				t.Fatalf("table has %d bytes of %d", ours.size, ours.limit)
			}
		}
	})
}

// FuzzEncode has the other decoder read what is written.
func FuzzEncode(f *testing.F) {
	f.Add("Content-Type", "text/html", 200)
	f.Add("X-Long", strings.Repeat("x", 300), 503)
	f.Add("Set-Cookie", "a=b", 304)
	f.Add("Bad Name", "a\nb", 404)
	f.Fuzz(func(t *testing.T, key, value string, status int) {
		if status < 100 || status > 999 {
			return
		}
		block := appendField(appendStatus([]byte{tableUnused}, status), key, value)
		fields, err := hpack.NewDecoder(tableSize, nil).DecodeFull(block)
		if err != nil || len(fields) > 2 || fields[0].Name != ":status" {
			t.Fatalf("%q: %v, %v", block, fields, err)
		}
		for _, field := range fields[1:] {
			if field.Name != strings.ToLower(key) || field.Value != strings.Trim(value, " \t") || newField(field.Name, field.Value).flaw != "" {
				t.Errorf("%q: %q became %v", key, value, field)
			}
		}
	})
}

// FuzzServe sends bytes to a connection: whatever they are, it ends, and so do its handlers.
func FuzzServe(f *testing.F) {
	begin := appendSettings([]byte(preface))
	block := []byte("\x82\x87\x84\x41\x0cdemo.example")
	f.Add(begin)
	f.Add(appendHeaders(begin, 1, block, true))
	f.Add(appendData(appendHeaders(begin, 1, block, false), 1, []byte("hello"), true))
	f.Add(appendReset(appendHeaders(begin, 1, block, true), 1, Cancel))
	f.Add(appendWindowUpdate(appendSettings(begin, setting{settingInitialWindowSize, 0}), 0, 1))
	f.Add(appendGoAway(appendPing(begin, 0, make([]byte, 8)), 0, NoError))
	f.Fuzz(func(t *testing.T, sent []byte) {
		ours, theirs := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			Serve(context.Background(), theirs, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Host == "" || hasControl(r.RequestURI) || !strings.HasPrefix(r.RequestURI, "/") && r.Method != "CONNECT" && r.RequestURI != "*" {
					t.Errorf("a handler sees %+v", r)
				}
				io.Copy(w, r.Body)
			}), Options{HeaderTime: time.Second})
		}()
		go io.Copy(io.Discard, ours)
		ours.SetDeadline(time.Now().Add(patience))
		ours.Write(sent)
		ours.Close()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("it does not end")
		}
	})
}

// BenchmarkDecode is the header of a browser: the first time, and then as the table has it.
func BenchmarkDecode(b *testing.B) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	blocks := make([][]byte, 2)
	for i := range blocks {
		buf.Reset()
		for _, f := range browser {
			enc.WriteField(f)
		}
		blocks[i] = bytes.Clone(buf.Bytes())
	}
	d := decoder{maxList: 64 << 10, limit: tableSize}
	d.decode(blocks[0])
	b.ReportAllocs()
	for b.Loop() {
		fields, _, err := d.decode(blocks[1])
		if err != nil {
			b.Fatal(err)
		}
		if _, flaw := parseFields(fields); flaw != "" {
			b.Fatal(flaw)
		}
	}
}

var browser = []hpack.HeaderField{
	{Name: ":method", Value: "GET"}, {Name: ":authority", Value: "demo.example"}, {Name: ":scheme", Value: "https"}, {Name: ":path", Value: "/static/a.css"},
	{Name: "user-agent", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{Name: "accept", Value: "text/css,*/*;q=0.1"}, {Name: "accept-language", Value: "en-GB,en;q=0.5"}, {Name: "accept-encoding", Value: "gzip, deflate, br, zstd"},
	{Name: "referer", Value: "https://demo.example/"}, {Name: "cookie", Value: "csrftoken=0123456789"}, {Name: "cookie", Value: "sessionid=0123456789"},
	{Name: "sec-fetch-dest", Value: "style"}, {Name: "sec-fetch-mode", Value: "no-cors"}, {Name: "sec-fetch-site", Value: "same-origin"},
}

// BenchmarkEncode is the header of a static file.
func BenchmarkEncode(b *testing.B) {
	h := http.Header{"Content-Type": {"text/css; charset=utf-8"}, "Content-Length": {"1000"}, "Etag": {`"abcdef"`},
		"Last-Modified": {"Mon, 01 Jan 2024 00:00:00 GMT"}, "Cache-Control": {"max-age=60"}, "X-Request-Id": {"b47c2fabeb5441f37af437f91ff4bc07"}}
	w := response{}
	block := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		block = appendFields(appendStatus(block[:0], 200), h, w.isNotSent)
	}
}

// BenchmarkRequest is a request for 1 kB over TLS, with the client's share.
func BenchmarkRequest(b *testing.B) {
	page := bytes.Repeat([]byte("x"), 1000)
	s := serve(b, Options{}, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Type"], h["Content-Length"] = []string{"text/css"}, []string{"1000"}
		w.Write(page)
	})
	r := s.dial()
	r.conn.SetDeadline(time.Time{})
	r.answered(r.request(true, get("/")...))
	buf := make([]byte, maxFrame)
	block := r.block(get("/")...)
	b.ReportAllocs()
	for b.Loop() {
		r.conn.Write(appendWindowUpdate(appendHeaders(buf[:0], r.id, block, true), 0, len(page)))
		r.id += 2
		for ended := false; !ended; {
			if _, err := io.ReadFull(r.conn, buf[:frameHeadSize]); err != nil {
				b.Fatal(err)
			}
			h := parseHead(buf)
			io.ReadFull(r.conn, buf[:h.length])
			ended = h.has(flagEndStream) && h.kind <= frameHeaders
		}
	}
}
