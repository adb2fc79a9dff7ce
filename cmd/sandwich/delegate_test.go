package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAReleaseIsSaidInFullToRootsSide(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	full := filepath.Join(dir, "releases/2")
	for args, want := range map[string]string{
		"deploy x --release releases/2": "deploy x --release " + full, "deploy --release=releases/2 x": "deploy --release=" + full + " x",
		"deploy x --release ./releases/1/../2": "deploy x --release " + full, "deploy x --release /srv/x/2": "deploy x --release /srv/x/2",
		"deploy x": "deploy x", "deploy x --release": "deploy x --release", "run x -- y --release z": "run x -- y --release z",
	} {
		given := strings.Fields(args)
		if got := absoluteRelease(given); strings.Join(got, " ") != want {
			t.Errorf("%s: %q", args, got)
		}
		if !slices.Equal(given, strings.Fields(args)) {
			t.Errorf("%s was changed to %q", args, given)
		}
	}
}

func TestRootsSideRefusesAPathOfAnotherDirectory(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"releases/1", "releases/2"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(root, "current")
	if err := os.Symlink("releases/1", link); err != nil {
		t.Fatal(err)
	}
	r := releases{project: "x", link: link, dir: link}
	t.Chdir(root)
	if got, err := r.find("releases/2"); err != nil || !strings.HasSuffix(got, "/releases/2") {
		t.Errorf("%q, %v", got, err)
	}
	t.Setenv(actorVariable, "alice (uid 1000)")
	if got, err := r.find("releases/2"); err == nil || !strings.Contains(err.Error(), `sandwich deploy x --release "$PWD/releases/2"`) {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := r.find(filepath.Join(root, "releases/2")); err != nil {
		t.Error(err)
	}
}
