// Package doctor says what is wrong with a host, whatever its projects are, from facts that were
// seen of it. It is pure; who looks is the caller's business.
package doctor

import (
	"fmt"
	"strings"
)

// Facts is what was seen of a host. What was not looked at is zero and counts for nothing.
type Facts struct {
	Booted  bool   // systemd is the first process
	NoBus   string // why systemd cannot be reached over D-Bus
	Systemd int    // its version, 0: not known
	Oldest  int    // the oldest that will do
	Unified bool   // control groups of version 2 alone
	Journal bool   // journald runs

	Installed    bool // the proxy's units are there
	ProxyState   string
	SocketState  string
	Ports        []Port   // where the proxy should listen
	Others       []string // units of other web servers and of supervisor that run
	NoProxyUser  bool     // its account is not there
	NoProxyGroup bool

	Blocked []Blocked // what the proxy's user cannot reach of its own
	SELinux string    // "enforcing", "permissive" or ""
	Denials []string  // the last lines of the kernel about refusals that concern our programs
	Confine []string  // AppArmor profiles in force that concern python or the proxy

	BadNames  []string // files in the projects' directory that are no project's
	Leftovers []string // generated units without a project
	Disks     []Disk
	Pooled    int // database connections that all projects together keep, as far as they told
}

// Port is one that the proxy should have.
type Port struct {
	Number uint16
	Holder string // who listens there, "" when nobody does
	Ours   bool
}

// Blocked is a path that the proxy's user needs, and what is in its way.
type Blocked struct{ Path, At string }

// Disk is a file system and the room on it.
type Disk struct {
	Path string
	Free uint64
}

// Finding is something wrong, with the remedy.
type Finding struct {
	Error   bool // something does not work; otherwise something may not
	Summary string
	Detail  string
}

var rules = []func(*Facts) []Finding{
	systemd, bus, proxy, ports, others, accounts, reach, refusals, groups, journal, disks, names, leftovers, pooled,
}

// Examine gives everything that is wrong, what keeps the rest from working first.
func Examine(f *Facts) []Finding {
	var all []Finding
	for _, rule := range rules {
		all = append(all, rule(f)...)
	}
	return all
}

func wrong(summary, detail string, args ...any) []Finding {
	return []Finding{{true, summary, fmt.Sprintf(detail, args...)}}
}

func doubtful(summary, detail string, args ...any) []Finding {
	return []Finding{{false, summary, fmt.Sprintf(detail, args...)}}
}

func systemd(f *Facts) []Finding {
	switch {
	case !f.Booted:
		return wrong("systemd does not run this host", "The first process is another one, as in most containers. sandwich needs a host, a virtual machine or a container that systemd runs (systemd-nspawn, LXC).")
	case f.Systemd > 0 && f.Systemd < f.Oldest:
		return wrong("systemd is too old", "It is version %d, and sandwich needs %d or later. Upgrade the distribution.", f.Systemd, f.Oldest)
	}
	return nil
}

func bus(f *Facts) []Finding {
	if f.NoBus == "" || !f.Booted {
		return nil
	}
	return wrong("D-Bus cannot be reached", "%s. sandwich speaks to systemd and to the proxy over it. Run: systemctl start dbus.socket dbus.service (the package is called dbus)", f.NoBus)
}

func proxy(f *Facts) []Finding {
	switch {
	case f.NoBus != "" || !f.Booted:
		return nil
	case !f.Installed:
		return wrong("The front proxy is not installed", "There is no sandwich-proxy.socket. Install the package.")
	case f.SocketState != "active":
		return wrong("The front proxy does not listen", "sandwich-proxy.socket is %s, so no site answers. Run: systemctl start sandwich-proxy.socket sandwich-proxy.service", f.SocketState)
	case f.ProxyState != "active":
		return wrong("The front proxy does not run", "sandwich-proxy.service is %s. Run: systemctl start sandwich-proxy.service (journalctl -u sandwich-proxy says why it ended)", f.ProxyState)
	}
	return nil
}

func ports(f *Facts) []Finding {
	var found []Finding
	for _, p := range f.Ports {
		if p.Holder != "" && !p.Ours {
			found = append(found, wrong(fmt.Sprintf("Port %d is taken", p.Number),
				"%s listens there, where the front proxy should. Stop it for good, or have the proxy listen elsewhere: proxy { http = [...] } in /etc/sandwich/sandwich.hcl.", p.Holder)...)
		}
	}
	return found
}

