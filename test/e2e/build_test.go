//go:build e2e

package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheSameCommitGivesTheSamePackages(t *testing.T) {
	t.Parallel()
	first := buildCommit(t, "umask 022; packaging/build")
	second := buildCommit(t, "umask 077; export TZ=Asia/Tokyo LC_ALL=C; touch packaging/*/* LICENSE; packaging/build")
	for _, kind := range []string{"*.deb", "*.rpm"} {
		if a, b := read(t, first, kind), read(t, second, kind); !bytes.Equal(a, b) {
			t.Errorf("%s differs: %d and %d bytes", kind, len(a), len(b))
		}
	}
}

// buildCommit builds what is committed, in a directory of its own.
func buildCommit(t *testing.T, script string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "source")
	clone := exec.Command("git", "clone", "--quiet", top, dir)
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("cannot clone: %s", out)
	}
	build := exec.Command("bash", "-ec", script)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build: %s", out)
	}
	return filepath.Join(dir, "dist")
}

func read(t *testing.T, dir, pattern string) []byte {
	t.Helper()
	found, _ := filepath.Glob(filepath.Join(dir, pattern))
	if len(found) != 1 {
		t.Fatalf("%s in %s: %v", pattern, dir, found)
	}
	content, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return content
}
