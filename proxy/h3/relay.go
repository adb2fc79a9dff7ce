package h3

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/quic-go/quic-go"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// relay lets processes share a UDP socket, so that one can finish its requests while the next one
// serves. The youngest reads the socket, and hands the packets of others' connections to them: each
// has an inbox, a socket in a common directory. It is a connection as quic-go reads one.
type relay struct {
	*net.UDPConn // what is written goes there at once
	socket       *ipv4.PacketConn
	tag          tag
	path         string
	inbox        *net.UnixConn
	reading      chan struct{} // closed when the inbox is read no more

	came   chan envelope // what others have read
	handed chan struct{} // closed when another process reads the socket
	ended  chan struct{} // closed when nobody wants packets any more
	end    func()

	mu        sync.Mutex
	others    map[tag]string // where their inboxes are
	successor string         // the inbox of who reads the socket, "" while we do
	draining  bool           // new connections are the next process's
	recent    recent         // what has begun here before that
	early     []envelope     // packets for it, until it is there
}

var _ quic.OOBCapablePacketConn = &relay{}

const (
	maxCame  = 1024
	maxEarly = 256
)

// newRelay opens an inbox in dir, which is made when it is not there. Without a directory there are no
// others.
func newRelay(conn *net.UDPConn, dir string) (*relay, error) {
	r := &relay{
		UDPConn: conn, socket: ipv4.NewPacketConn(conn), tag: newTag(), others: map[tag]string{},
		came: make(chan envelope, maxCame), handed: make(chan struct{}), ended: make(chan struct{}), reading: make(chan struct{}),
	}
	r.end = sync.OnceFunc(func() { close(r.ended) })
	if dir == "" {
		close(r.reading)
		return r, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot share %s: %w", conn.LocalAddr(), err)
	}
	r.path = filepath.Join(dir, inboxKey(conn.LocalAddr())+hex.EncodeToString(r.tag[:]))
	inbox, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: r.path, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("cannot share %s: %w", conn.LocalAddr(), err)
	}
	r.inbox = inbox
	go r.receive()
	return r, nil
}

// inboxKey begins the names of all inboxes of those who share a socket.
func inboxKey(address net.Addr) string {
	sum := sha256.Sum256([]byte(address.String()))
	return hex.EncodeToString(sum[:4]) + "-"
}

// close gives the inbox up; the socket stays open.
func (r *relay) close() {
	r.end()
	if r.inbox != nil {
		os.Remove(r.path)
		r.inbox.Close()
	}
	<-r.reading
}

// greet tells the processes before this one that it reads the socket from now on. Inboxes that nobody reads
// are those of processes that died.
func (r *relay) greet() {
	if r.inbox == nil {
		return
	}
	prefix := inboxKey(r.LocalAddr())
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(r.path), prefix+"*"))
	for _, path := range paths {
		other, err := hex.DecodeString(strings.TrimPrefix(filepath.Base(path), prefix))
		if path == r.path || err != nil || len(other) != len(tag{}) {
			continue
		}
		if r.send(path, append([]byte{saysHello}, r.tag[:]...)) != nil {
			os.Remove(path)
			continue
		}
		r.mu.Lock()
		r.others[tag(other)] = path
		r.mu.Unlock()
	}
}

// send never waits: packets may be lost.
func (r *relay) send(path string, data []byte) error {
	raw, err := r.inbox.SyscallConn()
	if err != nil {
		return err
	}
	if werr := raw.Write(func(fd uintptr) bool {
		err = unix.Sendto(int(fd), data, unix.MSG_DONTWAIT, &unix.SockaddrUnix{Name: path})
		return true
	}); werr != nil {
		return werr
	}
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	return err
}

// receive reads the inbox.
func (r *relay) receive() {
	defer close(r.reading)
	buffer := make([]byte, 64<<10)
	for {
		n, err := r.inbox.Read(buffer)
		if err != nil {
			return
		}
		switch data := buffer[:n]; {
		case n == 1+len(tag{}) && data[0] == saysHello:
			r.handOver(tag(data[1:]))
		case n > 1 && data[0] == saysPacket:
			if e, ok := openEnvelope(data[1:]); ok {
				r.take(e)
			}
		}
	}
}

