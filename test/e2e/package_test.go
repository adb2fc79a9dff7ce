//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const proxyUnits = "sandwich-proxy.socket sandwich-proxy.service"

func TestInstallingLeavesARunningProxy(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.MustRun("apt-get", "install", "-y", "--no-install-recommends", m.CopyPackage())
		m.Shell("systemctl is-active " + proxyUnits + "; systemctl is-enabled " + proxyUnits)
		m.Shell("test -d /run/sandwich; test -d /var/lib/sandwich/routes; test -d /etc/sandwich/projects")
		if failed := m.MustRun("systemctl", "--failed", "--quiet", "--no-legend"); strings.TrimSpace(failed) != "" {
			t.Errorf("failed units after installing:\n%s", failed)
		}
		if answer := m.Get("nobody.example", "/"); answer.StatusCode != 421 {
			t.Errorf("an unknown host gets %s", answer.Status)
		}
		m.MustRun("sandwich", "check")
		m.MustRun("sandwich", "proxy", "status")
	})
}

func TestThePackagedUnitsAreWellFormed(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		said := m.Shell("cd /usr/lib/systemd/system; systemd-analyze verify --man=no --recursive-errors=yes sandwich-proxy.socket sandwich-proxy.service sandwich.slice 2>&1")
		for _, line := range strings.Split(said, "\n") {
			if strings.Contains(line, "sandwich") {
				t.Error(line)
			}
		}
		score := exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-proxy.service"))
		if score > 2.0 {
			t.Errorf("systemd-analyze security gives the proxy %.1f", score)
		}
	})
}

func exposure(t *testing.T, report string) float64 {
	t.Helper()
	found := regexp.MustCompile(`exposure level for \S+: (\d+\.\d)`).FindStringSubmatch(report)
	if found == nil {
		t.Fatalf("no score in %q", tail(report, 3))
	}
	score, err := strconv.ParseFloat(found[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return score
}

func TestTheProxyReadsFilesWhereverProjectsKeepThem(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		pid := strings.TrimSpace(m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-proxy.service"))
		for _, dir := range []string{"/srv/site", "/home/client/site", "/var/www/site", "/opt/site"} {
			m.Write(dir+"/style.css", "body {}")
			// The service's own view of the disk.
			m.MustRun("nsenter", "-t", pid, "-m", "setpriv", "--reuid", "sandwich-proxy", "--clear-groups", "cat", dir+"/style.css")
		}
	})
}

func TestRemovingTakesTheUnitsAndLeavesTheProjectFiles(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/systemd/system/sandwich-mine.service", "[Service]\nExecStart=/bin/true\n")

		m.MustRun("dpkg", "--remove", "sandwich")
		for _, gone := range []string{
			"/etc/systemd/system/sandwich-polls*", "/etc/systemd/system/*.wants/sandwich-polls*", "/run/sandwich",
			"/var/lib/sandwich/routes/polls.json", "/usr/bin/sandwich",
		} {
			if m.Has(gone) {
				t.Errorf("%s is still there", gone)
			}
		}
		if units := m.MustRun("systemctl", "list-units", "--quiet", "--no-legend", "sandwich*"); strings.TrimSpace(units) != "" {
			t.Errorf("units after removing:\n%s", units)
		}
		for _, kept := range []string{"/etc/sandwich/projects/polls.hcl", "/etc/sandwich/sandwich.hcl", "/etc/systemd/system/sandwich-mine.service"} {
			if !m.Has(kept) {
				t.Errorf("%s is gone", kept)
			}
		}

		m.Install()
		m.Shell("systemctl is-active " + proxyUnits)
		m.MustRun("sandwich", "enable", "polls")
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("after installing again: %s", answer.Status)
		}

		m.MustRun("dpkg", "--purge", "sandwich")
		if m.Has("/var/lib/sandwich") || m.Has("/var/cache/sandwich-proxy") || m.Has("/etc/sandwich/sandwich.hcl") {
			t.Error("state is left after purging")
		}
		if !m.Has("/etc/sandwich/projects/polls.hcl") {
			t.Error("purging took a project file away")
		}
	})
}

func TestPurgingAnUnusedPackageLeavesNothing(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.MustRun("dpkg", "--purge", "sandwich")
		left := m.Run("sh", "-c", "find / -xdev -path /proc -prune -o -name '*sandwich*' -not -path '/root/*' -print")
		if strings.TrimSpace(left.Stdout) != "" {
			t.Errorf("left behind:\n%s", left.Stdout)
		}
	})
}

