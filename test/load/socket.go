package load

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Sockets are WebSockets that are held open, each of which sends a message now and then and wants
// it back. One that ended is opened again.
type Sockets struct {
	URL   string // http://address:port/path
	Host  string // the Host header; default: the URL's
	Count int
	Every time.Duration // between two messages; default 100 ms

	// Dial opens a connection; default: the machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// SocketReport is what became of the sockets.
type SocketReport struct {
	Opened  int            `json:"opened"`
	Echoed  int            `json:"echoed"`
	Refused map[string]int `json:"refused,omitempty"` // why sockets could not be opened
	Ended   map[string]int `json:"ended,omitempty"`   // how sockets ended: "close 1012", "cut: reset", ...
	Max     float64        `json:"max_ms"`            // the longest wait for an echo
}

// Cut is how many sockets ended without a closing message.
func (r *SocketReport) Cut() int {
	cut := 0
	for how, count := range r.Ended {
		if !strings.HasPrefix(how, "close ") {
			cut += count
		}
	}
	return cut
}

// String is the report in one line.
func (r *SocketReport) String() string {
	return fmt.Sprintf("%d WebSockets opened, %d echoes, refused %v, ended %v, worst echo %.1f ms", r.Opened, r.Echoed, r.Refused, r.Ended, r.Max)
}

// Run holds the sockets open until ctx ends.
func (s Sockets) Run(ctx context.Context) (*SocketReport, error) {
	target, err := url.Parse(s.URL)
	if err != nil {
		return nil, err
	}
	if s.Host == "" {
		s.Host = target.Host
	}
	if s.Every <= 0 {
		s.Every = 100 * time.Millisecond
	}
	if s.Dial == nil {
		s.Dial = (&net.Dialer{}).DialContext
	}
	h := &holder{Sockets: s, target: target}
	h.report.Refused, h.report.Ended = map[string]int{}, map[string]int{}
	var running sync.WaitGroup
	for range s.Count {
		running.Go(func() { h.hold(ctx) })
	}
	running.Wait()
	return &h.report, nil
}

type holder struct {
	Sockets
	target *url.URL

	mu     sync.Mutex
	report SocketReport
}

// hold keeps one socket open, by opening it as often as it takes.
func (h *holder) hold(ctx context.Context) {
	for ctx.Err() == nil {
		socket, err := h.open(ctx)
		if err != nil {
			h.note(func(r *SocketReport) { r.Refused[reason(err)]++ })
			sleepUntil(ctx, time.Now().Add(h.Every))
			continue
		}
		h.note(func(r *SocketReport) { r.Opened++ })
		if how := h.converse(ctx, socket); how != "" {
			h.note(func(r *SocketReport) { r.Ended[how]++ })
		}
		socket.Close()
	}
}

func (h *holder) note(change func(*SocketReport)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&h.report)
}

// socketTimeout is for the handshake and for each echo.
const socketTimeout = 30 * time.Second

func (h *holder) open(ctx context.Context) (*conn, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), socketTimeout)
	defer cancel()
	raw, err := h.Dial(ctx, "tcp", h.target.Host)
	if err != nil {
		return nil, err
	}
	raw.SetDeadline(time.Now().Add(socketTimeout))
	c := &conn{Conn: raw, reader: bufio.NewReader(raw)}
	fmt.Fprintf(raw, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2FuZHdpY2ggbG9hZCBnZQ==\r\n\r\n", h.target.RequestURI(), h.Host)
	response, err := http.ReadResponse(c.reader, nil)
	if err == nil && response.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return c, nil
}

// converse sends messages until ctx ends or the socket does, and says how the socket ended.
func (h *holder) converse(ctx context.Context, c *conn) (how string) {
	for ctx.Err() == nil {
		sent := time.Now()
		c.SetDeadline(sent.Add(socketTimeout))
		text := rand.Text()
		// A failed write is explained by what can still be read.
		_ = c.send(opText, []byte(text))
		if err := c.echo(text); err != nil {
			return ending(err)
		}
		h.note(func(r *SocketReport) { r.Echoed++; r.Max = max(r.Max, milliseconds(time.Since(sent))) })
		sleepUntil(ctx, sent.Add(h.Every))
	}
	_ = c.send(opClose, []byte{1000 >> 8, 1000 & 0xff})
	return ""
}

func ending(err error) string {
	var closed *closedError
	if errors.As(err, &closed) {
		return closed.Error()
	}
	return "cut: " + reason(err)
}
