//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

func TestAdminsManageTheirProjectAndNothingElse(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Shell("useradd --create-home alice; useradd --create-home bob; groupadd team; useradd --create-home --groups team carol; useradd --create-home mallory")
		m.Enable("polls", "a", `admins = ["alice", "@team"]`)
		m.Enable("shop", "b", `admins = ["bob"]`)
		m.adminsMay()
		m.adminsMayNot()
		m.nobodyElseGetsThrough()
		m.whoDidWhat()
	})
}

// typed runs a command line of a user, without a password to ask for.
func (m *Machine) typed(user, line string) Result {
	return m.As(user, "sh", "-c", "cd /; "+line)
}

func (m *Machine) adminsMay() {
	m.t.Helper()
	for _, user := range []string{"alice", "carol"} {
		for _, line := range []string{
			"sandwich restart a", "sandwich reload a", "sandwich stop a", "sandwich start a", "sandwich kill -s HUP a",
			"sandwich manage a check", "sandwich status a", "sandwich logs -n 5 a", "sandwich why a || test $? = 3",
		} {
			if r := m.typed(user, line); r.Code != 0 {
				m.t.Errorf("%s: %s exits with %d\n%s%s", user, line, r.Code, r.Stdout, r.Stderr)
			}
		}
	}
	if r := m.typed("alice", "sandwich run a -- id -un"); r.Stdout != "a\n" {
		m.t.Errorf("alice's command runs as %+v", r)
	}
	if r := m.typed("alice", "echo hello | sandwich run a -- cat"); r.Stdout != "hello\n" {
		m.t.Errorf("alice's pipe: %+v", r)
	}
	if r := m.typed("alice", "sandwich run a -- sh -c 'exit 7'"); r.Code != 7 {
		m.t.Errorf("an exit code: %+v", r)
	}
	out := m.typed("alice", `script -qec "sandwich run a -- sh -c 'tty; id -un'" /dev/null </dev/null`)
	if !strings.Contains(out.Stdout, "/dev/pts/") {
		m.t.Errorf("alice's terminal: %+v", out)
	}
	r := m.typed("alice", `timeout --signal=INT 3 sandwich run a -- sh -c "trap 'echo got it; exit 9' INT; for i in $(seq 300 | tr '\n' ' '); do sleep 0.1; done"`)
	if !strings.Contains(r.Stdout, "got it") {
		m.t.Errorf("alice's signal: %+v", r)
	}
}

// adminsMayNot tries what must not work: other projects, other verbs, tricks with names and options.
func (m *Machine) adminsMayNot() {
	m.t.Helper()
	before := m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-b.service", "sandwich-proxy.service")
	for _, line := range []string{
		"sandwich restart b", "sandwich restart a b", "sandwich restart --all", "sandwich restart a --all", "sandwich stop --all=true a", "sandwich stop b",
		"sandwich manage b check", "sandwich run b -- id", "sandwich shell b", "sandwich kill -s KILL b", "sandwich kill -s KILL a b",
		"sandwich run a.b -- id", "sandwich restart ../b", "sandwich restart 'a*'", "sandwich restart '*'", "sandwich restart a.service", "sandwich restart sandwich-b",
		"sandwich restart 'a b'", "sandwich restart ''", "sandwich restart a/../b", `sandwich restart "$(printf 'a\nb')"`, "sandwich restart a@b", "sandwich stop a.target",
		"sandwich enable a", "sandwich disable a", "sandwich apply a", "sandwich apply", "sandwich init /srv/a", "sandwich hook stopping b", "sandwich hook delegate",
		"sandwich proxy reload", "systemctl --no-ask-password restart sandwich-a.service", "systemctl --no-ask-password stop sandwich-proxy.service",
		"sandwich help restart b && false", "sandwich -- restart b", "sandwich restart -- b", "sandwich restart -h=false b",
		"cat /etc/shadow", "systemd-run --no-ask-password true",
	} {
		if r := m.typed("alice", line); r.Code == 0 {
			m.t.Errorf("alice may: %s\n%s%s", line, r.Stdout, r.Stderr)
		}
	}
	if after := m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-b.service", "sandwich-proxy.service"); after != before {
		m.t.Errorf("something of another project was restarted: %q, before %q", after, before)
	}
	// What root's side runs is not steered by the environment, nor does it write where its caller may not.
	m.Write("/tmp/evil/sh", "#!/bin/sh\ntouch /tmp/owned\n")
	m.Shell("chmod -R a+rx /tmp/evil")
	m.typed("alice", `PATH=/tmp/evil:$PATH LD_PRELOAD=/tmp/evil/x.so DBUS_SYSTEM_BUS_ADDRESS=unix:path=/tmp/evil/bus TERM="$(printf 'x\ny')" SANDWICH_ACTOR=root GOTRACEBACK=crash sandwich restart a`)
	if m.Has("/tmp/owned") {
		m.t.Error("a program of alice's ran as root")
	}
	if r := m.typed("alice", "sandwich run a -- true >/etc/owned"); r.Code == 0 || m.Has("/etc/owned") {
		m.t.Error("alice wrote to /etc")
	}
}

