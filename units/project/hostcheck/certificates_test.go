package hostcheck

import (
	"io/fs"
	"strings"
	"testing"

	"sandwich/units/project"
)

func TestThePrivateKeyIsForTheProxyAndNobodyElse(t *testing.T) {
	good := node{mode: 0o640, gid: 990}
	for name, c := range map[string]struct {
		dir, certificate, key *node
		told                  []string // parts of summaries
		hint                  string
	}{
		"in order":             {nil, &node{mode: 0o644}, &good, nil, ""},
		"no key":               {nil, &good, nil, []string{"The private key is not there"}, ""},
		"no certificate":       {nil, nil, &good, []string{"The certificate is not there"}, ""},
		"root's own":           {nil, &good, &node{mode: 0o600}, []string{"The proxy cannot read the private key"}, "chgrp sandwich-proxy /etc/ssl/x/key.pem && chmod 640 /etc/ssl/x/key.pem"},
		"everybody's":          {nil, &good, &node{mode: 0o644}, []string{"Everyone may read the private key"}, "chmod 640 /etc/ssl/x/key.pem"},
		"everybody's to write": {nil, &good, &node{mode: 0o646, gid: 990}, []string{"Everyone may change the private key"}, ""},
		"no file":              {nil, &good, &node{mode: fs.ModeNamedPipe | 0o640, gid: 990}, []string{"The private key is none"}, ""},
		"a closed directory": {&node{mode: fs.ModeDir | 0o700}, &good, &good,
			[]string{"The proxy cannot reach the certificate", "The proxy cannot reach the private key"}, `may not enter "/etc/ssl/x"`},
	} {
		t.Run(name, func(t *testing.T) {
			host := tree{"/": dir(0o755, 0, 0), "/etc": dir(0o755, 0, 0), "/etc/ssl": dir(0o755, 0, 0), "/etc/ssl/x": dir(0o755, 0, 0)}
			for path, n := range map[string]*node{"/etc/ssl/x": c.dir, "/etc/ssl/x/cert.pem": c.certificate, "/etc/ssl/x/key.pem": c.key} {
				if n != nil {
					host[path] = *n
				}
			}
			p := &project.Project{Name: "x", Source: project.NewSource("x.hcl", nil)}
			p.TLS = project.TLS{Mode: "files", Certificate: "/etc/ssl/x/cert.pem", Key: "/etc/ssl/x/key.pem"}
			wantTold(t, p, host, c.told, c.hint)
		})
	}
}

// Whoever is not root cannot look into /etc/letsencrypt/live, which says nothing about the proxy.
func TestWhatTheAskerMayNotSeeIsNotSaidToBeMissing(t *testing.T) {
	host := tree{"/": dir(0o755, 0, 0), "/etc": dir(0o755, 0, 0)}
	sys := host.system()
	sys.Lstat = func(name string) (Info, error) {
		if strings.HasPrefix(name, "/etc/") {
			return Info{}, &fs.PathError{Op: "lstat", Path: name, Err: fs.ErrPermission}
		}
		return host.system().Lstat(name)
	}
	p := &project.Project{Name: "x", Source: project.NewSource("x.hcl", nil)}
	p.TLS = project.TLS{Mode: "files", Certificate: "/etc/cert.pem", Key: "/etc/key.pem"}
	p.Proxy.Access = &project.Access{UserFile: "/etc/passwords"}
	diags := Rest(p, nil, sys, "sandwich-proxy")
	if len(diags) != 3 || diags.HasErrors() {
		t.Errorf("told %v", diags)
	}
}

func TestWhatTheCAWantsIsForTheProxyToo(t *testing.T) {
	host := tree{"/": dir(0o755, 0, 0), "/etc": dir(0o755, 0, 0), "/etc/ca.pem": file(0o600, 0), "/etc/eab": file(0o644, 0)}
	p := &project.Project{Name: "x", Source: project.NewSource("x.hcl", nil)}
	p.TLS = project.TLS{Mode: "auto", CARoot: "/etc/ca.pem", EAB: project.EAB{KeyID: "1", KeyFile: "/etc/eab"}}
	wantTold(t, p, host, []string{"The proxy cannot read the certificate of the CA", "Everyone may read the key of eab"}, "chgrp sandwich-proxy /etc/eab")
	p.TLS.Mode = "internal"
	wantTold(t, p, host, nil, "")
}

// wantTold wants one diagnostic for each summary, and a hint in one of them.
func wantTold(t *testing.T, p *project.Project, host tree, summaries []string, hint string) {
	t.Helper()
	diags := Rest(p, nil, host.system(), "sandwich-proxy")
	hinted := hint == ""
	if len(diags) != len(summaries) {
		t.Errorf("told %v", diags)
		return
	}
	for i, d := range diags {
		if d.Summary != summaries[i] {
			t.Errorf("told %q, want %q", d.Summary, summaries[i])
		}
		hinted = hinted || strings.Contains(d.Detail, hint)
	}
	if !hinted {
		t.Errorf("nothing of %q in %v", hint, diags)
	}
}
