package h3

import (
	"crypto/rand"

	"github.com/quic-go/quic-go"
)

// tag marks the connection IDs of one process, so that packets of its connections are known from
// those of another (RFC 9000 5.1). It says nothing about a client.
type tag [4]byte

// idLength is of all connection IDs here: a tag, and what tells connections of a process apart.
const idLength = 12

func newTag() (t tag) {
	rand.Read(t[:])
	return t
}

// GenerateConnectionID is for quic-go.
func (t tag) GenerateConnectionID() (quic.ConnectionID, error) {
	id := make([]byte, idLength)
	copy(id, t[:])
	if _, err := rand.Read(id[len(t):]); err != nil {
		return quic.ConnectionID{}, err
	}
	return quic.ConnectionIDFromBytes(id), nil
}

// ConnectionIDLen is for quic-go.
func (tag) ConnectionIDLen() int { return idLength }

// tagOf is whose connection a packet may belong to (RFC 8999 5): a client that begins one may have
// made up the same.
func tagOf(packet []byte) (t tag, ok bool) {
	at := 1
	if isLong(packet) {
		if len(packet) < 6 || packet[5] != idLength {
			return t, false
		}
		at = 6
	}
	if len(packet) < at+idLength {
		return t, false
	}
	copy(t[:], packet[at:])
	return t, true
}

// isLong says whether a packet has a long header, as those have that begin a connection.
func isLong(packet []byte) bool { return len(packet) > 0 && packet[0]&0x80 != 0 }

// firstOf is the connection ID that a client may have made up for the first packets it sends.
func firstOf(packet []byte) (id quic.ConnectionID, ok bool) {
	const at, longest = 6, 20 // RFC 9000 17.2
	if !isLong(packet) || len(packet) < at || packet[at-1] > longest || len(packet) < at+int(packet[at-1]) {
		return id, false
	}
	return quic.ConnectionIDFromBytes(packet[at : at+int(packet[at-1])]), true
}

// recent has the latest of them: maxRecent, and up to as many more.
type recent struct {
	young, old map[quic.ConnectionID]struct{}
}

const maxRecent = 1024

func (r *recent) add(id quic.ConnectionID) {
	if r.young == nil || len(r.young) == maxRecent {
		r.young, r.old = map[quic.ConnectionID]struct{}{}, r.young
	}
	r.young[id] = struct{}{}
}

func (r *recent) has(id quic.ConnectionID) bool {
	_, young := r.young[id]
	_, old := r.old[id]
	return young || old
}
