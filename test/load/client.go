package load

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// client writes each request itself: http.Transport silently repeats one whose kept connection
// was closed, and that is a failure to be counted here.
type client struct {
	load  Load
	round []*kind
	pool  *pool
}

// answer is what came back.
type answer struct {
	status int
	body   string // its first bytes
}

func newClient(l Load, target *url.URL) *client {
	address := target.Host
	if target.Port() == "" {
		address = net.JoinHostPort(target.Hostname(), "80")
	}
	if len(l.Mix) == 0 {
		l.Mix = []Request{{Post: l.Post}}
	}
	kinds := make([]*kind, len(l.Mix))
	for i, r := range l.Mix {
		kinds[i] = newKind(r, l, target)
	}
	return &client{load: l, round: order(kinds), pool: newPool(l, address)}
}

// once sends the request that was due, one time.
func (c *client) once(number int, due time.Time) outcome {
	k := c.round[number%len(c.round)]
	o := outcome{kind: k, due: due, begun: time.Now()}
	deadline := o.begun.Add(c.load.Timeout)
	connection, err := c.pool.take(deadline)
	o.sent = time.Now()
	if err != nil {
		o.ended, o.err = o.sent, fmt.Errorf("connect: %w", err)
		return o
	}
	o.stale = connection.stale
	var reusable bool
	o.answer, o.id, reusable, o.err = exchange(connection, k, deadline)
	o.ended = time.Now()
	c.pool.give(connection, reusable && c.load.KeepAlive)
	return o
}

func exchange(connection *conn, k *kind, deadline time.Time) (a answer, id string, reusable bool, err error) {
	connection.SetDeadline(deadline)
	message, id := k.message()
	// A server may answer before it has read the whole body, so a failed write is not the last word.
	_, writeErr := connection.Write(message)
	response, err := http.ReadResponse(connection.reader, &http.Request{Method: k.method})
	if err != nil {
		if writeErr != nil {
			err = writeErr
		}
		return answer{}, id, false, fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	a = answer{status: response.StatusCode}
	if a.body, err = readBody(response.Body, k.Whole && response.StatusCode == http.StatusOK); err != nil {
		return a, id, false, fmt.Errorf("cut answer: %w", err)
	}
	return a, id, writeErr == nil && !response.Close, nil
}

// readBody reads all of a body and gives its beginning.
func readBody(body io.Reader, whole bool) (beginning string, err error) {
	all := &digest{sum: sha256.New()}
	head, err := io.ReadAll(io.TeeReader(io.LimitReader(body, 256), all))
	if err == nil {
		_, err = io.Copy(all, body)
	}
	if err == nil && whole {
		err = all.check()
	}
	return string(head), err
}

// digest is the SHA-256 of all that is written to it but the last line, and that line.
type digest struct {
	sum  hash.Hash
	tail []byte
}

// last is the length of a SHA-256 in hexadecimal and its line's end.
const last = 2*sha256.Size + 1

func (d *digest) Write(p []byte) (int, error) {
	d.tail = append(d.tail, p...)
	if spare := len(d.tail) - last; spare > 0 {
		d.sum.Write(d.tail[:spare])
		d.tail = append(d.tail[:0], d.tail[spare:]...)
	}
	return len(p), nil
}

// errIncomplete is an answer that ended as it should, but is not what was to come.
var errIncomplete = errors.New("the end is not the digest of what came before it")

func (d *digest) check() error {
	if fmt.Sprintf("%x\n", d.sum.Sum(nil)) != string(d.tail) {
		return errIncomplete
	}
	return nil
}
