//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

func TestCommandsRunAsTheProjectDoes(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Write("/etc/sandwich/polls.env", "API_KEY=canary-of-the-env-file\n")
		m.Enable("polls", "polls", `env_file = "/etc/sandwich/polls.env"`, `environment = { GREETING = "100% $HOME" }`)

		run := func(args ...string) Result { return m.Run(append([]string{"sandwich"}, args...)...) }
		if r := run("manage", "polls", "shell", "-c", "from polls.models import Question; print(Question.objects.count())"); r.Code != 0 || strings.TrimSpace(r.Stdout) == "0" {
			t.Errorf("manage: %+v", r)
		}
		script := `id -un; pwd; echo "$GREETING"; echo "$API_KEY"; touch /srv/polls/x 2>/dev/null || echo read-only; ls /etc/sandwich 2>/dev/null | wc -l; cat /proc/self/cgroup`
		r := run("run", "polls", "--", "sh", "-c", script)
		for _, want := range []string{"polls\n", "/srv/polls\n", "100% $HOME\n", "canary-of-the-env-file\n", "read-only\n", "\n0\n", "sandwich-polls.slice/sandwich-polls.run-"} {
			if !strings.Contains(r.Stdout, want) {
				t.Errorf("a command beside the service does not say %q:\n%s%s", want, r.Stdout, r.Stderr)
			}
		}
		for args, code := range map[string]int{
			"run polls -- sh -c 'exit 7'": 7, "run polls -- sh -c 'kill -9 $$'": 137, "run polls -- no-such-program": 127,
			"manage polls no-such-command": 1, "run polls": 2, "run nobody -- true": 4,
		} {
			if r := m.Run("sh", "-c", "sandwich "+args); r.Code != code {
				t.Errorf("sandwich %s exits with %d: %s%s", args, r.Code, r.Stdout, r.Stderr)
			}
		}
		if got := m.Shell(`printf 'one\ntwo\n' | sandwich run polls -- wc -l`); strings.TrimSpace(got) != "2" {
			t.Errorf("input through a pipe: %q", got)
		}
		m.atATerminal()
		m.signals()
		if left := m.Run("systemctl", "list-units", "--all", "--no-legend", "sandwich-polls.run-*").Stdout; left != "" {
			t.Errorf("left behind: %s", left)
		}
	})
}

// atATerminal runs things as a person at a terminal would.
func (m *Machine) atATerminal() {
	m.t.Helper()
	out := m.Shell(`script -qec "stty rows 33 cols 77; sandwich run polls -- sh -c 'tty; stty size; id -un; exit 3'; echo code=\$?" /dev/null </dev/null`)
	for _, want := range []string{"/dev/pts/", "33 77", "polls", "code=3"} {
		if !strings.Contains(out, want) {
			m.t.Errorf("at a terminal there is no %q:\n%s", want, out)
		}
	}
	if out := m.Shell(`(sleep 1; echo 'echo $((6*7)) in $(pwd)'; echo exit) | script -qec "sandwich shell polls" /dev/null`); !strings.Contains(out, "42 in /srv/polls") {
		m.t.Errorf("a shell: %s", out)
	}
}

// signals sends the program one, which the command gets.
func (m *Machine) signals() {
	m.t.Helper()
	began := time.Now()
	r := m.Run("timeout", "--signal=INT", "2", "sandwich", "run", "polls", "--", "sh", "-c", `trap 'echo got it; exit 9' INT; for i in $(seq 300); do sleep 0.1; done`)
	if !strings.Contains(r.Stdout, "got it") || time.Since(began) > 20*time.Second {
		m.t.Errorf("a signal: %+v", r)
	}
	m.MustRun("sandwich", "kill", "-s", "HUP", "polls")
	if r := m.Run("sandwich", "kill", "-s", "NOSUCH", "polls"); r.Code != 2 {
		m.t.Errorf("a signal that there is not: %+v", r)
	}
}
