//go:build e2e

// Package gunicorn proves, on booted machines with systemd 252 and 257, what units and gunicorn's
// settings file promise about a project's web service.
package gunicorn

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const lab = "../lab"

// gunicornDir has another gunicorn than Debian's when SANDWICH_TEST_GUNICORN names a directory with
// the package in it.
const gunicornDir = "/opt/gunicorn"

// machine is a booted Debian with the settings file where the package puts it.
type machine struct {
	name    string
	suite   string
	version int // of systemd
}

var machines = []machine{
	{"un-bookworm", "bookworm", 252},
	{"un-trixie", "trixie", 257},
}

func TestMain(m *testing.M) {
	code := 1
	if err := boot(); err != nil {
		fmt.Fprintln(os.Stderr, err)
	} else {
		code = m.Run()
	}
	for _, machine := range machines {
		exec.Command(lab, "down", machine.name).Run()
	}
	os.Exit(code)
}

func boot() error {
	for _, m := range machines {
		exec.Command(lab, "down", m.name).Run()
		if out, err := exec.Command(lab, "up", m.name, m.suite).CombinedOutput(); err != nil {
			return fmt.Errorf("cannot boot %s: %w\n%s", m.name, err, out)
		}
		if _, err := m.try("sh", "-ec", `groupadd --system sandwich-proxy; mkdir -p /run/sandwich /usr/share/sandwich; ln -s /bin/true /usr/bin/sandwich`); err != nil {
			return err
		}
		conf, err := os.ReadFile("../../socketact/gunicorn.conf.py")
		if err != nil {
			return err
		}
		if err := m.write("/usr/share/sandwich/gunicorn.conf.py", string(conf)); err != nil {
			return err
		}
		if other := os.Getenv("SANDWICH_TEST_GUNICORN"); other != "" {
			if err := m.copyTree(other, gunicornDir); err != nil {
				return err
			}
		}
	}
	return nil
}

// onEach runs a test on every machine.
func onEach(t *testing.T, test func(*testing.T, machine)) {
	for _, m := range machines {
		t.Run(m.suite, func(t *testing.T) { test(t, m) })
	}
}

// try runs a command and returns what it printed.
func (m machine) try(command ...string) (string, error) {
	cmd := exec.Command(lab, append([]string{"run", m.name}, command...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %s: %w\n%s", m.name, strings.Join(command, " "), err, out)
	}
	return string(out), err
}

// run is try for a command that must succeed.
func (m machine) run(t *testing.T, command ...string) string {
	t.Helper()
	out, err := m.try(command...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// write puts a file onto the machine's disk.
func (m machine) write(path, content string) error {
	return m.pipe(content, "sh", "-c", `mkdir -p "$(dirname "$0")" && cat >"$0"`, path)
}

func (m machine) pipe(input string, command ...string) error {
	cmd := exec.Command(lab, append([]string{"run", m.name}, command...)...)
	cmd.Stdin = strings.NewReader(input)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %s: %w\n%s", m.name, strings.Join(command, " "), err, out.String())
	}
	return nil
}

// copyTree puts a directory of this repository onto the machine's disk.
func (m machine) copyTree(from, to string) error {
	tar := exec.Command("tar", "-C", from, "--exclude=__pycache__", "-c", ".")
	archive, err := tar.Output()
	if err != nil {
		return fmt.Errorf("cannot pack %s: %w", from, err)
	}
	return m.pipe(string(archive), "sh", "-c", `mkdir -p "$0" && tar -C "$0" -x --no-same-owner`, to)
}

// hostPath is where a file inside a machine's mounts is seen from outside.
func (m machine) hostPath(path string) (string, error) {
	pid, err := os.ReadFile(filepath.Join("/run/sandwich-lab", m.name, "pid"))
	if err != nil {
		return "", err
	}
	nspawn := strings.TrimSpace(string(pid))
	children, err := os.ReadFile(fmt.Sprintf("/proc/%s/task/%s/children", nspawn, nspawn))
	if err != nil {
		return "", err
	}
	leader, _, _ := strings.Cut(string(children), " ")
	return filepath.Join("/proc", leader, "root", path), nil
}
