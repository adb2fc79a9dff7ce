package load

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// client writes each request itself: http.Transport silently repeats one whose kept connection
// was closed, and that is a failure to be counted here.
type client struct {
	load    Load
	address string
	request []byte
	method  string

	mu   sync.Mutex
	idle []*conn
}

type conn struct {
	net.Conn
	reader *bufio.Reader
}

// answer is what came back.
type answer struct {
	status int
	body   string // its first bytes
}

func newClient(l Load, target *url.URL) *client {
	c := &client{load: l, address: target.Host, method: http.MethodGet}
	if target.Port() == "" {
		c.address = net.JoinHostPort(target.Hostname(), "80")
	}
	if l.Post > 0 {
		c.method = http.MethodPost
	}
	c.request = c.compose(target)
	return c
}

func (c *client) compose(target *url.URL) []byte {
	host := c.load.Host
	if host == "" {
		host = target.Host
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: loadgen\r\n", c.method, target.RequestURI(), host)
	if !c.load.KeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	if c.load.Post > 0 {
		fmt.Fprintf(&b, "Content-Type: application/octet-stream\r\nContent-Length: %d\r\n", c.load.Post)
	}
	b.WriteString("\r\n")
	b.Write(bytes.Repeat([]byte("x"), c.load.Post))
	return b.Bytes()
}

// ask sends one request, once.
func (c *client) ask() (answer, error) {
	deadline := time.Now().Add(c.load.Timeout)
	connection, err := c.connect(deadline)
	if err != nil {
		return answer{}, fmt.Errorf("connect: %w", err)
	}
	a, reusable, err := c.exchange(connection, deadline)
	if reusable && c.load.KeepAlive {
		c.put(connection)
	} else {
		connection.Close()
	}
	return a, err
}

func (c *client) exchange(connection *conn, deadline time.Time) (a answer, reusable bool, err error) {
	connection.SetDeadline(deadline)
	// A server may answer before it has read the whole body, so a failed write is not the last word.
	_, writeErr := connection.Write(c.request)
	response, err := http.ReadResponse(connection.reader, &http.Request{Method: c.method})
	if err != nil {
		if writeErr != nil {
			err = writeErr
		}
		return answer{}, false, fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	head, err := io.ReadAll(io.LimitReader(response.Body, 256))
	if err == nil {
		_, err = io.Copy(io.Discard, response.Body)
	}
	a = answer{status: response.StatusCode, body: string(head)}
	if err != nil {
		return a, false, fmt.Errorf("cut answer: %w", err)
	}
	return a, writeErr == nil && !response.Close, nil
}

func (c *client) connect(deadline time.Time) (*conn, error) {
	if kept := c.get(); kept != nil {
		return kept, nil
	}
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	fresh, err := c.load.Dial(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: fresh, reader: bufio.NewReader(fresh)}, nil
}

func (c *client) get() *conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.idle) == 0 {
		return nil
	}
	last := c.idle[len(c.idle)-1]
	c.idle = c.idle[:len(c.idle)-1]
	return last
}

func (c *client) put(kept *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idle = append(c.idle, kept)
}

func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kept := range c.idle {
		kept.Close()
	}
}