// handOver leaves the socket to another process, with what has come for it already.
func (r *relay) handOver(to tag) {
	r.mu.Lock()
	path := filepath.Join(filepath.Dir(r.path), inboxKey(r.LocalAddr())+hex.EncodeToString(to[:]))
	first := r.successor == ""
	r.others[to], r.successor = path, path
	early := r.early
	r.early = nil
	r.mu.Unlock()
	for _, e := range early {
		r.send(path, e.encode())
	}
	if first {
		close(r.handed)
		r.wake()
	}
}

func (r *relay) take(e envelope) {
	select {
	case r.came <- e:
		r.wake()
	default: // too many: it is sent again
	}
}

// wake ends a read of the socket.
func (r *relay) wake() { r.UDPConn.SetReadDeadline(time.Unix(1, 0)) }

// drain has new connections wait for the next process.
func (r *relay) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.draining = true
}

// SetReadDeadline is how quic-go stops reading.
func (r *relay) SetReadDeadline(t time.Time) error {
	if !t.IsZero() {
		r.end()
	}
	return r.UDPConn.SetReadDeadline(t)
}

// ReadBatch is for quic-go.
func (r *relay) ReadBatch(messages []ipv4.Message, flags int) (int, error) {
	for {
		select {
		case e := <-r.came:
			return fill(messages, e), nil
		default:
		}
		select {
		case <-r.handed:
			return r.await(messages)
		case <-r.ended:
			return 0, os.ErrDeadlineExceeded
		default:
		}
		n, err := r.socket.ReadBatch(messages, flags)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			r.UDPConn.SetReadDeadline(time.Time{})
			continue
		}
		if err != nil {
			return n, err
		}
		if n = r.keep(messages[:n]); n > 0 {
			return n, nil
		}
	}
}

// await is the next packet that another process has read.
func (r *relay) await(messages []ipv4.Message) (int, error) {
	select {
	case e := <-r.came:
		return fill(messages, e), nil
	case <-r.ended:
		return 0, os.ErrDeadlineExceeded
	}
}

func fill(messages []ipv4.Message, e envelope) int {
	m := &messages[0]
	m.Addr, m.N, m.NN = e.from, copy(m.Buffers[0], e.packet), copy(m.OOB, e.control)
	return 1
}

// keep hands on what is not for this process. What is moves to the beginning; the buffers stay where
// they are, because quic-go knows each by its place.
func (r *relay) keep(messages []ipv4.Message) (kept int) {
	for i := range messages {
		e, ok := envelopeOf(&messages[i])
		if !ok || r.isAnothers(e) {
			continue
		}
		if kept < i {
			fill(messages[kept:], e)
		}
		kept++
	}
	return kept
}

func envelopeOf(m *ipv4.Message) (e envelope, ok bool) {
	from, ok := m.Addr.(*net.UDPAddr)
	return envelope{from, m.OOB[:m.NN], m.Buffers[0][:m.N]}, ok
}

// isAnothers says whether a packet was for another process, which has got it.
func (r *relay) isAnothers(e envelope) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	whose, marked := tagOf(e.packet)
	if marked && whose == r.tag {
		return false
	}
	if path, ok := r.others[whose]; marked && ok {
		if r.send(path, e.encode()) == nil {
			return true
		}
		delete(r.others, whose) // it has died: its clients are told so
	}
	id, begins := firstOf(e.packet)
	if !begins {
		return false
	}
	if !r.draining {
		r.recent.add(id)
		return false
	}
	r.leave(e)
	return !r.recent.has(id)
}

// leave gives a packet that may begin a connection to the next process, even if one has begun here by
// such a packet: it may have been lost since.
func (r *relay) leave(e envelope) {
	if r.successor != "" {
		r.send(r.successor, e.encode())
		return
	}
	if len(r.early) < maxEarly {
		r.early = append(r.early, envelope{e.from, append([]byte(nil), e.control...), append([]byte(nil), e.packet...)})
	}
}
