package h2

import "fmt"

// ErrCode says why a stream or a connection ends, RFC 9113 7.
type ErrCode uint32

// The error codes of RFC 9113 7 that are used here.
const (
	NoError          ErrCode = 0x0
	ProtocolError    ErrCode = 0x1
	InternalError    ErrCode = 0x2
	FlowControlError ErrCode = 0x3
	StreamClosed     ErrCode = 0x5
	FrameSizeError   ErrCode = 0x6
	RefusedStream    ErrCode = 0x7
	Cancel           ErrCode = 0x8
	CompressionError ErrCode = 0x9
	EnhanceYourCalm  ErrCode = 0xb
)

// connError ends a connection: RFC 9113 5.4.1.
type connError struct {
	code ErrCode
	why  string
}

func (e *connError) Error() string {
	return fmt.Sprintf("HTTP/2 connection error %#x: %s", uint32(e.code), e.why)
}

// streamError ends one stream: RFC 9113 5.4.2.
type streamError struct {
	stream uint32
	code   ErrCode
	why    string
}

func (e *streamError) Error() string {
	return fmt.Sprintf("HTTP/2 stream error %#x: %s", uint32(e.code), e.why)
}
