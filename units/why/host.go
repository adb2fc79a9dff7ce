package why

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// databases are those that did not answer when the project asked them.
func databases(f *Facts) []Cause {
	if f.Examined == nil {
		return nil
	}
	var found []Cause
	for _, d := range f.Examined.Databases {
		lines := []Line{{Text: "OperationalError: " + d.Reason}}
		c := one("database-down", fmt.Sprintf("the database %q (%s) does not answer", d.Alias, d.Engine),
			"Start it, and name its unit in needs, so that it is started first.", "systemctl status 'postgresql*' 'mysql*' 'mariadb*'", "sandwich restart "+f.Name)[0].because(d.Reason)
		if named := symptomsOf(f, lines); len(named) > 0 && named[0].Kind != "import-broken" && named[0].Kind != "database-down" {
			c = named[0]
		}
		found = append(found, c)
	}
	return found
}

func migrations(f *Facts) []Cause {
	if f.Examined == nil || len(f.Examined.Pending) == 0 {
		return nil
	}
	pending := f.Examined.Pending
	c := one("migrations-pending", fmt.Sprintf("%d migrations were not carried out", len(pending)), "Migrate.", "sandwich manage "+f.Name+" migrate")[0]
	return []Cause{c.because(pending[:min(len(pending), 5)]...)}
}

// A disk counts as full below these: Django needs room for an upload, SQLite for its journal.
const (
	fewBytes  = 16 << 20
	fewInodes = 100
)

func disks(f *Facts) []Cause {
	for _, d := range f.Disks {
		switch {
		case d.Free < fewBytes:
			return one("disk-full", fmt.Sprintf("the disk of %s is full: %d MB left", d.Path, d.Free>>20), "Make room.", "df -h "+quote(d.Path), "du -xhd1 "+quote(d.Path))
		case d.Inodes && d.FreeInodes < fewInodes:
			return one("disk-full", "the disk of "+d.Path+" has no inode left: there are too many small files", "Remove some.", "df -i "+quote(d.Path))
		}
	}
	return nil
}

func needs(f *Facts) []Cause {
	var found []Cause
	for _, u := range f.Needs {
		if u.Active != "active" && u.Active != "activating" && u.Active != "" {
			found = append(found, one("need-down", u.Name+", which the project needs, is "+u.Active, "Start it.", "systemctl start "+quote(u.Name), "sandwich restart "+f.Name)...)
		}
	}
	return found
}

func journal(f *Facts) []Cause {
	if !f.NoJournal {
		return nil
	}
	return one("journal-down", "systemd-journald does not run: what the project says is lost, and its output can block it",
		"Start it.", "systemctl start systemd-journald.socket systemd-journald.service")
}

// mistakes are what check finds wrong, unless a cause has told it already by its remedy.
func mistakes(f *Facts) []Cause {
	var found []Cause
	for _, m := range f.Mistakes {
		if !m.Error && !atFault[m.Summary] {
			continue
		}
		c := one("project-file", lower(m.Summary), m.Detail, "sandwich check "+f.Name, "sandwich apply "+f.Name)[0]
		if strings.HasPrefix(m.Summary, "The proxy cannot") || strings.HasPrefix(m.Summary, "Static files cannot be reached") {
			c.Kind = "static-unreachable"
			c.Says += ": visitors get 403"
		}
		found = append(found, c.because(m.Place))
	}
	return found
}

// atFault are warnings of check that explain why something does not work.
var atFault = map[string]bool{
	"The proxy cannot read some static files": true,
	"The project's user cannot write":         true,
	"Static files are not collected":          true,
	"ALLOWED_HOSTS does not have a domain":    true,
}

func lower(s string) string {
	if len(s) > 1 && s[1] >= 'a' && s[1] <= 'z' {
		return strings.ToLower(s[:1]) + s[1:]
	}
	return s
}

// soon is when a certificate that was not renewed is a reason to worry: renewal is tried at two
// thirds of its life, so an ordinary one has thirty days then.
const soon = 7 * 24 * time.Hour

