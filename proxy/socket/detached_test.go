package socket_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"sandwich/proxy/socket"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// away is a connection that was detached, and its client.
func away(t *testing.T, change func(*socket.Conn)) (*socket.Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	t.Cleanup(func() { client.Close() })
	accepted, err := l.Accept()
	must(t, err)
	c, _ := socket.New(accepted)
	change(c)
	d, err := c.Detach()
	must(t, err)
	must(t, c.Close())
	back := d.Attach()
	t.Cleanup(func() { back.Close() })
	return back, client
}

func asItCame(*socket.Conn) {}

func TestADetachedConnectionIsWhatItWas(t *testing.T) {
	c, client := away(t, asItCame)
	if c.RemoteAddr().String() != client.LocalAddr().String() || c.LocalAddr().String() != client.RemoteAddr().String() {
		t.Errorf("its ends are %s and %s", c.RemoteAddr(), c.LocalAddr())
	}
	for range 2 {
		_, err := io.WriteString(client, "question")
		must(t, err)
		_, err = io.ReadFull(c, make([]byte, len("question")))
		must(t, err)
		_, err = c.WriteTwo([]byte("ans"), []byte("wer"))
		must(t, err)
		_, err = io.ReadFull(client, make([]byte, len("answer")))
		must(t, err)
	}
	c.SetReadDeadline(time.Unix(1, 0))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read after its deadline: %v", err)
	}
	if c.Gone(false) {
		t.Error("the client has left")
	}
}

func TestADetachedConnectionKeepsWhatWasSaidOfItsEnds(t *testing.T) {
	remote, local := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 443}
	c, _ := away(t, func(c *socket.Conn) { c.Introduce(remote, local) })
	if c.RemoteAddr() != remote || c.LocalAddr() != local {
		t.Errorf("its ends are %s and %s", c.RemoteAddr(), c.LocalAddr())
	}
}

func TestADetachedConnectionEndsAsATCPConnectionDoes(t *testing.T) {
	c, client := away(t, asItCame)
	must(t, c.CloseWrite())
	if n, err := client.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("half an end is read as %d, %v", n, err)
	}
	_, err := io.WriteString(client, "x")
	must(t, err)
	_, err = io.ReadFull(c, make([]byte, 1))
	must(t, err)

	c, client = away(t, asItCame)
	c.Reset()
	must(t, c.Close())
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("a reset is read as %v", err)
	}
}
