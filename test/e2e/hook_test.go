//go:build e2e

package e2e

import (
	"debug/elf"
	"path/filepath"
	"strings"
	"testing"
)

// What units run as root in a project's service must take nothing from the project: not its
// loader's settings, not its PATH, not its idea of where the system bus is.
func TestTheHooksTakeNothingFromTheProject(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/srv/polls/.env", "")
		m.Shell(`echo 'env_file = "/srv/polls/.env"' >>/etc/sandwich/projects/polls.hcl; sandwich apply`)
		root := strings.TrimSpace(start(nil, lab("path", m.name)).Stdout)
		program, err := elf.Open(filepath.Join(root, "usr/bin/sandwich"))
		if err != nil {
			t.Fatal(err)
		}
		defer program.Close()
		for _, part := range program.Progs {
			if part.Type == elf.PT_INTERP {
				t.Error("the program has a loader, which would obey LD_PRELOAD")
			}
		}

		m.Write("/srv/polls/bin/journalctl", "#!/bin/sh\nid >/run/taken\n")
		m.Shell("chmod 755 /srv/polls/bin/journalctl")
		m.Write("/srv/polls/.env", "PATH=/srv/polls/bin:/usr/bin\nDBUS_SYSTEM_BUS_ADDRESS=unix:path=/srv/polls/bus\n")
		m.MustRun("systemctl", "restart", "sandwich-polls.service")
		m.MustRun("systemctl", "restart", "sandwich-polls.service")
		m.Shell("echo 'import nosuchmodule' >>/srv/polls/mysite/wsgi.py")
		m.Run("systemctl", "reload", "sandwich-polls.service").wants(t, 1)
		if m.Has("/run/taken") {
			t.Error("a program of the project ran as root")
		}
		if said := m.Journal("--unit=sandwich-polls.service", "--output=cat"); strings.Contains(said, "/srv/polls/bus") {
			t.Errorf("a hook asked the project's bus:\n%s", said)
		}
	})
}

// At a shutdown all services stop at once, while the bus has 256 connections for root, whoever asks. Hooks
// leave some of them to others, and none waits for its turn longer than a stop may be kept from beginning.
func TestHooksOfManyServicesTakeTurns(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/root/many", `for i in $(seq 400); do MAINPID=1 sandwich hook stopping polls 2>>/root/said & done
while [ -n "$(jobs -r)" ]; do busctl status >/dev/null 2>>/root/refused; done
sandwich hook stopped polls
`)
		// A visitor whose page does not come keeps every hook on the bus that has its turn.
		m.Shell("systemctl kill --signal=STOP sandwich-polls.service; (curl --silent --max-time 60 --header 'Host: polls.example' http://127.0.0.1/polls/ >/root/page &); sleep 1; bash /root/many; systemctl kill --signal=CONT sandwich-polls.service")
		if refused := m.MustRun("cat", "/root/refused"); refused != "" {
			t.Errorf("others were refused:\n%s", refused)
		}
		if said := m.MustRun("cat", "/root/said"); strings.Contains(said, "cannot connect") {
			t.Errorf("hooks were refused:\n%s", said)
		}
	})
}
