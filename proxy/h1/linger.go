package h1

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// The times nginx has for a client that still sends what nobody wants: lingering_time and
// lingering_timeout.
const (
	lingerTime  = 30 * time.Second
	lingerPause = 5 * time.Second
)

// lingeringClose ends our half and reads on for a while: closing at once would reset the
// connection, and the client would lose the answer that it has not read yet.
func (c *conn) lingeringClose() {
	var below net.Conn = c.nc
	if c.socket != nil {
		below = c.socket
	}
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok && below != c.nc {
		half.CloseWrite() // says goodbye in TLS
	}
	half, ok := below.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	end := time.Now().Add(lingerTime)
	for time.Now().Before(end) && !c.s.draining.Load() {
		below.SetReadDeadline(time.Now().Add(lingerPause))
		if _, err := io.CopyN(io.Discard, below, 64<<10); err != nil {
			return
		}
	}
}

// refuse answers what is no request, and has the connection end.
func (c *conn) refuse(why *Refusal) {
	c.linger = why != errHeadTooSlow // or it would be slow for half a minute more
	if c.s.conf.Refused != nil {
		c.s.conf.Refused(why)
	}
	text := strconv.Itoa(why.Status) + " " + http.StatusText(why.Status)
	page := text + "\n" + why.Reason + "\n"
	b := make([]byte, 0, 512)
	b = append(b, "HTTP/1.1 "...)
	b = append(b, text...)
	b = append(b, "\r\nDate: "...)
	b = appendDate(b)
	b = append(b, "\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(page)), 10)
	b = append(b, "\r\n\r\n"...)
	c.write(append(b, page...), nil)
}
