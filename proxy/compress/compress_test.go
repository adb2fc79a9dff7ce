package compress_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sandwich/proxy/compress"
)

func TestTheClientsWeightsDecideAndOursBreakTies(t *testing.T) {
	all := [compress.Codings]bool{true, true, true, true}
	gz := [compress.Codings]bool{compress.Gzip: true}
	for _, c := range []struct {
		accept string
		have   [compress.Codings]bool
		want   compress.Coding
	}{
		{"", all, compress.Identity},
		{"gzip", all, compress.Gzip},
		{"GZIP, x", all, compress.Gzip},
		{"x-gzip", all, compress.Gzip},
		{"gzip, deflate, br, zstd", all, compress.Brotli},
		{"gzip, deflate, br, zstd", gz, compress.Gzip},
		{"br;q=0.5, gzip;q=0.9", all, compress.Gzip},
		{"br ; q=0.5 , gzip ; Q=0.501", all, compress.Gzip},
		{"gzip;q=0", all, compress.Identity},
		{"gzip;q=0.000, br;q=0", all, compress.Identity},
		{"*", all, compress.Brotli},
		{"*;q=0", all, compress.Identity},
		{"*;q=0.5, gzip;q=0.6", all, compress.Gzip},
		{"br;q=0, *", all, compress.Zstd},
		{"gzip;q=0.5, identity;q=0.8", all, compress.Identity},
		{"gzip;q=0.5, identity;q=0.5", all, compress.Gzip},
		{"identity;q=0", gz, compress.Identity},
		{"gzip;q=2", all, compress.Identity},
		{"gzip;q=1.001", all, compress.Identity},
		{"gzip;q=x", all, compress.Identity},
		{"gzip;q=0.1234", all, compress.Identity},
		{"gzip;q=", all, compress.Identity},
		{"gzip;x=y;q=0.001", all, compress.Gzip},
		{"gzipx, bro", all, compress.Identity},
		{",,;,", all, compress.Identity},
	} {
		if got := compress.Accepts([]string{c.accept}).Best(c.have); got != c.want {
			t.Errorf("%q: %s, want %s", c.accept, got, c.want)
		}
	}
	if got := compress.Accepts([]string{"gzip;q=0.1", "br;q=0.2"}).Best(all); got != compress.Brotli {
		t.Errorf("two fields: %s", got)
	}
}

