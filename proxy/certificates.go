package proxy

import (
	"context"
	"errors"
	"fmt"

	certs "sandwich/proxy/tls"
)

// ErrNoTLS says that this proxy speaks no HTTPS at all.
var ErrNoTLS = errors.New("this proxy speaks no HTTPS")

// Certificates are what the hosts of all projects are served with, sorted by host.
func (s *Server) Certificates() []certs.Certificate {
	if s.conf.TLS == nil {
		return nil
	}
	return s.conf.TLS.Certificates()
}

// CertificateOrders is how many certificates count against what a CA gives for each registered
// domain in a week.
func (s *Server) CertificateOrders() map[string]int {
	if s.conf.TLS == nil {
		return nil
	}
	return s.conf.TLS.Orders()
}

// CertificateChanges has each host whose certificate is another one now. It is for one reader.
func (s *Server) CertificateChanges() <-chan string {
	if s.conf.TLS == nil {
		return nil
	}
	return s.conf.TLS.Changes()
}

// RenewCertificate gets a host a new certificate now.
func (s *Server) RenewCertificate(ctx context.Context, host string) error {
	if s.conf.TLS == nil {
		return fmt.Errorf("cannot renew the certificate of %s: %w", host, ErrNoTLS)
	}
	return s.conf.TLS.Renew(ctx, host)
}

// RevokeCertificate has the CA take back the certificate of a host.
func (s *Server) RevokeCertificate(ctx context.Context, host string, reason int) error {
	if s.conf.TLS == nil {
		return fmt.Errorf("cannot revoke the certificate of %s: %w", host, ErrNoTLS)
	}
	return s.conf.TLS.Revoke(ctx, host, reason)
}
