package static_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

// sink is a writer that costs nothing.
type sink struct {
	header http.Header
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }
func (s *sink) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(onlyWriter{s}, r)
}

type onlyWriter struct{ io.Writer }

// BenchmarkServe is what a file costs besides the connection: from memory, compressed from memory, not
// modified, and from disk.
func BenchmarkServe(b *testing.B) {
	defer static.KeepAtOnce()()
	root := b.TempDir()
	for name, size := range map[string]int{"1k.css": 1000, "20k.css": 20_000, "1M.bin": 1 << 20} {
		must(b, os.WriteFile(filepath.Join(root, name), []byte(strings.Repeat("x", size)), 0o644))
	}
	d := static.New(route.Static{Prefix: "/static/", Root: root, MaxAge: 60}, true)
	for _, c := range []struct{ name, file, field, value string }{
		{"1kB", "1k.css", "", ""}, {"20kB", "20k.css", "", ""}, {"20kB gzip", "20k.css", "Accept-Encoding", "gzip, deflate, br"},
		{"not modified", "1k.css", "If-None-Match", "*"}, {"part", "20k.css", "Range", "bytes=10-20"}, {"1MB", "1M.bin", "", ""}, {"none", "none", "", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := request("/static/" + c.file)
			if c.field != "" {
				r.Header.Set(c.field, c.value)
			}
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				d.Serve(w, r, c.file)
			}
		})
	}
}
