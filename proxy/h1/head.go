package h1

import (
	"bytes"

	"sandwich/proxy/wire"
)

// The limits of gunicorn's defaults, where it has them: limit_request_fields, and
// limit_request_field_size, which counts the CR LF, too. A request line may be longer than its
// limit_request_line: an absolute-form is not what gunicorn will get.
const (
	maxLine      = 8188
	maxFieldLine = 8188
	maxFields    = 100
	maxHead      = 64 << 10
)

// span is a part of the header's bytes, by offsets.
type span struct{ begin, end int }

// field is a header field as it was sent: its name, and its value without the white space around it.
type field struct{ name, value span }

// head is the header of a request while it comes in. Offsets count from its first byte.
type head struct {
	method, target span
	minor          int // of the version: 0 or 1
	fields         [maxFields]field
	count          int // of fields

	line    int  // where the line begins that is not complete
	scanned int  // up to where there is no end of that line
	begun   bool // the request line was read
	skipped bool // an empty line before it was
}

// reset leaves the fields: count says which of them count.
func (h *head) reset() {
	h.method, h.target, h.minor, h.count = span{}, span{}, 0, 0
	h.line, h.scanned, h.begun, h.skipped = 0, 0, false, false
}

// parse goes on with p, which is all that has come of the request so far, and what came after it.
// It is true when the header is complete; line is where the body begins then.
func (h *head) parse(p []byte) (done bool, refusal *Refusal) {
	for {
		i := bytes.IndexByte(p[h.scanned:], '\n')
		if i < 0 {
			h.scanned = len(p)
			return false, h.judgePart(p[h.line:])
		}
		end := h.scanned + i
		if end == h.line || p[end-1] != '\r' {
			return false, errLineEnd
		}
		if done, refusal = h.takeLine(p, end-1); done || refusal != nil {
			return done, refusal
		}
	}
}

// judgePart refuses what cannot become a line.
func (h *head) judgePart(part []byte) *Refusal {
	switch {
	case h.line+len(part) > maxHead:
		return errHeadTooLarge
	case h.begun && len(part) > maxFieldLine+1: // its CR
		return errFieldTooLarge
	case !h.begun && len(part) > maxLine+1:
		return errLineTooLong
	case !h.begun && len(part) > 0 && part[0] != '\r' && (part[0] < 'A' || part[0] > 'Z'):
		return errNoHTTP // a TLS handshake on the plain port has no line at all
	}
	return nil
}

// takeLine takes the line that ends before end, where CR LF is.
func (h *head) takeLine(p []byte, end int) (done bool, refusal *Refusal) {
	begin := h.line
	h.line, h.scanned = end+2, end+2
	switch {
	case h.line > maxHead:
		return false, errHeadTooLarge
	case h.begun && begin == end:
		return true, nil
	case h.begun:
		return false, h.takeField(p, span{begin, end})
	case begin == end && !h.skipped: // RFC 9112 2.2
		h.skipped = true
		return false, nil
	}
	h.begun = true
	return false, h.takeRequestLine(p, span{begin, end})
}

// takeRequestLine splits METHOD SP TARGET SP VERSION (RFC 9112 3).
func (h *head) takeRequestLine(p []byte, s span) *Refusal {
	line := p[s.begin:s.end]
	if len(line) > maxLine {
		return errLineTooLong
	}
	first, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if first <= 0 || first == last {
		return errRequestLine
	}
	h.method = span{s.begin, s.begin + first}
	h.target = span{s.begin + first + 1, s.begin + last}
	if !isMethod(line[:first]) {
		return errMethod
	}
	if refusal := h.takeVersion(line[last+1:]); refusal != nil {
		return refusal
	}
	return judgeTarget(line[first+1 : last])
}

// isMethod accepts what gunicorn does: capital letters, digits, '-' and '_', 3 to 20 of them.
func isMethod(m []byte) bool {
	for _, c := range m {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return len(m) >= 3 && len(m) <= 20
}

func (h *head) takeVersion(v []byte) *Refusal {
	switch string(v) {
	case "HTTP/1.1":
		h.minor = 1
		return nil
	case "HTTP/1.0":
		return nil
	}
	if len(v) == len("HTTP/1.1") && bytes.HasPrefix(v, []byte("HTTP/")) && wire.IsDigit(v[5]) && v[6] == '.' && wire.IsDigit(v[7]) {
		return errVersion
	}
	return errRequestLine
}

// judgeTarget refuses bytes that end a target or make two of it. Bytes above 0x7f are no URI
// either, but people type them, and everyone takes them for what they are.
func judgeTarget(target []byte) *Refusal {
	if len(target) == 0 {
		return errRequestLine
	}
	for _, c := range target {
		if c <= ' ' || c == 0x7f || c == '#' {
			return errTarget
		}
	}
	return nil
}

// takeField splits NAME ":" OWS VALUE OWS (RFC 9112 5).
func (h *head) takeField(p []byte, s span) *Refusal {
	line := p[s.begin:s.end]
	switch {
	case line[0] == ' ' || line[0] == '\t':
		return errFolded
	case len(line) > maxFieldLine:
		return errFieldTooLarge
	case h.count == maxFields:
		return errTooManyFields
	}
	name, value, nameOK, valueOK := wire.SplitField(line)
	if !nameOK {
		return errName
	}
	if !valueOK {
		return errValue
	}
	h.fields[h.count] = field{span{s.begin, s.begin + name.End}, span{s.begin + value.Begin, s.begin + value.End}}
	h.count++
	return nil
}
