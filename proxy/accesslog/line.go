package accesslog

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// Line is one request, as it is logged when it has ended. It is a plain value.
type Line struct {
	Time    time.Time // when the request ended
	Project string
	ID      string // the request's id

	Client    string // its address
	User      string // who basic authentication says it is; "": nobody
	Host      string
	Method    string
	URI       string // as the client sent it
	Proto     string
	Referer   string
	UserAgent string

	Status   int
	Sent     int64 // bytes of the answer's body
	Received int64 // bytes of the request's body

	Duration time.Duration // from the request's head to the end of the answer
	Wait     time.Duration // of it, for the client to send the body
	Queue    time.Duration // of it, for the application to be there: at the gate or for its listener
	Run      time.Duration // of it, with the application at work, its own queue included
}

// The most bytes of one value that are logged. What is cut ends in "...".
const (
	maxTarget = 8 << 10
	maxField  = 1 << 10
)

// combinedTime is how the combined log format of Apache and nginx writes a time.
const combinedTime = "02/Jan/2006:15:04:05 -0700"

// appendCombined appends the line in the combined log format, followed by what it has no place for.
func (l *Line) appendCombined(b []byte) []byte {
	b = appendBare(b, l.Client)
	b = append(b, " - "...)
	b = appendBare(b, l.User)
	b = append(b, " ["...)
	b = l.Time.AppendFormat(b, combinedTime)
	b = append(b, `] "`...)
	b = appendEscaped(b, l.Method, maxField)
	b = append(b, ' ')
	b = appendEscaped(b, l.URI, maxTarget)
	b = append(b, ' ')
	b = appendEscaped(b, l.Proto, maxField)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(l.Status), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, l.Sent, 10)
	b = append(b, ` "`...)
	b = appendOrDash(b, l.Referer)
	b = append(b, `" "`...)
	b = appendOrDash(b, l.UserAgent)
	b = append(b, `" host=`...)
	b = appendBare(b, l.Host)
	b = append(b, " id="...)
	b = appendBare(b, l.ID)
	b = append(b, " at="...)
	b = appendSeconds(b, time.Duration(l.Time.UnixMilli())*time.Millisecond)
	b = append(b, " received="...)
	b = strconv.AppendInt(b, l.Received, 10)
	b = append(b, " duration="...)
	b = appendSeconds(b, l.Duration)
	b = append(b, " wait="...)
	b = appendSeconds(b, l.Wait)
	b = append(b, " queue="...)
	b = appendSeconds(b, l.Queue)
	b = append(b, " run="...)
	b = appendSeconds(b, l.Run)
	return append(b, '\n')
}

// appendJSON appends the line as one JSON object.
func (l *Line) appendJSON(b []byte) []byte {
	b = append(b, `{"time":"`...)
	b = l.Time.AppendFormat(b, "2006-01-02T15:04:05.000Z07:00")
	b = append(b, '"')
	b = member(b, "project", l.Project, maxField)
	b = member(b, "request_id", l.ID, maxField)
	b = member(b, "client", l.Client, maxField)
	b = member(b, "user", l.User, maxField)
	b = member(b, "host", l.Host, maxField)
	b = member(b, "method", l.Method, maxField)
	b = member(b, "uri", l.URI, maxTarget)
	b = member(b, "proto", l.Proto, maxField)
	b = member(b, "referer", l.Referer, maxField)
	b = member(b, "user_agent", l.UserAgent, maxField)
	b = strconv.AppendInt(append(b, `,"status":`...), int64(l.Status), 10)
	b = strconv.AppendInt(append(b, `,"bytes_sent":`...), l.Sent, 10)
	b = strconv.AppendInt(append(b, `,"bytes_received":`...), l.Received, 10)
	b = appendSeconds(append(b, `,"duration":`...), l.Duration)
	b = appendSeconds(append(b, `,"wait":`...), l.Wait)
	b = appendSeconds(append(b, `,"queue":`...), l.Queue)
	b = appendSeconds(append(b, `,"run":`...), l.Run)
	return append(b, "}\n"...)
}

// summary is the message of a line in the journal; the rest is in fields.
func (l *Line) summary() string {
	b := appendBare(nil, l.Client)
	b = append(b, ` "`...)
	b = appendEscaped(b, l.Method, maxField)
	b = append(b, ' ')
	b = appendEscaped(b, l.URI, maxTarget)
	b = append(b, `" `...)
	b = strconv.AppendInt(b, int64(l.Status), 10)
	b = append(b, ' ')
	b = appendSeconds(b, l.Duration)
	return string(append(b, 's'))
}

func member(b []byte, name, value string, limit int) []byte {
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, `":"`...)
	value, cut := shorten(value, limit)
	b = appendText(b, value)
	if cut {
		b = append(b, "..."...)
	}
	return append(b, '"')
}

// appendSeconds writes a time with milliseconds: 1.042.
func appendSeconds(b []byte, d time.Duration) []byte {
	ms := max(d.Milliseconds(), 0)
	b = strconv.AppendInt(b, ms/1000, 10)
	return append(b, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}

func shorten(s string, limit int) (short string, cut bool) {
	if len(s) <= limit {
		return s, false
	}
	return s[:limit], true
}

func appendOrDash(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	return appendEscaped(b, s, maxField)
}

const hexDigits = "0123456789abcdef"

// appendEscaped is a value within quotes. What could end the quotes or the line, or move a
// terminal's cursor, becomes \xHH, as nginx and Apache write it.
func appendEscaped(b []byte, s string, limit int) []byte {
	s, cut := shorten(s, limit)
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		b = append(b, c)
	}
	if cut {
		b = append(b, "..."...)
	}
	return b
}

// appendBare is a value without quotes: a space would end it.
func appendBare(b []byte, s string) []byte {
	if s == "" {
		return append(b, '-')
	}
	s, _ = shorten(s, maxField)
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			b = append(b, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
			continue
		}
		b = append(b, c)
	}
	return b
}

// appendText is the inside of a JSON string (RFC 8259 7). Bytes that are no UTF-8 become U+FFFD;
// what is no visible character but would act on a terminal is written as an escape.
func appendText(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			b = appendASCII(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(b, `\ufffd`...)
		case r < 0xa0 || r == 0x2028 || r == 0x2029:
			b = append(b, '\\', 'u', hexDigits[r>>12&15], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		default:
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}

func appendASCII(b []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(b, '\\', c)
	case c < ' ' || c == 0x7f:
		return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(b, c)
}
