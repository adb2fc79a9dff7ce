package doctor

import (
	"strings"
	"testing"
)

func healthy() *Facts {
	return &Facts{
		Booted: true, Systemd: 257, Oldest: 249, Unified: true, Journal: true, Installed: true, ProxyState: "active", SocketState: "active",
		Ports: []Port{{80, "systemd (pid 1)", true}}, Disks: []Disk{{"/", 1 << 30}},
	}
}

func TestAHealthyHostHasNoFindings(t *testing.T) {
	if got := Examine(healthy()); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsWrongWithAHostIsToldWithItsRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Facts)
		error bool
		want  string
	}{
		"container":    {func(f *Facts) { f.Booted = false }, true, "systemd-nspawn, LXC"},
		"old systemd":  {func(f *Facts) { f.Systemd = 241 }, true, "version 241, and sandwich needs 249"},
		"no bus":       {func(f *Facts) { f.NoBus = "No such file" }, true, "systemctl start dbus.socket"},
		"no package":   {func(f *Facts) { f.Installed = false }, true, "Install the package"},
		"no socket":    {func(f *Facts) { f.SocketState = "failed" }, true, "systemctl start sandwich-proxy.socket"},
		"no proxy":     {func(f *Facts) { f.ProxyState = "failed" }, true, "journalctl -u sandwich-proxy"},
		"port taken":   {func(f *Facts) { f.Ports = []Port{{80, "nginx (pid 7)", false}} }, true, "nginx (pid 7) listens there"},
		"nginx beside": {func(f *Facts) { f.Others = []string{"nginx.service"} }, false, "systemctl disable --now nginx.service"},
		"no user":      {func(f *Facts) { f.NoProxyUser = true }, true, "systemd-sysusers"},
		"no group":     {func(f *Facts) { f.NoProxyGroup = true }, true, "systemd-sysusers"},
		"blocked":      {func(f *Facts) { f.Blocked = []Blocked{{"/run/sandwich/x.sock", "/run/sandwich"}} }, true, `stopped by "/run/sandwich"`},
		"SELinux":      {func(f *Facts) { f.SELinux = "enforcing" }, false, "restorecon"},
		"AppArmor":     {func(f *Facts) { f.Confine = []string{"/usr/bin/python3"} }, false, "aa-status"},
		"denials":      {func(f *Facts) { f.Denials = []string{"avc: denied"} }, false, "avc: denied"},
		"cgroup v1":    {func(f *Facts) { f.Unified = false }, false, "systemd.unified_cgroup_hierarchy=1"},
		"no journal":   {func(f *Facts) { f.Journal = false }, true, "systemctl start systemd-journald"},
		"full disk":    {func(f *Facts) { f.Disks = []Disk{{"/var", 1 << 20}} }, true, "df -h /var"},
		"bad name":     {func(f *Facts) { f.BadNames = []string{"/etc/x Y.hcl"} }, false, "NAME.hcl"},
		"leftover":     {func(f *Facts) { f.Leftovers = []string{"sandwich-x.service"} }, false, "systemctl disable --now sandwich-x.service"},
		"connections":  {func(f *Facts) { f.Pooled = 120 }, false, "up to 120 open"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			c.spoil(f)
			got := Examine(f)
			if len(got) != 1 || got[0].Error != c.error || !strings.Contains(got[0].Detail, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}
