package load

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// sockets serves WebSockets that echo some messages and then end as told.
func sockets(t *testing.T, echoes int, end func(*bufio.ReadWriter)) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, buffered, _ := http.NewResponseController(w).Hijack()
		defer raw.Close()
		fmt.Fprint(buffered, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		buffered.Flush()
		c := &conn{Conn: raw, reader: buffered.Reader}
		for range echoes {
			var key [6]byte
			if _, err := buffered.Read(key[:]); err != nil {
				return
			}
			text := make([]byte, key[1]&0x7f)
			buffered.Read(text)
			c.Write(append([]byte{0x80 | key[0]&0x0f, byte(len(text))}, text...))
		}
		end(buffered)
		buffered.Flush()
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestASocketIsHeldAndOpenedAgain(t *testing.T) {
	for name, one := range map[string]struct {
		end func(*bufio.ReadWriter)
		how string
		cut bool
	}{
		"told":      {func(b *bufio.ReadWriter) { b.Write([]byte{0x88, 2, 1012 >> 8, 1012 & 0xff}) }, "close 1012", false},
		"no reason": {func(b *bufio.ReadWriter) { b.Write([]byte{0x88, 0}) }, "close 1005", false},
		"cut":       {func(*bufio.ReadWriter) {}, "cut: closed", true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, stop := context.WithTimeout(context.Background(), time.Second/2)
			defer stop()
			report, err := Sockets{URL: sockets(t, 3, one.end), Count: 2, Every: time.Millisecond}.Run(ctx)
			if err != nil {
				t.Fatal(err)
			}
			ends := len(report.Ended)
			if one.cut && report.Ended["cut: reset"] > 0 {
				ends-- // a ping that was on its way when the socket was closed
			}
			if report.Ended[one.how] < 2 || ends != 1 || report.Opened < 4 || report.Echoed < 12 || (report.Cut() > 0) != one.cut {
				t.Error(report)
			}
		})
	}
}

func TestASocketThatIsRefusedIsCounted(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, stop := context.WithTimeout(context.Background(), time.Second/10)
	defer stop()
	report, err := Sockets{URL: server.URL, Count: 1, Every: 10 * time.Millisecond}.Run(ctx)
	if err != nil || report.Opened != 0 || report.Refused["status 404"] == 0 {
		t.Error(report, err)
	}
}
