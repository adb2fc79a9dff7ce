package h2

import "encoding/binary"

// frameType is a type of frame, RFC 9113 6.
type frameType byte

const (
	frameData frameType = iota
	frameHeaders
	framePriority
	frameReset
	frameSettings
	framePushPromise
	framePing
	frameGoAway
	frameWindowUpdate
	frameContinuation
)

const (
	flagAck        byte = 0x1 // SETTINGS, PING
	flagEndStream  byte = 0x1 // DATA, HEADERS
	flagEndHeaders byte = 0x4
	flagPadded     byte = 0x8
	flagPriority   byte = 0x20
)

const (
	frameHeadSize = 9
	maxFrame      = 16 << 10 // SETTINGS_MAX_FRAME_SIZE as it begins; neither side has use for more
	maxWindow     = 1<<31 - 1
)

// Settings, RFC 9113 6.5.2 and RFC 8441 3.
const (
	settingHeaderTableSize      = 1
	settingEnablePush           = 2
	settingMaxConcurrentStreams = 3
	settingInitialWindowSize    = 4
	settingMaxFrameSize         = 5
	settingMaxHeaderListSize    = 6
	settingEnableConnect        = 8
	settingNoPriorities         = 9 // RFC 9218 2.1
)

// frameHead is the head of a frame.
type frameHead struct {
	length int
	kind   frameType
	flags  byte
	stream uint32
}

func (h frameHead) has(flag byte) bool { return h.flags&flag != 0 }

// parseHead reads the first nine bytes of a frame.
func parseHead(p []byte) frameHead {
	return frameHead{
		length: int(p[0])<<16 | int(p[1])<<8 | int(p[2]),
		kind:   frameType(p[3]),
		flags:  p[4],
		stream: binary.BigEndian.Uint32(p[5:]) & maxWindow,
	}
}

func appendHead(b []byte, length int, kind frameType, flags byte, stream uint32) []byte {
	return append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), flags,
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

func appendData(b []byte, stream uint32, p []byte, end bool) []byte {
	var flags byte
	if end {
		flags = flagEndStream
	}
	return append(appendHead(b, len(p), frameData, flags, stream), p...)
}

// appendHeaders writes a header block as HEADERS and as many CONTINUATION frames as it needs.
func appendHeaders(b []byte, stream uint32, block []byte, end bool) []byte {
	kind, flags := frameHeaders, byte(0)
	if end {
		flags = flagEndStream
	}
	for len(block) > maxFrame {
		b = append(appendHead(b, maxFrame, kind, flags, stream), block[:maxFrame]...)
		block, kind, flags = block[maxFrame:], frameContinuation, 0
	}
	return append(appendHead(b, len(block), kind, flags|flagEndHeaders, stream), block...)
}

func appendReset(b []byte, stream uint32, code ErrCode) []byte {
	b = appendHead(b, 4, frameReset, 0, stream)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendWindowUpdate(b []byte, stream uint32, n int) []byte {
	b = appendHead(b, 4, frameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(b, uint32(n))
}

func appendGoAway(b []byte, last uint32, code ErrCode) []byte {
	b = appendHead(b, 8, frameGoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return binary.BigEndian.AppendUint32(b, uint32(code))
}

func appendPing(b []byte, flags byte, data []byte) []byte {
	return append(appendHead(b, 8, framePing, flags, 0), data[:8]...)
}

type setting struct {
	id    uint16
	value uint32
}

func appendSettings(b []byte, list ...setting) []byte {
	b = appendHead(b, 6*len(list), frameSettings, 0, 0)
	for _, s := range list {
		b = binary.BigEndian.AppendUint16(b, s.id)
		b = binary.BigEndian.AppendUint32(b, s.value)
	}
	return b
}
