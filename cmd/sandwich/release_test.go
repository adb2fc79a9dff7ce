package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAReleaseLiesBesideTheLink(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"site/releases/1/src", "site/releases/2/src", "site/releases/3", "site/a b/src", "elsewhere/src"} {
		if err := os.MkdirAll(filepath.Join(top, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{"site/current": "releases/1", "site/latest": "releases/2", "site/out": "../elsewhere"} {
		if err := os.Symlink(target, filepath.Join(top, link)); err != nil {
			t.Fatal(err)
		}
	}
	r := releases{project: "x", link: filepath.Join(top, "site/current"), dir: filepath.Join(top, "site/current/src")}
	if current, err := r.current(); err != nil || current != filepath.Join(top, "site/releases/1") {
		t.Errorf("the current release is %s, %v", current, err)
	}
	for dir, want := range map[string]string{
		"site/releases/2": "site/releases/2", "site/latest": "site/releases/2", "site/releases/../releases/2/": "site/releases/2",
		"site": "", "site/out": "", "elsewhere": "", "site/nothing": "", "site/releases/3": "", "site/a b": "", "..": "",
	} {
		got, err := r.find(filepath.Join(top, dir))
		if want != "" && (err != nil || got != filepath.Join(top, want)) || want == "" && err == nil {
			t.Errorf("%s: %s, %v", dir, got, err)
		}
	}
	for dir, want := range map[string]string{"site/releases/2/src": "site/releases/2", "site/releases/2": "", "elsewhere/src": "", "..": ""} {
		if want != "" {
			want = filepath.Join(top, want)
		}
		if got := r.around(filepath.Join(top, dir)); got != want {
			t.Errorf("who works in %s is in %q", dir, got)
		}
	}
}

func TestAProcessThatHasNotGoneToItsReleaseYetIsInNone(t *testing.T) {
	r := releases{project: "x", link: "/srv/x/current", dir: "/srv/x/current"}
	if got := r.around("/"); got != "" {
		t.Errorf("%q", got)
	}
}

func TestAProjectWithoutReleasesHasNoneToDeploy(t *testing.T) {
	r := releases{project: "x", dir: "/srv/x"}
	_, err := r.find("/srv/x")
	var exit *exitError
	if !errors.As(err, &exit) || exit.code != exitUsage || !strings.Contains(err.Error(), "no symbolic link") {
		t.Error(err)
	}
	if current, err := r.current(); err != nil || current != "/srv/x" {
		t.Error(current, err)
	}
	if got := string(r.environment("/srv/x", "SANDWICH_UNMIGRATED=1")); got != "SANDWICH_UNMIGRATED=1\n" {
		t.Errorf("%q", got)
	}
}

func TestAStepIsNamedAsItsFileHasIt(t *testing.T) {
	d := &deploy{releases: releases{link: "/srv/x/current"}}
	for _, c := range []struct{ got, want string }{
		{strings.Join(d.plainly([]string{"/usr/libexec/sandwich/in-release", "/srv/x/current", "/srv/x/current", "/srv/x/current/venv/bin/python", "/srv/x/current/manage.py", "migrate"}), " "), "manage.py migrate"},
		{strings.Join(d.plainly([]string{"/usr/libexec/sandwich/in-release", "/srv/x/current", "/srv/x/current", "npm", "run", "build"}), " "), "npm run build"},
		{strings.Join((&deploy{}).plainly([]string{"/usr/bin/python3", "/srv/x/manage.py", "migrate"}), " "), "manage.py migrate"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
