package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/pires/go-proxyproto"

	"sandwich/proxy/socket"
)

// introduced lets a trusted proxy say who its client is, if it is to do that with the PROXY
// protocol, and is false when it does not. Everyone else speaks HTTP from the first byte.
func (s *Server) introduced(c *socket.Conn) bool {
	if !s.settings.Load().ProxyProtocol || !s.current.Load().trust.Trusts(c.RemoteAddr()) {
		return true
	}
	c.SetReadDeadline(time.Now().Add(headerTime))
	header, err := readIntroduction(c)
	if err == io.EOF { // it looked whether somebody listens
		return false
	}
	if err != nil {
		s.log.Warn(fmt.Sprintf("trusted proxy %s did not begin with a PROXY protocol header: %v", c.RemoteAddr(), err))
		return false
	}
	c.SetReadDeadline(time.Time{})
	if client, our, ok := header.TCPAddrs(); ok && header.Command.IsProxy() {
		c.Introduce(client, our)
	}
	return true
}

// The sizes of PROXY protocol headers: a version 1 line is from 15 bytes ("PROXY UNKNOWN") to 107,
// version 2 says how many follow its first 16.
const (
	leastIntroduction = 15
	mostOfVersion1    = 107
	headOfVersion2    = 16
	mostOfVersion2    = 4 << 10 // addresses are 216 at most; certificates' names may follow
)

var errIntroduction = errors.New("header is too long")

// readIntroduction reads the header and not a byte more: what follows is somebody else's.
func readIntroduction(c io.Reader) (*proxyproto.Header, error) {
	b := make([]byte, leastIntroduction, 256)
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	b, err := readRest(c, b)
	if err != nil {
		return nil, err
	}
	return proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
}

func readRest(c io.Reader, b []byte) ([]byte, error) {
	if bytes.HasPrefix(b, proxyproto.SIGV2) {
		b, err := readMore(c, b, headOfVersion2-len(b))
		if err != nil {
			return b, err
		}
		size := int(b[14])<<8 | int(b[15])
		if size > mostOfVersion2 {
			return b, errIntroduction
		}
		return readMore(c, b, size)
	}
	for b[len(b)-1] != '\n' {
		if len(b) == mostOfVersion1 || !bytes.HasPrefix(b, proxyproto.SIGV1) {
			return b, errIntroduction
		}
		var err error
		if b, err = readMore(c, b, 1); err != nil {
			return b, err
		}
	}
	return b, nil
}

func readMore(c io.Reader, b []byte, n int) ([]byte, error) {
	begin := len(b)
	b = append(b, make([]byte, n)...)
	_, err := io.ReadFull(c, b[begin:])
	return b, err
}
