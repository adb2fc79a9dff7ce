package proxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"testing"
)

// frame is one WebSocket frame, without a mask as servers send it.
func frame(size int) []byte {
	b := []byte{0x82}
	switch {
	case size < 126:
		b = append(b, byte(size))
	case size < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(size))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 127), uint64(size))
	}
	return append(b, bytes.Repeat([]byte{0x81}, size)...)
}

func TestFramesEndWhereTheyEnd(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 127, 1<<16 - 1, 1 << 16} {
		for _, masked := range []bool{false, true} {
			one := frame(size)
			if masked {
				one[1] |= 0x80
				one = append(one, 1, 2, 3, 4)
			}
			stream := append(bytes.Clone(one), one...)
			for _, step := range []int{1, 3, len(one), len(stream)} {
				var f frames
				for at := 0; at < len(stream); at += step {
					end := min(at+step, len(stream))
					f.read(stream[at:end])
					if got, want := f.between(), end%len(one) == 0; got != want {
						t.Fatalf("size %d, %d bytes a time: after %d bytes between is %v", size, step, end, got)
					}
				}
			}
			var f frames
			if n := f.readOne(stream); n != len(one) {
				t.Errorf("size %d: the first of two frames has %d bytes, want %d", size, n, len(one))
			}
		}
	}
}

func TestACloseFrameComesBetweenFrames(t *testing.T) {
	client, ours := net.Pipe()
	app, theirs := net.Pipe()
	defer app.Close()
	one := &tunnel{client: ours, app: theirs}
	var got bytes.Buffer
	done := make(chan struct{})
	go func() { io.Copy(&got, client); close(done) }()
	one.toClient([]byte("\x82\x04ha"))
	one.tell(closeServiceRestart)
	one.tell(closeGoingAway) // the first word counts
	one.toClient([]byte("l"))
	one.toClient([]byte("f\x81\x01x"))
	one.toClient([]byte("\x81\x01y"))
	ours.Close()
	<-done
	if want := "\x82\x04half\x88\x02\x03\xf4"; got.String() != want {
		t.Errorf("the client got %q, want %q", &got, want)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add([]byte{0x81, 2, 'o', 'k', 0x82, 126, 0, 1, 0}, uint8(3))
	f.Add([]byte{0x81, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0, 1}, uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, step uint8) {
		var whole, parts frames
		whole.read(stream)
		for rest := stream; len(rest) > 0; {
			n := min(int(step)+1, len(rest))
			parts.read(rest[:n])
			rest = rest[n:]
		}
		if whole != parts {
			t.Errorf("in parts of %d: %+v, at once: %+v", int(step)+1, parts, whole)
		}
	})
}