func TestOnlyTextThatMayBeChangedIsCompressed(t *testing.T) {
	for line, want := range map[string]bool{
		"Content-Type: text/html; charset=utf-8": true, "Content-Type: application/json": true, "Content-Type: image/svg+xml": true,
		"Content-Type: application/problem+json": true, "Content-Type: TEXT/CSV": true, "Content-Type: application/wasm": true,
		"Content-Type: image/png": false, "Content-Type: font/woff2": false, "Content-Type: application/zip": false,
		"Content-Type: application/octet-stream": false, "Content-Type: video/mp4": false, "": false,
		"Content-Type: text/html\nContent-Encoding: gzip": false, "Content-Type: text/html\nContent-Range: bytes 0-1/2": false,
		"Content-Type: text/html\nCache-Control: private, No-Transform": false, "Content-Type: text/html\nCache-Control: private": true,
		"Content-Type: text/html\nContent-Digest: sha-256=:x:": false, "Content-Type: text/html\nEtag: \"x\"": true,
	} {
		if got := compress.Possible(200, fields(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	for status, want := range map[int]bool{200: true, 201: true, 404: true, 500: true, 204: false, 205: false, 206: false, 304: false} {
		if got := compress.Possible(status, fields("Content-Type: text/html")); got != want {
			t.Errorf("%d: %v", status, got)
		}
	}
}

func fields(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "\n") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}

func TestSecretsAreSeen(t *testing.T) {
	for body, want := range map[string]bool{
		`<input type="hidden" name="csrfmiddlewaretoken" value="x">`: true, `<meta name="csrf-token" content="x">`: true,
		`{"csrfToken": "x"}`: true, `var csrf_token = "x"`: true, `getCookie('csrftoken')`: false, "plain": false,
	} {
		if got := compress.Secret(http.Header{}, []byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	if !compress.Secret(fields("Set-Cookie: a=b"), nil) {
		t.Error("a cookie is no secret")
	}
}

func TestFieldsFollowTheCoding(t *testing.T) {
	h := fields("Etag: \"x\"\nContent-Length: 5\nAccept-Ranges: bytes\nVary: Cookie")
	compress.Vary(h)
	compress.Vary(h)
	compress.Mark(h, compress.Zstd)
	if h.Get("Etag") != `W/"x"` || h.Get("Content-Length") != "" || h.Get("Accept-Ranges") != "" || h.Get("Content-Encoding") != "zstd" ||
		strings.Join(h["Vary"], ", ") != "Cookie, Accept-Encoding" {
		t.Errorf("%v", h)
	}
	for _, vary := range []string{"*", "accept-encoding", "Cookie, Accept-Encoding"} {
		if h := fields("Vary: " + vary); len(h["Vary"]) != 1 {
			t.Errorf("%v", h)
		} else if compress.Vary(h); len(h["Vary"]) != 1 {
			t.Errorf("%v", h)
		}
	}
	weak := fields("Etag: W/\"x\"")
	if compress.Mark(weak, compress.Gzip); weak.Get("Etag") != `W/"x"` {
		t.Errorf("%v", weak)
	}
}

func inflate(t *testing.T, c compress.Coding, r io.Reader) io.Reader {
	t.Helper()
	if c == compress.Zstd {
		d, err := zstd.NewReader(r)
		must(t, err)
		t.Cleanup(d.Close)
		return d
	}
	d, err := gzip.NewReader(r)
	must(t, err)
	return d
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var text = []byte(strings.Repeat("a body that repeats itself; ", 1000))

func TestWhatIsCompressedIsReadBack(t *testing.T) {
	for _, c := range []compress.Coding{compress.Gzip, compress.Zstd} {
		for name, out := range map[string][]byte{
			"page": compress.Page(text, c, false), "padded": compress.Page(text, c, true), "file": compress.File(text, c),
		} {
			got, err := io.ReadAll(inflate(t, c, bytes.NewReader(out)))
			if err != nil || !bytes.Equal(got, text) {
				t.Errorf("%s, %s: %d bytes, %v", name, c, len(got), err)
			}
		}
		if out := compress.Page([]byte("x"), c, false); out != nil {
			t.Errorf("%s makes one byte %d", c, len(out))
		}
	}
}

func TestAStreamArrivesWhenItIsFlushed(t *testing.T) {
	for _, c := range []compress.Coding{compress.Gzip, compress.Zstd} {
		r, w := io.Pipe()
		z := compress.NewWriter(w, c, false)
		go func() {
			for range 3 {
				z.Write([]byte("data: 1\n\n"))
				z.Flush()
			}
			z.Close()
			w.Close()
		}()
		d, buf := inflate(t, c, r), make([]byte, 9)
		for range 3 {
			if _, err := io.ReadFull(d, buf); err != nil || string(buf) != "data: 1\n\n" {
				t.Fatalf("%s: %q, %v", c, buf, err)
			}
		}
		if n, err := d.Read(buf); n != 0 || err != io.EOF {
			t.Errorf("%s: %d, %v after the end", c, n, err)
		}
	}
}

func TestEncodersAreBounded(t *testing.T) {
	var all []*compress.Writer
	for w := compress.NewWriter(io.Discard, compress.Gzip, false); w != nil; w = compress.NewWriter(io.Discard, compress.Gzip, false) {
		if all = append(all, w); len(all) > 1000 {
			break
		}
	}
	if len(all) != 128 {
		t.Errorf("there are %d", len(all))
	}
	for _, w := range all {
		w.Abandon()
	}
	w := compress.NewWriter(io.Discard, compress.Gzip, false)
	if w == nil {
		t.Fatal("nothing came back")
	}
	must(t, w.Close())
}

func TestPaddingHidesTheLength(t *testing.T) {
	lengths := map[int]bool{}
	for range 50 {
		lengths[len(compress.Page(text, compress.Gzip, true))] = true
	}
	if len(lengths) < 10 {
		t.Errorf("50 answers have %d lengths", len(lengths))
	}
}

func FuzzAccepts(f *testing.F) {
	f.Add("gzip, br;q=0.5, *;q=0")
	f.Fuzz(func(t *testing.T, field string) {
		for c, weight := range compress.Accepts([]string{field}) {
			if weight < 0 || weight > 1000 {
				t.Errorf("%q: %s has %d", field, compress.Coding(c), weight)
			}
		}
	})
}

func BenchmarkPage(b *testing.B) {
	page := []byte(strings.Repeat("<li class=\"item\"><a href=\"/polls/17/\">What is new?</a> <span>2024-05-01</span></li>\n", 240))
	for _, c := range []compress.Coding{compress.Gzip, compress.Zstd} {
		b.Run(c.String(), func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				compress.Page(page, c, false)
			}
		})
	}
}
