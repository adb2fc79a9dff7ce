package main

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/units/apply"
	"sandwich/units/doctor"
	"sandwich/units/inventory"
	"sandwich/units/machine"
	"sandwich/units/project"
	"sandwich/units/project/hostcheck"
	"sandwich/units/unitfile"
)

// hostFacts looks at the host under the projects. h is nil, and openErr says why, when it has no
// D-Bus or a systemd that is too old.
func hostFacts(ctx context.Context, h *host, openErr error, found *inventory.Inventory) *doctor.Facts {
	f := &doctor.Facts{Booted: there("/run/systemd/system"), Oldest: oldestSystemd, Unified: there("/sys/fs/cgroup/cgroup.controllers")}
	var old tooOldError
	switch {
	case h != nil:
		f.Systemd = h.version
		busFacts(ctx, h, f)
	case errors.As(openErr, &old):
		f.Systemd = int(old)
	default:
		f.NoBus, _, _ = strings.Cut(openErr.Error(), "\n")
	}
	portFacts(f, found)
	accountFacts(f)
	securityFacts(ctx, f)
	fileFacts(f)
	for _, path := range distinctDisks("/", "/etc", "/var", "/tmp", "/run") {
		if room, err := machine.RoomOf(path); err == nil {
			f.Disks = append(f.Disks, doctor.Disk{Path: path, Free: room.Free})
		}
	}
	for _, entry := range found.Entries {
		if entry.Facts != nil && entry.Facts.ConnMaxAge != 0 && entry.Draft != nil && enabled(entry.Name) {
			f.Pooled += entry.Draft.Gunicorn.Workers * max(entry.Draft.Gunicorn.Threads, 1)
		}
	}
	return f
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// rivals are the units of servers that want the proxy's ports or do sandwich's work.
var rivals = []string{
	"nginx.service", "apache2.service", "httpd.service", "caddy.service", "lighttpd.service", "haproxy.service", "traefik.service",
	"supervisor.service", "supervisord.service", "uwsgi.service", "gunicorn.service",
}

func busFacts(ctx context.Context, h *host, f *doctor.Facts) {
	socket, _ := h.systemd.Unit(ctx, proxySocket)
	service, _ := h.systemd.Unit(ctx, proxyService)
	journald, _ := h.systemd.Unit(ctx, "systemd-journald.service")
	f.Installed, f.SocketState, f.ProxyState = socket.LoadState != "not-found", socket.ActiveState, service.ActiveState
	f.Journal = journald.ActiveState == "active"
	states, _ := h.systemd.Summaries(ctx, rivals...)
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if states[name].ActiveState == "active" {
			f.Others = append(f.Others, name)
		}
	}
}

func portFacts(f *doctor.Facts, found *inventory.Inventory) {
	listen := project.DefaultHost().HTTP
	if found.Host != nil {
		listen = found.Host.HTTP
	}
	var numbers []uint16
	for _, text := range listen {
		if address, err := netip.ParseAddrPort(text); err == nil && !slices.Contains(numbers, address.Port()) {
			numbers = append(numbers, address.Port())
		}
	}
	for _, n := range numbers {
		holder := machine.Holder(n)
		ours := f.SocketState == "active" || strings.HasPrefix(holder, "sandwich-proxy")
		f.Ports = append(f.Ports, doctor.Port{Number: n, Holder: holder, Ours: ours})
	}
}

func accountFacts(f *doctor.Facts) {
	system := hostcheck.Real()
	_, err := system.User(proxyUser)
	f.NoProxyUser = err != nil
	_, err = system.GroupID(proxyUser)
	f.NoProxyGroup = err != nil
	if at := system.Listable(apply.SystemDirs.Routes, proxyUser); at != "" {
		f.Blocked = append(f.Blocked, doctor.Blocked{Path: apply.SystemDirs.Routes, At: at})
	}
	for _, name := range enabledNames() {
		socket := (&project.Project{Name: name}).SocketPath()
		if at := system.Connectable(socket, proxyUser); at != "" {
			f.Blocked = append(f.Blocked, doctor.Blocked{Path: socket, At: at})
		}
	}
}

// concerned are the programs that a site is made of.
var concerned = regexp.MustCompile(`python|gunicorn|sandwich|uvicorn`)

func securityFacts(ctx context.Context, f *doctor.Facts) {
	if enforce, err := os.ReadFile("/sys/fs/selinux/enforce"); err == nil {
		f.SELinux = map[string]string{"1": "enforcing", "0": "permissive"}[strings.TrimSpace(string(enforce))]
	}
	profiles, _ := os.ReadFile("/sys/kernel/security/apparmor/profiles")
	for line := range strings.Lines(string(profiles)) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " (enforce)"); ok && concerned.MatchString(name) {
			f.Confine = append(f.Confine, name)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, "journalctl", "--dmesg", "--no-pager", "--quiet", "--output=cat", "--lines=20", `--grep=avc: +denied|apparmor="DENIED"`).Output()
	for line := range strings.Lines(string(out)) {
		if concerned.MatchString(line) && len(f.Denials) < 3 {
			f.Denials = append(f.Denials, strings.TrimSpace(line))
		}
	}
}

func fileFacts(f *doctor.Facts) {
	entries, _ := os.ReadDir(projectsDir)
	for _, e := range entries {
		name, isProject := strings.CutSuffix(e.Name(), project.Extension)
		if !isProject || project.CheckName(name) != nil || e.IsDir() {
			f.BadNames = append(f.BadNames, filepath.Join(projectsDir, e.Name()))
		}
	}
	paths, _ := filepath.Glob(filepath.Join(apply.SystemDirs.Units, "sandwich-*"))
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if _, source, ours := unitfile.Check(string(content)); ours && source != hostFile && !enabled(project.NameOf(source)) {
			f.Leftovers = append(f.Leftovers, filepath.Base(path))
		}
	}
}

// distinctDisks leaves out paths on a file system that an earlier one is on.
func distinctDisks(paths ...string) []string {
	var seen []uint64
	return slices.DeleteFunc(paths, func(path string) bool {
		var s unix.Stat_t
		if unix.Stat(path, &s) != nil || slices.Contains(seen, s.Dev) {
			return true
		}
		seen = append(seen, s.Dev)
		return false
	})
}
