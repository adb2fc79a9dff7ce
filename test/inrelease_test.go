package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// releaseTree is a project with two releases, the first of which the link leads to.
func releaseTree(t *testing.T) (top string) {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"releases/1/src", "releases/2/src"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, release := range []string{"1", "2"} {
		script := "#!/bin/sh\necho own " + release + "\n"
		if err := os.WriteFile(filepath.Join(top, "releases", release, "own"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("releases/1", filepath.Join(top, "current")); err != nil {
		t.Fatal(err)
	}
	return top
}

// inRelease runs a command as the units of a project with releases do.
func inRelease(t *testing.T, top string, environment []string, command ...string) (string, error) {
	t.Helper()
	link := filepath.Join(top, "current")
	cmd := exec.Command("../packaging/libexec/in-release", append([]string{link, filepath.Join(link, "src")}, command...)...)
	cmd.Env = append([]string{"PATH=/usr/bin:/bin"}, environment...)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(strings.ReplaceAll(string(out), top, "TOP")), err
}

func TestAProcessStaysInTheReleaseItBeganIn(t *testing.T) {
	top := releaseTree(t)
	current := filepath.Join(top, "current")
	for _, c := range []struct {
		environment []string
		command     []string
		want        string
	}{
		{nil, []string{"sh", "-c", "pwd; pwd -P; echo $PWD"}, "TOP/releases/1/src\nTOP/releases/1/src\nTOP/releases/1/src"},
		{nil, []string{"echo", current + "/venv/bin/python", current, current + "-not", "x" + current}, "TOP/releases/1/venv/bin/python TOP/releases/1 TOP/current-not xTOP/current"},
		{nil, []string{"printf", "%s|", "", "a b", "*", "$HOME", "line\n"}, "|a b|*|$HOME|line\n|"},
		{[]string{"PATH=" + current + "/venv/bin:/usr/bin:/bin"}, []string{"sh", "-c", "echo $PATH"}, "TOP/releases/1/venv/bin:/usr/bin:/bin"},
		{[]string{"SANDWICH_GUNICORN_CONFIG=" + current + "/gunicorn.conf.py"}, []string{"sh", "-c", "echo $SANDWICH_GUNICORN_CONFIG"}, "TOP/releases/1/gunicorn.conf.py"},
		{[]string{"SANDWICH_RELEASE=" + top + "/releases/2"}, []string{"sh", "-c", "pwd; echo \"[$SANDWICH_RELEASE]\""}, "TOP/releases/2/src\n[]"},
		{nil, []string{"own"}, "own 1"},
		{[]string{"SANDWICH_RELEASE=" + top + "/releases/2"}, []string{"own"}, "own 2"},
		{nil, []string{current + "/own"}, "own 1"},
	} {
		if got, err := inRelease(t, top, c.environment, c.command...); err != nil || got != c.want {
			t.Errorf("%q %q: %v\n%q\nwant\n%q", c.environment, c.command, err, got, c.want)
		}
	}
}

func TestAReleaseThatIsNotThereStartsNothing(t *testing.T) {
	top := releaseTree(t)
	if got, err := inRelease(t, top, []string{"SANDWICH_RELEASE=" + top + "/releases/3"}, "echo", "started"); err == nil || strings.Contains(got, "started") {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := inRelease(t, top, nil, "no-such-program"); err == nil || !strings.Contains(got, "there is no program no-such-program") {
		t.Errorf("%q, %v", got, err)
	}
}