func TestAnUpgradeStopsNothing(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		listening := m.MustRun("systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "sandwich-proxy.socket", "sandwich-polls.socket", "sandwich-polls.service")
		m.MustRun("dpkg", "-i", m.CopyPackage())
		after := m.MustRun("systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "sandwich-proxy.socket", "sandwich-polls.socket", "sandwich-polls.service")
		if listening != after {
			t.Errorf("the upgrade restarted something: %q became %q", listening, after)
		}

		m.MustRun("systemctl", "stop", "sandwich-proxy.service")
		m.MustRun("systemctl", "mask", "--now", "sandwich-proxy.socket")
		m.MustRun("dpkg", "-i", m.CopyPackage())
		if state := m.Run("systemctl", "is-active", "sandwich-proxy.socket"); state.Code == 0 {
			t.Error("the upgrade started what the administrator had masked")
		}
	})
}

func TestInstallingWithPort80TakenSaysWhoHasIt(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.MustRun("systemd-run", "--quiet", "--unit=old-server", "--property=Type=exec", "python3", "-m", "http.server", "80")
		m.Shell("for try in $(seq 100); do curl -s -o /dev/null http://127.0.0.1/ && exit; sleep 0.05; done; exit 1")
		r := m.Run("dpkg", "-i", m.CopyPackage())
		if r.Code != 0 || !strings.Contains(r.Stderr, "python3 listens on port 80") {
			t.Errorf("dpkg exited with %d and said:\n%s%s", r.Code, r.Stdout, r.Stderr)
		}
		m.Shell("systemctl stop old-server; systemctl start " + proxyUnits)
	})
}

func TestInstallingInAnImageWithoutSystemdRunning(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		// An empty /run is what a chroot of an image build has.
		m.MustRun("unshare", "--mount", "sh", "-ec", "mount -t tmpfs tmpfs /run; dpkg -i "+m.CopyPackage())
		m.Shell("systemctl is-enabled " + proxyUnits + "; id sandwich-proxy; getent group sandwich")
		// What a first boot does.
		m.Shell("systemctl daemon-reload; systemd-tmpfiles --create; busctl call org.freedesktop.DBus /org/freedesktop/DBus org.freedesktop.DBus ReloadConfig; systemctl start sockets.target multi-user.target; systemctl is-active " + proxyUnits)
	})
}

// otherInit runs a script as the first process of a machine that SysV's init has booted: as far as what
// is installed can tell, systemd is not there.
const otherInit = `mount -t tmpfs tmpfs /run; cp /bin/sh /run/init; exec unshare --pid --fork --mount-proc /run/init -ec '%s'`

func TestWhereAnotherInitRunsItIsSaid(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.AddProject("tiny", "tiny")
		m.Write("/etc/sandwich/projects/tiny.hcl", "root    = \"/srv/tiny\"\ndomains = [\"tiny.test\"]\n")
		under := func(script string) Result {
			return m.Run("unshare", "--mount", "sh", "-ec", fmt.Sprintf(otherInit, script))
		}
		under("dpkg -i "+m.CopyPackage()+"; echo PID 1 is $(cat /proc/1/comm)").wants(t, 0, "PID 1 is init", "this machine was booted with init: nothing of it runs here until systemd is the init")
		for _, command := range []string{"enable tiny", "check tiny", "status tiny", "list"} {
			under("sandwich "+command).wants(t, 1, "this machine was not booted with it (its first process is init)")
		}
		under("sandwich doctor").wants(t, 1, "systemd")
		under("sandwich fmt; sandwich version").wants(t, 0)
		under("dpkg --remove sandwich").wants(t, 0)
		if m.Has("/etc/systemd/system/sandwich-tiny*") {
			t.Error("units were written that nothing reads")
		}
	})
}

// Debian's rpm runs the package's scripts as Fedora's does; what the distributions themselves add
// (presets, triggers) is not seen here.
func TestTheRPMInstallsUpgradesAndErases(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		rpm := []string{"rpm", "--nodeps"}
		if m.Suite == "bookworm" {
			rpm = append(rpm, "--force-debian")
		}
		m.MustRun(append(rpm, "--install", m.CopyRPM())...)
		m.Shell("systemctl is-active " + proxyUnits + "; systemctl is-enabled " + proxyUnits)
		m.Enable("polls", "polls")

		before := m.MustRun("systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "sandwich-proxy.socket", "sandwich-polls.service")
		m.MustRun(append(rpm, "--upgrade", "--force", m.CopyRPM())...)
		if after := m.MustRun("systemctl", "show", "-P", "ActiveEnterTimestampMonotonic", "sandwich-proxy.socket", "sandwich-polls.service"); after != before {
			t.Errorf("the upgrade restarted something: %q became %q", before, after)
		}
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("after the upgrade: %s", answer.Status)
		}

		m.MustRun(append(rpm, "--erase", "sandwich")...)
		if m.Has("/etc/systemd/system/sandwich*") || m.Has("/etc/systemd/system/*.wants/sandwich*") || m.Has("/run/sandwich") {
			t.Error("erasing left units behind")
		}
		if !m.Has("/etc/sandwich/projects/polls.hcl") {
			t.Error("erasing took a project file away")
		}
	})
}
