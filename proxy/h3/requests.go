package h3

import (
	"io"
	"net/http"
	"time"

	"sandwich/proxy/h2"
)

// requests hands requests on that are in order, and counts those that go on.
type requests struct {
	handler http.Handler
	counter
}

// ServeHTTP refuses what no application may see: RFC 9114 4.1.2.
func (in *requests) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in.count(1)
	defer in.count(-1)
	if h2.Flaw(r) != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if err := findBody(w, r); err != nil {
		w.WriteHeader(http.StatusRequestTimeout)
		return
	}
	in.handler.ServeHTTP(&answer{ResponseWriter: w}, r)
}

// answer leaves out what is about one connection of HTTP/1.1: RFC 9114 4.2.
type answer struct {
	http.ResponseWriter
	isBegun bool
}

// WriteHeader begins the answer, or sends an informational one.
func (a *answer) WriteHeader(status int) {
	h := a.Header()
	for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Te"} {
		delete(h, name)
	}
	a.isBegun = a.isBegun || status >= 200
	a.ResponseWriter.WriteHeader(status)
}

// Write sends content.
func (a *answer) Write(p []byte) (int, error) {
	if !a.isBegun {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// findTime is how long the end of a request may take that has no body.
const findTime = 10 * time.Second

// findBody finds out whether a request of which that is not to be expected has a body: quic-go does
// not say, and an application is asked in another way when there is one.
func findBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength >= 0 || r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		return nil
	}
	ctl := http.NewResponseController(w)
	ctl.SetReadDeadline(time.Now().Add(findTime))
	defer ctl.SetReadDeadline(time.Time{})
	var first [1]byte
	n, err := io.ReadFull(r.Body, first[:])
	if n == 1 {
		r.Body = &begun{r.Body, first[:]}
		return nil
	}
	if err == io.EOF {
		r.Body, r.ContentLength = http.NoBody, 0
		return nil
	}
	return err
}

// begun is a body of which something was read.
type begun struct {
	io.ReadCloser
	first []byte
}

func (b *begun) Read(p []byte) (int, error) {
	if len(b.first) > 0 && len(p) > 0 {
		n := copy(p, b.first)
		b.first = b.first[n:]
		return n, nil
	}
	return b.ReadCloser.Read(p)
}
