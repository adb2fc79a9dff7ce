package apply

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestALinkIsMovedInOneStep(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "current")
	for _, target := range []string{"/r/1", "/r/2"} {
		// What a killed command left is in nobody's way.
		_ = os.Symlink("/r/killed", filepath.Join(dir, ".current.new"))
		if err := MoveLink(link, dir, target); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.Readlink(link); got != target {
			t.Errorf("it leads to %q", got)
		}
	}
	if names, _ := os.ReadDir(dir); len(names) != 1 {
		t.Errorf("there are %v", names)
	}
}

func TestNobodyMakesRootWriteALinkElsewhere(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(dir, "elsewhere")
	if err := os.Mkdir(elsewhere, 0o755); err != nil {
		t.Fatal(err)
	}
	// The project's owner has put a link in place of the directory.
	if err := os.Symlink(elsewhere, filepath.Join(dir, "site")); err != nil {
		t.Fatal(err)
	}
	if err := MoveLink(filepath.Join(dir, "site", "current"), filepath.Join(dir, "site"), "/r/1"); err == nil {
		t.Error("it was moved")
	}
	if names, _ := os.ReadDir(elsewhere); len(names) != 0 {
		t.Errorf("there is %v", names)
	}
}

func TestANewFileIsThereAsAWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "client-x.hcl")
	if err := WriteNew(file, []byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(file, []byte("second")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file that is there: %v", err)
	}
	content, err := os.ReadFile(file)
	if err != nil || string(content) != "first" {
		t.Errorf("it holds %q, %v", content, err)
	}
	if info, _ := os.Stat(file); info.Mode() != 0o644 {
		t.Errorf("its mode is %v", info.Mode())
	}
	if err := os.Symlink("/nowhere", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(filepath.Join(dir, "link"), nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a link that is there: %v", err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 2 {
		t.Errorf("there are %v", names)
	}
}