func others(f *Facts) []Finding {
	if len(f.Others) == 0 {
		return nil
	}
	return doubtful("Other servers run beside sandwich", "%s. That is fine while sites move over one by one. Afterwards: systemctl disable --now %s",
		strings.Join(f.Others, ", "), strings.Join(f.Others, " "))
}

func accounts(f *Facts) []Finding {
	switch {
	case f.NoProxyUser:
		return wrong("The proxy's user is not there", "There is no account sandwich-proxy. Run: systemd-sysusers sandwich.conf")
	case f.NoProxyGroup:
		return wrong("The proxy's group is not there", "There is no group sandwich-proxy, which the projects' sockets belong to. Run: systemd-sysusers sandwich.conf")
	}
	return nil
}

func reach(f *Facts) []Finding {
	var found []Finding
	for _, b := range f.Blocked {
		found = append(found, wrong("The proxy cannot reach its own files", "The proxy runs as sandwich-proxy and is stopped by %q on the way to %q. Run: systemd-tmpfiles --create sandwich.conf; chmod o+x %s", b.At, b.Path, b.At)...)
	}
	return found
}

// refusals are those of the security modules, which no permission bit shows.
func refusals(f *Facts) []Finding {
	var found []Finding
	if len(f.Denials) > 0 {
		found = append(found, doubtful("A security module refused something", "The kernel's last words on it: %s. For SELinux: ausearch -m avc -ts recent, restorecon -R on the directory; for AppArmor: aa-status, and the profile in /etc/apparmor.d.", strings.Join(f.Denials, "; "))...)
	}
	if f.SELinux == "enforcing" {
		found = append(found, doubtful("SELinux enforces its policy", "A file of a site with a label for other uses (user_home_t, tmp_t) is refused although its mode lets everyone read it. See: ls -Z; label served files with: semanage fcontext -a -t httpd_sys_content_t 'DIR(/.*)?' && restorecon -R DIR")...)
	}
	if len(f.Confine) > 0 {
		found = append(found, doubtful("AppArmor confines a program of a site", "Profiles in force: %s. What they do not list is refused, whatever the file's mode says. See: aa-status", strings.Join(f.Confine, ", "))...)
	}
	return found
}

func groups(f *Facts) []Finding {
	if f.Unified || !f.Booted {
		return nil
	}
	return doubtful("Limits are not enforced everywhere", "This kernel runs with control groups of version 1, or mixed: memory and tasks in limits may not hold. Boot with systemd.unified_cgroup_hierarchy=1.")
}

func journal(f *Facts) []Finding {
	if f.Journal || f.NoBus != "" || !f.Booted {
		return nil
	}
	return wrong("journald does not run", "What the projects say is lost, and their output can block them. Run: systemctl start systemd-journald.socket systemd-journald.service")
}

// little is less than a few uploads, a log and a database's journal need.
const little = 100 << 20

func disks(f *Facts) []Finding {
	var found []Finding
	for _, d := range f.Disks {
		if d.Free < little {
			found = append(found, wrong("A disk is nearly full", "%d MB are left on the one of %q. Run: df -h %s", d.Free>>20, d.Path, d.Path)...)
		}
	}
	return found
}

func names(f *Facts) []Finding {
	var found []Finding
	for _, name := range f.BadNames {
		found = append(found, doubtful("A file is no project's", "%q is left alone: a project file is called NAME.hcl, with a to z, 0 to 9 and inner dashes in NAME.", name)...)
	}
	return found
}

func leftovers(f *Facts) []Finding {
	var found []Finding
	for _, name := range f.Leftovers {
		found = append(found, doubtful("A unit is left of a project", "%s was written by sandwich, and no such project is enabled. Run: systemctl disable --now %s, and remove the file", name, name)...)
	}
	return found
}

// fewer is what PostgreSQL leaves to ordinary clients by default: 100, less those it reserves.
const fewer = 97

func pooled(f *Facts) []Finding {
	if f.Pooled <= fewer {
		return nil
	}
	return doubtful("The projects keep many database connections", "With CONN_MAX_AGE all projects together keep up to %d open; PostgreSQL allows 100 by default. If they share one: fewer workers, CONN_MAX_AGE = 0, or a larger max_connections.", f.Pooled)
}
