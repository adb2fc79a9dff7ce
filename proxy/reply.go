package proxy

import (
	"io"
	"net/http"
	"sync/atomic"
)

// reply is the client's side of a request. It remembers the status, and keeps the way to
// sendfile(2) open for files.
type reply struct {
	http.ResponseWriter
	draining *atomic.Bool // once true, each answer is the last of its connection
	status   int          // 0: nothing was answered
	sent     int64        // bytes of the body
	aborted  bool         // the response is incomplete and cannot be completed
}

// WriteHeader remembers the status; informational ones are not the answer.
func (w *reply) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.status = status
		if w.draining.Load() {
			w.Header()["Connection"] = closing
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts what is sent.
func (w *reply) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.sent += int64(n)
	return n, err
}

// ReadFrom is what io.Copy prefers to Write.
func (w *reply) ReadFrom(src io.Reader) (int64, error) {
	n, err := io.Copy(w.ResponseWriter, src)
	w.sent += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }
