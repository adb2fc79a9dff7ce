package project

import (
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// tlsSettings are those of a project's tls block and of the host's, which is what each project's
// starts from.
var tlsSettings = []setting[TLS]{
	{"mode", text(func(t *TLS) *string { return &t.Mode }, oneOf("auto", "files", "internal", "off"))},
	{"email", text(func(t *TLS) *string { return &t.Email }, emailAddress)},
	{"ca", text(func(t *TLS) *string { return &t.CA }, directory)},
	{"ca_root", text(func(t *TLS) *string { return &t.CARoot }, secretPath)},
	{"check_dns", boolean(func(t *TLS) *bool { return &t.CheckDNS })},
	{"certificate", text(func(t *TLS) *string { return &t.Certificate }, secretPath)},
	{"key", text(func(t *TLS) *string { return &t.Key }, secretPath)},
	{"redirect", readRedirect},
	{"hsts", duration(func(t *TLS) *time.Duration { return &t.HSTS }, 0)},
}

var eabSettings = []setting[EAB]{
	{"key_id", text(func(e *EAB) *string { return &e.KeyID }, keyID)},
	{"key_file", text(func(e *EAB) *string { return &e.KeyFile }, secretPath)},
}

var tlsBlocks = []kind{{name: "eab", attrs: names(eabSettings), decode: decodeEAB}}

func decodeTLS(d *decoder, g *group) { fill(d, g, tlsSettings, &d.p.TLS) }

func decodeEAB(d *decoder, g *group) {
	into := &d.p.TLS
	if d.host != nil {
		into = &d.host.TLS
	}
	fill(d, g, eabSettings, &into.EAB)
	if (into.EAB.KeyID == "") != (into.EAB.KeyFile == "") {
		d.refuse(&g.at, "tls.eab is half stated", "Write both: key_id, and key_file with the path of the file that holds the key.")
	}
}

// decodeHostTLS reads what every project starts from. The host's files are no project's: a
// certificate is for one.
func decodeHostTLS(d *decoder, g *group) {
	fill(d, g, tlsSettings, &d.host.TLS)
	for _, name := range []string{"certificate", "key"} {
		if attr, ok := g.attrs[name]; ok {
			d.refuse(&attr.Range, "tls."+name+" is a project's", "Write it into the tls block of the project whose names the certificate has.")
		}
	}
}

func readRedirect(v value, t *TLS) {
	if yes, ok := v.flag(); ok {
		t.Redirect = map[bool]string{true: "always", false: "never"}[yes]
	}
}

// wholeTLS checks what holds between the settings of a project's tls block and the host's.
func (d *decoder) wholeTLS() {
	t := &d.p.TLS
	stated := d.source.States("tls.certificate") || d.source.States("tls.key")
	if stated && !d.source.States("tls.mode") {
		t.Mode = "files"
	}
	switch {
	case t.Mode != "files" && stated:
		d.refuse(d.source.At("tls.mode"), "tls.mode does not go with certificate and key",
			`They are for mode = "files". Remove them, or write that mode.`)
	case t.Mode == "files" && !d.scene.trial:
		d.pairOf(t)
	case t.Mode == "off" && d.source.States("tls.hsts") && t.HSTS > 0:
		d.refuse(d.source.At("tls.hsts"), "tls.hsts promises HTTPS", "tls.mode is off, so there is none. Remove one of the two.")
	case t.Mode == "off" && d.source.States("tls.redirect") && t.Redirect == "always":
		d.refuse(d.source.At("tls.redirect"), "tls.redirect leads to HTTPS", "tls.mode is off, so there is none. Remove one of the two.")
	}
}

func (d *decoder) pairOf(t *TLS) {
	for name, value := range map[string]string{"certificate": t.Certificate, "key": t.Key} {
		if value == "" && !d.source.States("tls."+name) {
			d.refuse(d.source.At("tls.mode"), "tls."+name+" is not stated", `With mode = "files", write certificate and key: the paths of two PEM files.`)
		}
	}
}

var emailForm = newPattern(`^[A-Za-z0-9.!#$%&'*+/=^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$`)

func emailAddress(_ *decoder, s string) (string, *fault) {
	if !emailForm.MatchString(s) {
		return "", wrong("is no email address", `Write it like "ops@client-x.example".`)
	}
	return s, nil
}

// directories are names for the addresses of well-known CAs.
var directories = map[string]string{
	"letsencrypt":         "",
	"letsencrypt-staging": "https://acme-staging-v02.api.letsencrypt.org/directory",
}

// directory is the address of a CA's ACME directory. The spelling counts: accounts and
// certificates are kept by it.
func directory(_ *decoder, s string) (string, *fault) {
	if address, ok := directories[s]; ok {
		return address, nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(s, "\"<>\\ ") {
		return "", wrong("is no address of an ACME directory", `Write it like "https://ca.example/acme/directory", or "letsencrypt-staging".`)
	}
	return s, nil
}

var keyIDForm = newPattern(`^[!-~]{1,256}$`)

func keyID(_ *decoder, s string) (string, *fault) {
	if !keyIDForm.MatchString(s) {
		return "", wrong("is no key id", "Write it as the CA gave it, without spaces.")
	}
	return s, nil
}

// secretPath is the path of a file that only the front proxy reads. In the host file there is no
// project that it could be relative to.
func secretPath(d *decoder, s string) (string, *fault) {
	if d.host != nil && !filepath.IsAbs(s) {
		return "", wrong("is no absolute path", "Write it from the top.")
	}
	return path(d, s)
}
