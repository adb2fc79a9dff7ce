package bus

import (
	"context"
	"time"

	"github.com/godbus/dbus/v5"

	certs "sandwich/proxy/tls"
)

// Certificates is the part of the proxy that is about HTTPS.
type Certificates interface {
	Certificates() []certs.Certificate
	CertificateOrders() map[string]int
	CertificateChanges() <-chan string
	RenewCertificate(ctx context.Context, host string) error
	RevokeCertificate(ctx context.Context, host string, reason int) error
}

// renewLimit bounds how long a CA may take.
const renewLimit = 6 * time.Minute

// Certificates tells what each host is served with.
func (o object) Certificates() (map[string]map[string]dbus.Variant, *dbus.Error) {
	all := map[string]map[string]dbus.Variant{}
	for _, c := range o.p.Certificates() {
		all[c.Host] = certificate(c)
	}
	return all, nil
}

func certificate(c certs.Certificate) map[string]dbus.Variant {
	values := map[string]any{
		"project": c.Project, "mode": c.Mode, "from": c.From, "state": string(c.State), "issuer": c.Issuer, "serial": c.Serial,
		"names": c.Names, "not_before": uint64(c.Begins.UnixMicro()), "not_after": uint64(c.Ends.UnixMicro()),
	}
	if c.CA != "" {
		values["ca"] = c.CA
	}
	if c.Problem != "" {
		values["problem"] = c.Problem
	}
	if !c.Next.IsZero() {
		values["next"] = uint64(c.Next.UnixMicro())
	}
	variants := make(map[string]dbus.Variant, len(values))
	for key, v := range values {
		variants[key] = dbus.MakeVariant(v)
	}
	return variants
}

// CertificateOrders tells how many certificates were ordered for each registered domain in a week.
func (o object) CertificateOrders() (map[string]uint32, *dbus.Error) {
	all := map[string]uint32{}
	for domain, n := range o.p.CertificateOrders() {
		all[domain] = uint32(n)
	}
	return all, nil
}

// RenewCertificate gets a host a new certificate and returns when it is served.
func (o object) RenewCertificate(host string) *dbus.Error {
	ctx, cancel := context.WithTimeout(context.Background(), renewLimit)
	defer cancel()
	return busError(o.p.RenewCertificate(ctx, host))
}

// RevokeCertificate has the CA take a certificate back, for a reason of RFC 5280 5.3.1.
func (o object) RevokeCertificate(host string, reason uint32) *dbus.Error {
	ctx, cancel := context.WithTimeout(context.Background(), renewLimit)
	defer cancel()
	return busError(o.p.RevokeCertificate(ctx, host, int(reason)))
}

// tellChanges emits a signal for each certificate that is another one, until the connection ends.
func tellChanges(conn *dbus.Conn, p Proxy) {
	changes := p.CertificateChanges()
	for {
		select {
		case <-conn.Context().Done():
			return
		case host := <-changes:
			conn.Emit(Path, Name+".CertificateChanged", host) // it fails only when the connection has ended
		}
	}
}
