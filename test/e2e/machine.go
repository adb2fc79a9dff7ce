//go:build e2e

// Package e2e checks sandwich as its users meet it: from its package, on a Debian with a real
// systemd. test/lab boots the machines; what is fast to check without one is left to the tests
// beside the code.
package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Machine is a booted Debian. It ends with the test that booted it.
type Machine struct {
	t     testing.TB
	name  string
	Suite string // bookworm (systemd 252) or trixie (systemd 257)

	virtual bool   // it is test/vm's, not test/lab's
	front   string // the address of its proxy; "" where each is as it is written

	pidOnce sync.Once
	pidText string
}

// Result is what a command did.
type Result struct {
	Stdout, Stderr string
	Code           int
}

var booted atomic.Int64

// top is the top of the source tree; tests run in their own directory.
var top, _ = filepath.Abs("../..")

// forEachDebian runs a test on its own machine of every suite, side by side with the other tests: go test's
// -parallel says how many machines are up at once.
func forEachDebian(t *testing.T, test func(t *testing.T, m *Machine)) {
	t.Parallel()
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			test(t, Boot(t, suite))
		})
	}
}

// Boot boots a machine of the suite. A machine that does not boot fails the test.
func Boot(t testing.TB, suite string) *Machine {
	t.Helper()
	m := &Machine{t: t, Suite: suite, name: fmt.Sprintf("e2e-%d-%d", os.Getpid(), booted.Add(1))}
	t.Cleanup(m.end)
	if r := start(nil, lab("up", m.name, suite)); r.Code != 0 {
		t.Fatalf("cannot boot a %s machine: %s", suite, r.Stderr)
	}
	return m
}

// Run runs a command as root.
func (m *Machine) Run(command ...string) Result {
	return start(nil, m.command(command...))
}

// MustRun runs a command as root, fails the test unless it exits with 0, and gives its output.
func (m *Machine) MustRun(command ...string) string {
	m.t.Helper()
	r := m.Run(command...)
	if r.Code != 0 {
		m.t.Fatalf("%s exited with %d\n%s%s", strings.Join(command, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// Shell runs a script of sh and fails the test unless it exits with 0.
func (m *Machine) Shell(script string) string {
	m.t.Helper()
	return m.MustRun("sh", "-ec", script)
}

// As runs a command as another user.
func (m *Machine) As(user string, command ...string) Result {
	// Not every user's group has its name.
	script := `exec setpriv --reuid "$0" --regid "$(id -g "$0")" --init-groups -- "$@"`
	return m.Run(append([]string{"sh", "-c", script, user}, command...)...)
}

// Write makes a file of root's, and the directories above it.
func (m *Machine) Write(path, content string) {
	m.t.Helper()
	r := start(strings.NewReader(content), m.command("sh", "-ec", `mkdir -p "$(dirname "$0")"; cat >"$0"`, path))
	if r.Code != 0 {
		m.t.Fatalf("cannot write %s: %s", path, r.Stderr)
	}
}

// Copy copies a file or a tree of this machine to dir.
func (m *Machine) Copy(source, dir string) {
	m.t.Helper()
	var archive bytes.Buffer
	tar := exec.Command("tar", "-C", filepath.Dir(source), "--owner=root", "--group=root", "-cf-", filepath.Base(source))
	tar.Stdout = &archive
	if err := tar.Run(); err != nil {
		m.t.Fatalf("cannot read %s: %v", source, err)
	}
	m.MustRun("mkdir", "-p", dir)
	if r := start(&archive, m.command("tar", "-C", dir, "-xf-")); r.Code != 0 {
		m.t.Fatalf("cannot copy %s to %s: %s", source, dir, r.Stderr)
	}
}

// Has reports whether the path exists; it may have wildcards.
func (m *Machine) Has(path string) bool {
	return m.Run("sh", "-c", "ls -d "+path).Code == 0
}

// Journal is the journal as journalctl prints it with these arguments.
func (m *Machine) Journal(args ...string) string {
	return m.Run(append([]string{"journalctl", "--no-pager", "-b"}, args...)...).Stdout
}

// crash is what a Go program prints when it must not go on.
var crash = regexp.MustCompile(`(?m)^(panic: |fatal error: |goroutine \d+ \[|WARNING: DATA RACE|BUG).*$`)

// end takes the machine down, after a look at what it has to say.
func (m *Machine) end() {
	if found := crash.FindString(m.Journal("-o", "cat")); found != "" {
		m.t.Errorf("the journal has %q", found)
	}
	if m.t.Failed() {
		console, _ := os.ReadFile(m.live() + "/console")
		m.t.Logf("%s's console ends with:\n%s\nand its journal with:\n%s", m.Suite, tail(string(console), 10),
			m.Journal("-n", "60", "-o", "short-monotonic"))
	}
	if r := start(nil, m.tool("down", m.name)); r.Code != 0 {
		m.t.Errorf("cannot take the machine down: %s", r.Stderr)
	}
}

// live is where the machine's tool keeps it.
func (m *Machine) live() string {
	if m.virtual {
		return "/run/sandwich-vm/" + m.name
	}
	return "/run/sandwich-lab/" + m.name
}

func (m *Machine) command(command ...string) *exec.Cmd {
	return m.tool(append([]string{"run", m.name}, command...)...)
}

func (m *Machine) tool(args ...string) *exec.Cmd {
	if m.virtual {
		return exec.Command(filepath.Join(top, "test/vm"), args...)
	}
	return lab(args...)
}

func lab(args ...string) *exec.Cmd { return exec.Command(filepath.Join(top, "test/lab"), args...) }

func start(stdin io.Reader, command *exec.Cmd) Result {
	var stdout, stderr bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = stdin, &stdout, &stderr
	err := command.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String(), Code: command.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Code, r.Stderr = -1, err.Error()
	}
	return r
}

func tail(text string, lines int) string {
	all := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
