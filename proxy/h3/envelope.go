package h3

import (
	"net"
	"net/netip"
)

// envelope is a packet on its way from the process that has read it to the one that it is for.
type envelope struct {
	from    *net.UDPAddr
	control []byte // what the kernel says about it: the address that it came to, ECN
	packet  []byte
}

// The first bytes of what processes tell each other.
const (
	saysHello  = 'h' // and its tag: it reads the socket from now on
	saysPacket = 'p' // and an envelope
)

func (e envelope) encode() []byte {
	from, err := e.from.AddrPort().MarshalBinary()
	if err != nil || len(from) > 255 || len(e.control) > 255 {
		return nil
	}
	data := make([]byte, 0, 3+len(from)+len(e.control)+len(e.packet))
	data = append(data, saysPacket, byte(len(from)))
	data = append(data, from...)
	data = append(data, byte(len(e.control)))
	data = append(data, e.control...)
	return append(data, e.packet...)
}

// openEnvelope reads what encode has made. It keeps nothing of data.
func openEnvelope(data []byte) (e envelope, ok bool) {
	from, data, ok := cutCounted(data)
	if !ok {
		return e, false
	}
	var address netip.AddrPort
	if address.UnmarshalBinary(from) != nil || !address.IsValid() {
		return e, false
	}
	control, packet, ok := cutCounted(data)
	if !ok || len(packet) == 0 {
		return e, false
	}
	whole := append(append([]byte(nil), control...), packet...)
	return envelope{net.UDPAddrFromAddrPort(address), whole[:len(control)], whole[len(control):]}, true
}

// cutCounted takes a byte string off that has its length before it.
func cutCounted(data []byte) (value, rest []byte, ok bool) {
	if len(data) == 0 || len(data)-1 < int(data[0]) {
		return nil, nil, false
	}
	end := 1 + int(data[0])
	return data[1:end], data[end:], true
}
