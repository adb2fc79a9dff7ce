//go:build e2e

package e2e

import "testing"

// What has the units of a project started at boot is made by sandwich itself, and is what systemctl makes.
func TestEnabledIsWhatSystemctlMakesOfIt(t *testing.T) {
	const links = "cd /etc/systemd/system; find . -name 'sandwich-polls*' -type l -printf '%p -> %l\n' | sort"
	const installs = "sandwich-polls.socket sandwich-polls.service sandwich-polls.target"
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		before := m.Shell("find /etc/systemd/system | sort")
		m.Enable("polls", "polls")
		m.Shell("systemctl is-enabled " + installs)
		ours := m.Shell(links)
		m.Shell("systemctl disable " + installs + "; test -z \"$(" + links + ")\"; systemctl enable " + installs)
		if theirs := m.Shell(links); theirs != ours {
			t.Errorf("sandwich makes\n%swhere systemctl makes\n%s", ours, theirs)
		}
		m.Run("sandwich", "plan", "polls").wants(t, 0, "polls: nothing to do")

		m.Shell("systemctl disable sandwich-polls.target; sandwich enable polls")
		if again := m.Shell(links); again != ours {
			t.Errorf("enabled again there is\n%swant\n%s", again, ours)
		}
		m.MustRun("sandwich", "disable", "polls")
		if after := m.Shell("find /etc/systemd/system | sort"); after != before {
			t.Errorf("disabled there is\n%swant\n%s", after, before)
		}
	})
}
