package load

import (
	"encoding/binary"
	"fmt"
	"io"
)

// The opcodes of RFC 6455 5.2 that are used here.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// closedError is a closing message of the server.
type closedError struct{ code int }

func (e *closedError) Error() string { return fmt.Sprintf("close %d", e.code) }

// echo reads until the text comes back. Pings of the server are answered.
func (c *conn) echo(text string) error {
	for {
		op, content, err := c.receive()
		if err != nil {
			return err
		}
		switch {
		case op == opPing:
			_ = c.send(opPong, content)
		case op == opClose:
			_ = c.send(opClose, content)
			return closing(content)
		case op == opText && string(content) != text:
			return fmt.Errorf("%q in the place of an echo", content)
		case op == opText:
			return nil
		}
	}
}

func closing(content []byte) error {
	if len(content) < 2 {
		return &closedError{1005} // RFC 6455 7.1.5: no code was given
	}
	return &closedError{int(binary.BigEndian.Uint16(content))}
}

// send writes one short frame. A mask of zeros is a mask.
func (c *conn) send(op byte, content []byte) error {
	const final, masked = 0x80, 0x80
	frame := append([]byte{final | op, masked | byte(len(content)), 0, 0, 0, 0}, content...)
	_, err := c.Write(frame)
	return err
}

// receive reads one frame that is not fragmented.
func (c *conn) receive() (op byte, content []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(c.reader, head[:]); err != nil {
		return 0, nil, err
	}
	length := uint64(head[1] & 0x7f)
	switch length {
	case 126:
		var long uint16
		err = binary.Read(c.reader, binary.BigEndian, &long)
		length = uint64(long)
	case 127:
		err = fmt.Errorf("a frame of more than 64 kB")
	}
	if err != nil {
		return 0, nil, err
	}
	content = make([]byte, length)
	_, err = io.ReadFull(c.reader, content)
	return head[0] & 0x0f, content, err
}
