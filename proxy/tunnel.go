package proxy

import (
	"bufio"
	"net"
	"net/http"
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
	app := x.conn.Hijack()
	defer x.s.tunnels.add(client, app)()
	client.SetDeadline(time.Time{})
	if writeSwitching(client, h, x.conn.Buffered()) == nil && sendBuffered(app, buffered.Reader) == nil {
		upstream.Tunnel(unwrapped(client), app)
	}
}

func writeSwitching(client net.Conn, h http.Header, early []byte) error {
	w := bufio.NewWriter(client)
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n")
	h.Write(w)
	w.WriteString("\r\n")
	w.Write(early)
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

// tunnels are the connections that net/http knows nothing of any more.
type tunnels struct {
	mu   sync.Mutex
	open map[net.Conn]net.Conn
	done sync.WaitGroup
}

func (t *tunnels) add(client, app net.Conn) (remove func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[net.Conn]net.Conn{}
	}
	t.open[client] = app
	t.done.Add(1)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, client)
		t.done.Done()
	}
}

// close ends all tunnels and waits for them.
func (t *tunnels) close() {
	t.mu.Lock()
	for client, app := range t.open {
		client.Close()
		app.Close()
	}
	t.mu.Unlock()
	t.done.Wait()
}
