package dbusctl

import (
	"context"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

// Certificate is what the proxy says of the certificate of one host.
type Certificate struct {
	Host    string
	Project string
	Mode    string // what the project wants: auto, files or internal
	CA      string // auto: address of its directory
	From    string // what it is from: auto, files or internal
	State   string // ok, waiting, failing, expiring or expired
	Issuer  string
	Serial  string
	Names   []string
	Begins  time.Time
	Ends    time.Time
	Problem string    // why it is not what is wanted
	Next    time.Time // when the next one is tried; zero: not known
}

// Certificates asks the proxy for the certificates of all hosts. Like Status, it starts no proxy.
func (p *Proxy) Certificates(ctx context.Context) (map[string]Certificate, error) {
	var reply map[string]map[string]dbus.Variant
	call := p.call(ctx, dbus.FlagNoAutoStart, "Certificates")
	if call.Err != nil {
		return nil, call.Err
	}
	if err := call.Store(&reply); err != nil {
		return nil, fmt.Errorf("cannot read the front proxy's answer: %w", err)
	}
	hosts := make(map[string]Certificate, len(reply))
	for host, values := range reply {
		hosts[host] = readCertificate(host, values)
	}
	return hosts, nil
}

func readCertificate(host string, values map[string]dbus.Variant) Certificate {
	p := make(properties, len(values))
	for name, v := range values {
		p[name] = v.Value()
	}
	return Certificate{
		Host: host, Project: p.text("project"), Mode: p.text("mode"), CA: p.text("ca"), From: p.text("from"), State: p.text("state"),
		Issuer: p.text("issuer"), Serial: p.text("serial"), Names: value[[]string](p, "names"),
		Begins: instant(p, "not_before"), Ends: instant(p, "not_after"), Problem: p.text("problem"), Next: instant(p, "next"),
	}
}

func instant(p properties, key string) time.Time {
	us := value[uint64](p, key)
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(us))
}

// CertificateOrders asks the proxy how many certificates were ordered in seven days, for each
// registered domain, that replaced none.
func (p *Proxy) CertificateOrders(ctx context.Context) (map[string]uint32, error) {
	orders := map[string]uint32{}
	call := p.call(ctx, dbus.FlagNoAutoStart, "CertificateOrders")
	if call.Err != nil {
		return nil, call.Err
	}
	if err := call.Store(&orders); err != nil {
		return nil, fmt.Errorf("cannot read the front proxy's answer: %w", err)
	}
	return orders, nil
}

// certificateLimit bounds how long a CA may take.
const certificateLimit = 7 * time.Minute

// RenewCertificate gets a host a new certificate and returns when it is served.
func (p *Proxy) RenewCertificate(ctx context.Context, host string) error {
	return p.bounded(ctx, certificateLimit, dbus.FlagNoAutoStart, "RenewCertificate", host).Err
}

// RevokeCertificate has the CA take back the certificate of a host.
func (p *Proxy) RevokeCertificate(ctx context.Context, host string, reason uint32) error {
	return p.bounded(ctx, certificateLimit, dbus.FlagNoAutoStart, "RevokeCertificate", host, reason).Err
}
