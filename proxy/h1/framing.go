package h1

import (
	"net/http"
	"net/textproto"
	"strings"

	"sandwich/proxy/wire"
)

// meaning is what the header says about the request's body and connection, and where it goes.
type meaning struct {
	host      string
	hosts     int
	length    int64 // of the body; 0 without one
	lengths   int
	codings   int
	coding    string
	chunked   bool
	expects   bool // 100-continue
	close     bool // the client wants, or has, no further request
	keepAlive bool
}

// sort puts the fields into a header, and what is meant for us into m. text is the bytes that h
// was parsed from. A name with an underscore is left out: WSGI cannot tell it from one with a dash.
func (h *head) sort(text string, m *meaning) (http.Header, *Refusal) {
	header := make(http.Header, h.count)
	values := make([]string, h.count)
	for i := range h.count {
		f := &h.fields[i]
		name, value := text[f.name.begin:f.name.end], text[f.value.begin:f.value.end]
		if strings.IndexByte(name, '_') >= 0 {
			if isDisguised(name) {
				return nil, errDisguised
			}
			continue
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		if refusal := m.take(name, value); refusal != nil {
			return nil, refusal
		}
		if name == "Host" {
			continue // net/http keeps it in the request itself
		}
		if before, ok := header[name]; ok {
			header[name] = append(before, value)
			continue
		}
		values[i] = value
		header[name] = values[i : i+1 : i+1]
	}
	return header, m.judge(h.minor)
}

// isDisguised says whether somebody may take the name for one that frames the request.
func isDisguised(name string) bool {
	name = strings.ReplaceAll(name, "_", "-")
	return strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "Transfer-Encoding") ||
		strings.EqualFold(name, "Host")
}

func (m *meaning) take(name, value string) *Refusal {
	switch name {
	case "Host":
		m.host = value
		m.hosts++
	case "Content-Length":
		n, ok := wire.Length(value)
		if !ok {
			return errLength
		}
		m.length = n
		m.lengths++
	case "Transfer-Encoding":
		m.codings++
		m.coding = value
	case "Connection":
		m.takeConnection(value)
	case "Expect":
		return m.takeExpectation(value)
	}
	return nil
}

func (m *meaning) takeConnection(value string) {
	for token := range strings.SplitSeq(value, ",") {
		switch token = strings.TrimSpace(token); {
		case strings.EqualFold(token, "close"):
			m.close = true
		case strings.EqualFold(token, "keep-alive"):
			m.keepAlive = true
		}
	}
}

func (m *meaning) takeExpectation(value string) *Refusal {
	switch {
	case strings.EqualFold(value, "100-continue"):
		m.expects = true
	case value != "":
		return errExpectation
	}
	return nil
}

// judge refuses what could be read in two ways (RFC 9112 3.2, 6.1, 6.3).
func (m *meaning) judge(minor int) *Refusal {
	switch {
	case m.hosts > 1:
		return errTwoHosts
	case m.hosts == 0 && minor > 0:
		return errNoHost
	case m.hosts > 0 && !isHost(m.host):
		return errHost
	case m.codings > 0 && m.lengths > 0:
		return errTwoFramings
	case m.lengths > 1:
		return errTwoLengths
	case m.codings > 1:
		return errTwoCodings
	case m.codings > 0 && minor == 0:
		return errCodingInOld
	case m.codings > 0:
		m.chunked = true
		return judgeCoding(m.coding)
	}
	m.close = m.close || minor == 0 && !m.keepAlive
	m.expects = m.expects && minor > 0 && m.length > 0
	return nil
}

// judgeCoding accepts chunked alone. A list that ends with it is understood and not known here.
func judgeCoding(coding string) *Refusal {
	if strings.EqualFold(coding, "chunked") {
		return nil
	}
	list := strings.Split(strings.ToLower(coding), ",")
	for i, name := range list {
		name = strings.Trim(name, " \t")
		if !wire.IsName(name) || (name == "chunked") != (i == len(list)-1) {
			return errCoding
		}
	}
	return errUnknownCoding
}