// nobodyElseGetsThrough speaks to the socket directly, as somebody who is no admin and as one who lies.
func (m *Machine) nobodyElseGetsThrough() {
	m.t.Helper()
	for _, line := range []string{"sandwich restart a", "sandwich logs b", "sandwich manage a check", "sandwich restart a b"} {
		if r := m.typed("mallory", line); r.Code == 0 && !strings.HasPrefix(line, "sandwich logs") {
			m.t.Errorf("mallory may: %s\n%s", line, r.Stdout)
		}
	}
	m.Write("/tmp/speak.py", `
import socket, json, sys, array
def speak(packet, fds):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.settimeout(10); s.connect("/run/sandwich-admin.sock")
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    try:
        s.sendmsg([packet], ancillary)
        return s.recv(70000)
    except OSError as e:
        return b"error " + str(e).encode()
ask = lambda *args: json.dumps({"args": args, "environment": {"LD_PRELOAD": "/tmp/x", "PATH": "/tmp/evil"}}).encode()
for packet, fds in [(b"", []), (b"{", [0, 1, 2]), (ask("restart", "a"), [0]), (ask("restart", "a"), []), (ask(), [0, 1, 2]), (ask("hook", "delegate"), [0, 1, 2]),
                    (ask("restart", "b"), [0, 1, 2]), (ask("restart", "a", "--all"), [0, 1, 2]), (b"x" * 130000, [0, 1, 2]), (ask("enable", "a"), [0, 1, 2]), (ask("logs", "b"), [0, 1, 2])]:
    answer = speak(packet, fds)
    print(packet[:60], answer)
    assert b'"exit":0' not in answer or b"no_admin" in answer, answer
`)
	for _, user := range []string{"mallory", "alice"} {
		if r := m.typed(user, "python3 /tmp/speak.py"); r.Code != 0 {
			m.t.Errorf("%s speaks to the socket: %s%s", user, r.Stdout, r.Stderr)
		}
	}
	// Whoever keeps connections open does not keep others out for longer than the patience.
	m.typed("mallory", `python3 -c '
import socket
held = []
for i in range(64):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect("/run/sandwich-admin.sock"); held.append(s)
for s in held: s.recv(10)
'`)
	if r := m.typed("alice", "sandwich run a -- true"); r.Code != 0 {
		m.t.Errorf("after a flood alice may not: %+v", r)
	}
}

func (m *Machine) whoDidWhat() {
	m.t.Helper()
	journal := m.Journal("-o", "cat")
	for _, user := range []string{"alice", "carol"} {
		uid := strings.TrimSpace(m.MustRun("id", "-u", user))
		if want := fmt.Sprintf("sandwich restart a, asked by %s (uid %s)", user, uid); !strings.Contains(journal, want) {
			m.t.Errorf("the journal does not say %q", want)
		}
	}
	if strings.Contains(journal, "asked by root") && strings.Contains(journal, "restart a, asked by root") {
		m.t.Error("the journal says that root restarted a")
	}
}