func hosts(f *Facts) []Cause {
	var found []Cause
	for _, h := range f.Hosts {
		switch {
		case h.Expires.IsZero():
		case h.Expires.Before(f.Now):
			found = append(found, one("certificate-expired", "the certificate of "+h.Name+" expired on "+h.Expires.Format(time.DateOnly),
				"Renew it.", "sandwich tls status", "journalctl -u sandwich-proxy -n 50")...)
		case h.Expires.Sub(f.Now) < soon:
			found = append(found, one("certificate-expires", "the certificate of "+h.Name+" expires on "+h.Expires.Format(time.DateOnly)+" and was not renewed",
				"See why.", "sandwich tls status", "journalctl -u sandwich-proxy -n 50")...)
		}
		switch {
		case h.Err != "":
			found = append(found, one("dns-missing", h.Name+" leads nowhere: "+h.Err, "Create the name where the domain is administered.", "getent ahosts "+quote(h.Name))...)
		case len(h.Elsewhere) > 0 && h.Public:
			found = append(found, one("dns-elsewhere", h.Name+" leads to "+strings.Join(h.Elsewhere, ", ")+", which is none of this host's addresses",
				"Point the name to this host, unless something in front of it passes requests on.", "getent ahosts "+quote(h.Name), "ip -brief address")...)
		}
	}
	return found
}

// drifted are units that somebody changed: they work, but the next apply puts them right.
func drifted(f *Facts) []Cause {
	for _, u := range []Unit{f.Service, f.Socket} {
		if u.Edited && u.Load == "loaded" {
			return one("unit-edited", "the file of "+u.Name+" was edited by hand", "Write it again; what is to stay belongs into a drop-in.",
				"sandwich plan "+f.Name, "sandwich apply "+f.Name, "systemctl edit "+u.Name)
		}
	}
	return nil
}

func changed(f *Facts) []Cause {
	if !f.Changed {
		return nil
	}
	return one("not-applied", f.File+" was changed and not applied", "Apply it.", "sandwich plan "+f.Name, "sandwich apply "+f.Name)
}

// limits are ceilings that a running project has reached.
func limits(f *Facts) []Cause {
	s := f.Slice
	if f.Service.Active != "active" {
		return nil
	}
	switch {
	case s.TasksMax > 0 && s.Tasks >= s.TasksMax:
		return one("tasks-limit", fmt.Sprintf("it has %d processes and threads, as many as limits { tasks } allows", s.Tasks),
			"Raise tasks in limits, or run fewer workers and threads.", "systemctl status "+s.Name, "sandwich apply "+f.Name)
	case near(s.Memory, s.MemoryHigh) || near(s.Memory, s.MemoryMax):
		return one("memory-limit", fmt.Sprintf("it uses %d MB of memory, nearly all that limits allow, and is slowed down", s.Memory>>20),
			"Raise memory in limits, or run fewer workers.", "systemctl status "+s.Name, "sandwich apply "+f.Name)
	}
	if busy, all := f.busy(); all > 0 && busy >= uint64(all) && f.Proxy.InFlight > uint32(all) {
		return one("workers-busy", fmt.Sprintf("all %d workers are busy and %d requests wait", all, f.Proxy.InFlight-uint32(all)),
			"See which requests are slow. Run more workers or threads only if CPU and memory have room.", "sandwich logs "+f.Name, "sandwich status "+f.Name)
	}
	return nil
}

func near(used, limit uint64) bool { return limit > 0 && used > limit/100*95 }

var loaded = regexp.MustCompile(`^(\d+) of (\d+) workers`)

// busy reads from the service's status line how many workers there are.
func (f *Facts) busy() (busy uint64, all int) {
	m := loaded.FindStringSubmatch(f.Service.Text)
	if m == nil {
		return 0, 0
	}
	all, _ = strconv.Atoi(m[2])
	return uint64(f.Proxy.InFlight), all
}
