package hostcheck

import (
	"io/fs"
	"strings"
	"testing"

	"sandwich/units/project"
)

func TestThePasswordFileIsForTheProxyAndNobodyElse(t *testing.T) {
	const file = "/etc/sandwich/x.htpasswd"
	for _, c := range []struct {
		node *node
		told string // a part of the summary, or ""
		hint string
	}{
		{&node{mode: 0o640, gid: 990}, "", ""},
		{nil, "is not there", "htpasswd -B -c " + file},
		{&node{mode: 0o600}, "cannot read the password file", "chgrp sandwich-proxy " + file + " && chmod 640 " + file},
		{&node{mode: 0o644}, "Everyone may read", "chmod 640"},
		{&node{mode: fs.ModeNamedPipe | 0o640, gid: 990}, "is none", ""},
	} {
		host := tree{"/": {mode: fs.ModeDir | 0o755}, "/etc": {mode: fs.ModeDir | 0o755}, "/etc/sandwich": {mode: fs.ModeDir | 0o755}}
		if c.node != nil {
			host[file] = *c.node
		}
		p := &project.Project{Name: "x", Source: project.NewSource("x.hcl", nil)}
		p.Proxy.Access = &project.Access{UserFile: file}
		diags := Rest(p, nil, host.system(), "sandwich-proxy")
		switch {
		case c.told == "" && len(diags) > 0, c.told != "" && len(diags) != 1:
			t.Errorf("%+v: told %v", c.node, diags)
		case c.told != "" && (!strings.Contains(diags[0].Summary, c.told) || !strings.Contains(diags[0].Detail, c.hint)):
			t.Errorf("%+v: told %v", c.node, diags)
		}
	}
}
