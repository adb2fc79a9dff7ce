package tls

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/mholt/acmez/v3"

	"sandwich/proxy/route"
)

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption (RFC 9325 4.2);
// TLS 1.3 has no others.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// newConfig has no certificate of its own, so that a name without one is refused with
// unrecognized_name (RFC 6066 3), as is a client that says no name. The keys of session tickets
// are made anew every day and forgotten after a week, by crypto/tls.
func (k *Keeper) newConfig() *tls.Config {
	tickets := &tls.Config{}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites,
		NextProtos:     []string{"h2", "http/1.1", acmez.ACMETLS1Protocol},
		GetCertificate: k.certificate,
		// A page goes out in one record and one system call, also when the connection is new.
		DynamicRecordSizingDisabled: true,
		WrapSession: func(state tls.ConnectionState, session *tls.SessionState) ([]byte, error) {
			session.Extra = append(session.Extra, []byte(ticketHost+route.NormalHost(state.ServerName)))
			return tickets.EncryptTicket(state, session)
		},
		UnwrapSession: func(ticket []byte, state tls.ConnectionState) (*tls.SessionState, error) {
			session, err := tickets.DecryptTicket(ticket, state)
			if err != nil || session == nil || !k.resumes(session, state.ServerName) {
				return nil, err
			}
			return session, nil
		},
	}
}

// ticketHost begins what a session ticket says about the host it was made for.
const ticketHost = "sandwich host "

// resumes says whether a session may go on: only for the host that it began with (CVE-2025-23419),
// and only while that is served.
func (k *Keeper) resumes(session *tls.SessionState, serverName string) bool {
	name := route.NormalHost(serverName)
	return k.host(name) != nil && slices.ContainsFunc(session.Extra, func(extra []byte) bool { return string(extra) == ticketHost+name })
}

// certificate is what a client gets who asks for a name. Nil without an error means none.
func (k *Keeper) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := route.NormalHost(hello.ServerName)
	if slices.Contains(hello.SupportedProtos, acmez.ACMETLS1Protocol) { // RFC 8737 3: nothing else is listed
		return k.challenges.certificate(name), nil
	}
	h := k.host(name)
	if h == nil || strings.ContainsAny(hello.ServerName, ":") {
		return nil, nil
	}
	return h.certificate()
}
