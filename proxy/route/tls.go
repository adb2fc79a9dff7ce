package route

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// TLS is how the hosts of a project are served over HTTPS. A route without it has none. It names
// files with secrets in them, and holds none.
type TLS struct {
	Mode string `json:"mode"` // "auto", "files" or "internal"

	Email  string `json:"email,omitempty"`   // auto: for the CA's account
	CA     string `json:"ca,omitempty"`      // auto: address of the ACME directory, "": Let's Encrypt
	CARoot string `json:"ca_root,omitempty"` // auto: file with what to trust when talking to the CA
	// auto: what binds the account to one that the CA knows, RFC 8555 7.3.4.
	EABKeyID   string `json:"eab_key_id,omitempty"`
	EABKeyFile string `json:"eab_key_file,omitempty"`
	// auto: whether certificates are ordered without looking where the names lead.
	Unchecked bool `json:"unchecked,omitempty"`

	Certificate string `json:"certificate,omitempty"` // files: of the chain, PEM
	Key         string `json:"key,omitempty"`         // files: of the private key, PEM

	// Redirect says whether plain HTTP is sent to HTTPS: "always", "never", or "" for as soon as
	// there is a certificate that browsers trust.
	Redirect string `json:"redirect,omitempty"`
	HSTS     int64  `json:"hsts,omitempty"` // seconds; 0: not said
}

// The modes of TLS and the choices of its Redirect.
const (
	TLSAuto     = "auto"
	TLSFiles    = "files"
	TLSInternal = "internal"

	RedirectAlways = "always"
	RedirectNever  = "never"
)

// LetsEncrypt is the CA of routes that name none.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Directory is the address of the CA's ACME directory.
func (t *TLS) Directory() string {
	if t.CA == "" {
		return LetsEncrypt
	}
	return t.CA
}

// Hosts are all host names of the route, sorted: each needs a certificate.
func (r *Route) Hosts() []string {
	hosts := append(slices.Clone(r.Domains), r.redirectHosts()...)
	for _, s := range r.Static {
		if s.Domain != "" {
			hosts = append(hosts, s.Domain)
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

func (r *Route) checkTLS() error {
	t := r.TLS
	if t == nil {
		return nil
	}
	err := errors.Join(t.checkCA(), t.checkFiles())
	if t.HSTS < 0 {
		err = errors.Join(err, fmt.Errorf("tls: hsts %d is negative", t.HSTS))
	}
	if !slices.Contains([]string{"", RedirectAlways, RedirectNever}, t.Redirect) {
		err = errors.Join(err, fmt.Errorf("tls: redirect %q is neither always nor never", t.Redirect))
	}
	return err
}

func (t *TLS) checkFiles() error {
	switch t.Mode {
	case TLSAuto, TLSInternal:
		if t.Certificate != "" || t.Key != "" {
			return fmt.Errorf("tls: certificate and key are for mode %s", TLSFiles)
		}
		return nil
	case TLSFiles:
		return errors.Join(checkPath("tls certificate", t.Certificate), checkPath("tls key", t.Key))
	}
	return fmt.Errorf("tls: mode %q is none of auto, files, internal", t.Mode)
}

func (t *TLS) checkCA() error {
	if hasControl(t.Email) || hasControl(t.EABKeyID) || strings.ContainsAny(t.Email, " ,?") {
		return errors.New("tls: email or eab_key_id cannot be one")
	}
	var err error
	if t.CA != "" {
		u, perr := url.Parse(t.CA)
		if perr != nil || hasControl(t.CA) || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
			err = fmt.Errorf("tls: ca %q is no https:// address", t.CA)
		}
	}
	if t.CARoot != "" {
		err = errors.Join(err, checkPath("tls ca_root", t.CARoot))
	}
	if t.EABKeyFile != "" {
		err = errors.Join(err, checkPath("tls eab_key_file", t.EABKeyFile))
	}
	if (t.EABKeyFile == "") != (t.EABKeyID == "") {
		err = errors.Join(err, errors.New("tls: eab_key_id and eab_key_file go together"))
	}
	return err
}

// defaultHTTPS is the address of HTTPS when the settings name none.
var defaultHTTPS = []string{"[::]:443"}

// IsHTTPS says whether HTTPS is spoken on a listening address.
func (s *Settings) IsHTTPS(address net.Addr) bool {
	port, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return false
	}
	listed := s.HTTPS
	if listed == nil {
		listed = defaultHTTPS
	}
	return slices.ContainsFunc(listed, func(one string) bool {
		a, err := netip.ParseAddrPort(one)
		return err == nil && a.Port() == port.Port()
	})
}

func (s *Settings) checkHTTPS() error {
	for _, one := range s.HTTPS {
		if a, err := netip.ParseAddrPort(one); err != nil || a.Port() == 0 {
			return fmt.Errorf("https address %q is no address and port", one)
		}
	}
	return nil
}
