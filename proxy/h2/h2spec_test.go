package h2

import (
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// h2spec builds the conformance test of HTTP/2, which the tools' module pins.
func h2spec(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "h2spec")
	out, err := exec.Command("go", "build", "-C", "../../packaging/tools", "-o", program, "github.com/summerwind/h2spec/cmd/h2spec").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build h2spec: %v\n%s", err, out)
	}
	return program
}

// TestConformance is every case of h2spec, over TLS, against the answers that a front gives: at
// once and without reading the request, and after an application has thought.
func TestConformance(t *testing.T) {
	program := h2spec(t)
	for name, handler := range map[string]http.HandlerFunc{
		"file":      func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("x", 1000)) },
		"not found": http.NotFound,
		"page": func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				http.Error(w, "bad request", http.StatusBadRequest)
				return
			}
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Millisecond):
			}
			io.WriteString(w, strings.Repeat("x", 5000))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conform(t, program, serve(t, Options{}, handler).addr)
		})
	}
}

var summary = regexp.MustCompile(`(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed`)

func conform(t *testing.T, program, addr string) {
	host, port, err := net.SplitHostPort(addr)
	must(t, err)
	out, err := exec.Command(program, "-t", "-k", "-S", "-h", host, "-p", port).CombinedOutput()
	m := summary.FindSubmatch(out)
	if err != nil || m == nil || string(m[1]) != string(m[2]) {
		t.Errorf("h2spec: %v\n%s", err, out)
		return
	}
	t.Logf("%s", m[0])
}
