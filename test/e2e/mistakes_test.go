//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// wants fails the test unless a command ended with the exit code and said every one of the words.
func (r Result) wants(t *testing.T, code int, words ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d:\n%s%s", r.Code, code, r.Stdout, r.Stderr)
	}
	for _, word := range words {
		if !strings.Contains(r.Stdout+r.Stderr, word) {
			t.Errorf("it does not say %q:\n%s%s", word, r.Stdout, r.Stderr)
		}
	}
}

func TestAMistakeInOneProjectTouchesNoOther(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/etc/sandwich/projects/client-y.hcl", `root = "/srv/nowhere"
domain = ["client-y.example"]
gunicorn {
  workers = "many"
}
idle {
  after = "soon"
}
`)
		all := []string{"client-y.hcl:1,", "/srv/nowhere", "client-y.hcl:2,1: error:", `Did you mean "domains"?`, "client-y.hcl:4,", "client-y.hcl:7,"}
		m.Run("sandwich", "check").wants(t, 5, append(all, "polls: good")...)
		m.Run("sandwich", "check", "polls").wants(t, 0)
		m.Run("sandwich", "enable", "client-y").wants(t, 5)
		m.Run("sandwich", "apply").wants(t, 0, "polls: nothing to do")
		m.Run("sandwich", "enable", "--all").wants(t, 5)
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("the other site answers %s", answer.Status)
		}
	})
}

func TestWhatIsBrokenLaterIsSaidAndServesOn(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		good := m.MustRun("cat", "/etc/sandwich/projects/polls.hcl")
		serves := func(what string) {
			t.Helper()
			if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
				t.Errorf("%s: the site answers %s", what, answer.Status)
			}
		}
		for what, content := range map[string]string{
			"half a file":   good[:len(good)/2] + "\nroot = \"/srv/",
			"not text":      "\x00\xff\xfe",
			"endless nests": strings.Repeat("a {\n", 20000),
		} {
			m.Write("/etc/sandwich/projects/polls.hcl", content)
			m.Run("sandwich", "apply").wants(t, 5, "/etc/sandwich/projects/polls.hcl")
			serves(what)
		}
		m.Write("/etc/sandwich/projects/polls.hcl", good)

		m.MustRun("mv", "/srv/polls", "/srv/away")
		m.Run("sandwich", "apply").wants(t, 5, "There is no directory", "/srv/polls")
		m.MustRun("mv", "/srv/away", "/srv/polls")
		m.Run("sandwich", "apply").wants(t, 0, "nothing to do")

		m.MustRun("rm", "/etc/sandwich/projects/polls.hcl")
		m.Run("sandwich", "apply").wants(t, 1, "its project file is gone", "sandwich disable polls")
		serves("without its file")
		m.Run("sandwich", "disable", "polls").wants(t, 0)
	})
}

func TestAProjectWhoseUserIsGoneIsRefused(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("polls", "polls")
		m.MustRun("sandwich", "init", "/srv/polls")
		m.MustRun("userdel", "polls")
		m.Run("sandwich", "enable", "polls").wants(t, 5, "no name on this host")
		m.MustRun("chown", "-R", "root:root", "/srv/polls")
		m.Run("sandwich", "enable", "polls").wants(t, 5, "root")
		if m.Has("/etc/systemd/system/sandwich-polls*") {
			t.Error("units are left of a project that was refused")
		}
	})
}

func TestAFullDiskChangesNothing(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("polls", "polls")
		m.MustRun("sandwich", "init", "/srv/polls")
		for _, dir := range []string{"/etc/systemd/system", "/var/lib/sandwich/routes"} {
			m.Shell(`cp -a ` + dir + ` /tmp/kept
				mount -t tmpfs -o size=64k,mode=755 full ` + dir + `
				cp -a /tmp/kept/. ` + dir + `; rm -r /tmp/kept
				head -c 1000000 /dev/zero >` + dir + `/fill || true`)
			m.Run("sandwich", "enable", "polls").wants(t, 1, "no space left on device", dir)
			if m.Has("/etc/systemd/system/sandwich-polls*") || m.Has("/var/lib/sandwich/routes/polls.json") {
				t.Error("something is left")
			}
			m.MustRun("umount", "-l", dir)
			m.MustRun("systemctl", "daemon-reload")
		}
		m.Run("sandwich", "enable", "polls").wants(t, 0)
	})
}

func TestTheAdministratorsOwnUnitsAreRespected(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("polls", "polls")
		m.MustRun("sandwich", "init", "/srv/polls")

		m.MustRun("systemctl", "mask", "sandwich-polls.service")
		m.Run("sandwich", "enable", "polls").wants(t, 1, "masked", "systemctl unmask")
		m.MustRun("systemctl", "unmask", "sandwich-polls.service")

		m.Write("/etc/systemd/system/sandwich-polls.service", "[Service]\nExecStart=/bin/true\n")
		m.Run("sandwich", "enable", "polls").wants(t, 1, "was not written by sandwich")
		m.MustRun("rm", "/etc/systemd/system/sandwich-polls.service")

		m.MustRun("ln", "-s", "/etc/shadow", "/etc/systemd/system/sandwich-polls.socket")
		shadow := m.MustRun("cat", "/etc/shadow")
		m.Run("sandwich", "enable", "polls").wants(t, 1, "symbolic link")
		m.MustRun("rm", "/etc/systemd/system/sandwich-polls.socket")
		if m.MustRun("cat", "/etc/shadow") != shadow {
			t.Error("the link was followed")
		}

		m.Run("sandwich", "enable", "polls").wants(t, 0)
		m.Write("/etc/systemd/system/sandwich-polls.service.d/mine.conf", "[Service]\nEnvironment=MINE=1\n")
		m.Run("sandwich", "plan", "polls").wants(t, 0, "files changed since")
		m.Run("sandwich", "apply", "polls").wants(t, 0)
		m.Run("sandwich", "plan", "polls").wants(t, 0, "nothing to do", "extended by /etc/systemd/system/sandwich-polls.service.d/mine.conf")
		m.Run("sandwich", "status", "polls").wants(t, 0, "drop-in: /etc/systemd/system/sandwich-polls.service.d/mine.conf")
		if !m.Has("/etc/systemd/system/sandwich-polls.service.d/mine.conf") {
			t.Error("the drop-in is gone")
		}
	})
}

func TestDriftIsShownAndPutRight(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Shell("sed -i s/RestartSec=.*/RestartSec=77/ /etc/systemd/system/sandwich-polls.service; systemctl daemon-reload")
		m.Run("sandwich", "status", "polls").wants(t, 0, "drift", "was edited by hand", "runs since before its file was written")
		m.Run("sandwich", "plan", "polls").wants(t, 0, "RestartSec=", "edited by hand", "restart sandwich-polls.service", "-RestartSec=77")
		m.Run("sandwich", "apply", "polls").wants(t, 0)
		m.Run("sandwich", "plan", "polls").wants(t, 0, "nothing to do")
		if said := m.MustRun("sandwich", "status", "polls"); strings.Contains(said, "drift") {
			t.Errorf("after apply:\n%s", said)
		}
	})
}

func TestExitCodesAndRights(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Run("sandwich", "status", "polls").wants(t, 0)
		m.Run("sandwich", "status", "nosuch").wants(t, 4, "no project")
		m.Run("sandwich", "restart", "nosuch").wants(t, 4)
		m.Run("sandwich", "restart").wants(t, 2)
		m.Run("sandwich", "nosuchverb").wants(t, 2, "no verb")
		m.Run("sandwich", "list", "--nosuchflag").wants(t, 2)
		m.Run("sandwich", "update").wants(t, 2, "sandwich apply")
		for _, verb := range []string{"status", "list", "plan", "version", "check"} {
			m.Run("sandwich", verb, "--json").wants(t, 0, `"format_version": 1`)
		}
		m.As("nobody", "sandwich", "status", "polls").wants(t, 0, "running")
		m.As("nobody", "sandwich", "list").wants(t, 0, "polls")
		for _, verb := range []string{"restart", "stop", "apply", "disable", "enable"} {
			m.As("nobody", "sandwich", verb, "polls").wants(t, 1, "needs root")
		}
		m.Run("sandwich", "stop", "polls").wants(t, 0)
		m.Run("sandwich", "status", "polls").wants(t, 3, "stopped")
		m.Run("sandwich", "start", "polls").wants(t, 0)
		m.Run("sandwich", "status", "polls").wants(t, 0)
		m.Run("sandwich", "logs", "polls", "-n", "50").wants(t, 0, "Booting worker")
	})
}
