package project

import (
	"testing"
	"time"
)

func TestTheTLSBlockIsRead(t *testing.T) {
	p := mustLoad(t, `root = "/srv/client-x"
tls {
  ca        = "https://ca.example/dir"
  ca_root   = "ca.pem"
  check_dns = false
  redirect  = false
  hsts      = "30d"
  eab {
    key_id   = "k1"
    key_file = "/etc/sandwich/eab.key"
  }
}
`)
	want := TLS{
		Mode: "auto", CA: "https://ca.example/dir", CARoot: "/srv/client-x/ca.pem", Redirect: "never", HSTS: 30 * 24 * time.Hour,
		EAB: EAB{KeyID: "k1", KeyFile: "/etc/sandwich/eab.key"},
	}
	if p.TLS != want {
		t.Errorf("%+v", p.TLS)
	}
}

func TestACertificateAndAKeyAreAMode(t *testing.T) {
	p := mustLoad(t, "root = \"/srv/client-x\"\ntls {\n  certificate = \"/etc/ssl/c.pem\"\n  key = \"tls.key\"\n}\n")
	if p.TLS.Mode != "files" || p.TLS.Certificate != "/etc/ssl/c.pem" || p.TLS.Key != "/srv/client-x/tls.key" {
		t.Errorf("%+v", p.TLS)
	}
}

func TestAProjectsTLSStartsFromTheHosts(t *testing.T) {
	h := host(t, "tls {\n  email = \"ops@host.example\"\n  ca = \"letsencrypt-staging\"\n  ca_root = \"/etc/ca.pem\"\n  eab {\n    key_id = \"k\"\n    key_file = \"/etc/k\"\n  }\n}\n")
	p, diags := Load("/p/client-x.hcl", []byte("root = \"/srv/client-x\"\ntls {\n  email = \"x@client-x.example\"\n}\n"), h)
	want := TLS{
		Mode: "auto", Email: "x@client-x.example", CA: "https://acme-staging-v02.api.letsencrypt.org/directory", CARoot: "/etc/ca.pem",
		CheckDNS: true, EAB: EAB{KeyID: "k", KeyFile: "/etc/k"},
	}
	if diags.HasErrors() || p.TLS != want {
		t.Errorf("%v %+v", diags, p.TLS)
	}
	for _, src := range []string{"tls {\n  key = \"/k\"\n}", "tls {\n  ca_root = \"ca.pem\"\n}", "tls {\n  eab {\n    key_id = \"x\"\n  }\n}"} {
		if _, diags := LoadHost("h.hcl", []byte(src)); len(diags) != 1 {
			t.Errorf("%s: %v", src, diags)
		}
	}
}

func TestHTTPSAddressesAreTheHosts(t *testing.T) {
	if h := host(t, "proxy {\n  https = [\"127.0.0.1:8443\"]\n}"); len(h.HTTPS) != 1 || h.HTTPS[0] != "127.0.0.1:8443" {
		t.Error(h.HTTPS)
	}
	if h := host(t, "proxy {\n  https = []\n}"); h.HTTPS == nil || len(h.HTTPS) != 0 {
		t.Error(h.HTTPS)
	}
}
