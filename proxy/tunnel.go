package proxy

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"sandwich/proxy/header"
	"sandwich/proxy/upstream"
)

// tunnel turns the request's two connections into one, until both sides have ended.
func (x *exchange) tunnel(res *http.Response) {
	h := http.Header{"X-Request-Id": {x.origin.ID}}
	if err := header.CopyResponse(h, res.Header); err != nil {
		x.giveUp(upstream.ErrBroken)
		return
	}
	client, buffered, err := http.NewResponseController(x.ResponseWriter).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	x.status = http.StatusSwitchingProtocols
	client.SetDeadline(time.Time{})
	t := &tunnel{client: unwrapped(client), app: x.conn.Hijack(), opaque: x.upgrade != header.WebSocket}
	defer x.s.tunnels.add(t)()
	x.p.site.gate.tunnels(&x.stay, t)
	if writeSwitching(client, x.upgrade, h) == nil && t.toClient(x.conn.Buffered()) == nil && sendBuffered(t.app, buffered.Reader) == nil {
		upstream.Tunnel(t.client, t.app, t.toClient)
	}
}

// switches says whether a 101 is to the protocol that was asked for.
func (x *exchange) switches(res *http.Response) bool {
	return x.upgrade != "" && len(res.Header["Upgrade"]) == 1 && strings.EqualFold(res.Header["Upgrade"][0], x.upgrade)
}

func writeSwitching(client net.Conn, protocol string, h http.Header) error {
	w := bufio.NewWriter(client)
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n")
	h.Write(w)
	w.WriteString("\r\n")
	return w.Flush()
}

// sendBuffered sends what the client said before it had the answer.
func sendBuffered(app net.Conn, r *bufio.Reader) error {
	early, _ := r.Peek(r.Buffered())
	if len(early) == 0 {
		return nil
	}
	_, err := app.Write(early)
	return err
}

// tunnel is a WebSocket, or something else, between a client and an application.
type tunnel struct {
	client, app net.Conn
	opaque      bool // it is something else: nobody can say goodbye in it

	mu     sync.Mutex // held while something is written to the client
	frames frames
	told   bool   // the client is to be told to go
	bye    []byte // the close frame it has not been sent yet
}

// Why a client is told to go: RFC 6455 7.4.1, and the registry of close codes it began.
const (
	closeGoingAway      = 1001
	closeServiceRestart = 1012
)

// goodbyeTime is how long the two ends may take to end in order, once they are told.
const goodbyeTime = time.Second

// toClient passes on what the application says. After the client was told to go, it gets no more
// than the rest of the frame that had begun.
func (t *tunnel) toClient(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.opaque {
		return t.write(p)
	}
	if !t.told {
		t.frames.read(p)
		return t.write(p)
	}
	if t.bye == nil {
		return nil
	}
	n := t.frames.readOne(p)
	if err := t.write(p[:n]); err != nil {
		return err
	}
	return t.sayGoodbye()
}

func (t *tunnel) write(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, err := t.client.Write(p)
	return err
}

// tell has the client go: it gets a close frame as soon as it is at the end of a frame, answers
// with its own, which the application gets, and both end. Who takes too long is cut off.
func (t *tunnel) tell(code uint16) {
	limit := time.Now().Add(goodbyeTime)
	t.client.SetDeadline(limit)
	t.app.SetDeadline(limit)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told || t.opaque {
		return
	}
	t.told, t.bye = true, binary.BigEndian.AppendUint16([]byte{0x88, 2}, code)
	t.sayGoodbye()
}

// sayGoodbye sends the close frame when the client is at the end of a frame.
func (t *tunnel) sayGoodbye() error {
	if !t.frames.between() {
		return nil
	}
	bye := t.bye
	t.bye = nil
	return t.write(bye)
}

func tellAll(list []*tunnel, code uint16) {
	var all sync.WaitGroup
	for _, t := range list {
		all.Go(func() { t.tell(code) }) // each may wait for a client that reads nothing
	}
	all.Wait()
}

// tunnels are the connections that net/http knows nothing of any more.
type tunnels struct {
	mu   sync.Mutex
	open map[*tunnel]struct{}
	none chan struct{} // closed when the last one has ended; nil while nobody waits
}

func (ts *tunnels) add(t *tunnel) (remove func()) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.open == nil {
		ts.open = map[*tunnel]struct{}{}
	}
	ts.open[t] = struct{}{}
	return func() { ts.remove(t) }
}

func (ts *tunnels) remove(t *tunnel) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if delete(ts.open, t); len(ts.open) == 0 {
		wake(&ts.none)
	}
}

func (ts *tunnels) count() int {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return len(ts.open)
}

// wait returns when no tunnel is open, or when ctx ends.
func (ts *tunnels) wait(ctx context.Context) {
	ts.mu.Lock()
	if len(ts.open) == 0 {
		ts.mu.Unlock()
		return
	}
	if ts.none == nil {
		ts.none = make(chan struct{})
	}
	none := ts.none
	ts.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}

// end tells all clients to go and returns when they have.
func (ts *tunnels) end() {
	ts.mu.Lock()
	list := make([]*tunnel, 0, len(ts.open))
	for t := range ts.open {
		list = append(list, t)
	}
	ts.mu.Unlock()
	tellAll(list, closeGoingAway)
	ts.wait(context.Background())
}
