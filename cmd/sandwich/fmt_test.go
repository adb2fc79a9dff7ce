package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFmtWritesTheUsualFormAndSaysWhichFilesChanged(t *testing.T) {
	dir := t.TempDir()
	ugly, good, broken := filepath.Join(dir, "ugly.hcl"), filepath.Join(dir, "good.hcl"), filepath.Join(dir, "broken.hcl")
	for file, content := range map[string]string{
		ugly: "root=\"/srv/x\"\ngunicorn {\nworkers=2 # two\n}\n", good: "root = \"/srv/x\"\n", broken: "root = \"/srv\nx {\n",
	} {
		if err := os.WriteFile(file, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if stdout, _, code := said(t, "fmt", "--check", ugly, good); code != 1 || stdout != ugly+"\n" {
		t.Errorf("--check: %d %q", code, stdout)
	}
	if stdout, _, code := said(t, "fmt", "--diff", ugly); code != 0 || !strings.Contains(stdout, "+  workers = 2 # two") {
		t.Errorf("--diff: %d %q", code, stdout)
	}
	stdout, stderr, code := said(t, "fmt", ugly, good, broken)
	if code != exitMistakes || stdout != ugly+"\n" || !strings.Contains(stderr, broken) {
		t.Errorf("fmt: %d %q %q", code, stdout, stderr)
	}
	content, _ := os.ReadFile(ugly)
	if want := "root = \"/srv/x\"\ngunicorn {\n  workers = 2 # two\n}\n"; string(content) != want {
		t.Errorf("written: %q", content)
	}
	if info, _ := os.Stat(ugly); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %s", info.Mode())
	}
	if content, _ := os.ReadFile(broken); string(content) != "root = \"/srv\nx {\n" {
		t.Errorf("a file with mistakes was changed: %q", content)
	}
}

func TestASignalHasANameOrANumber(t *testing.T) {
	for _, text := range []string{"HUP", "SIGHUP", "hup", "1"} {
		if signal, err := signalOf(text); err != nil || signal != 1 {
			t.Errorf("%s: %v, %v", text, signal, err)
		}
	}
	for _, text := range []string{"", "NOSUCH", "-1", "65", "0"} {
		if _, err := signalOf(text); err == nil {
			t.Errorf("%q is a signal", text)
		}
	}
}
