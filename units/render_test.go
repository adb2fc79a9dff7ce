package units

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

var update = flag.Bool("update", false, "write the units that Render makes into testdata")

func TestRenderedUnitsAreThoseInTestdata(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			files, err := Render(c.project(), c.version)
			if err != nil {
				t.Fatal(err)
			}
			compareDir(t, filepath.Join("testdata", c.name), files)
		})
	}
}

// compareDir wants exactly the files in a directory, or writes them there.
func compareDir(t *testing.T, dir string, files []unitfile.File) {
	t.Helper()
	if *update {
		writeDir(t, dir, files)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(files) {
		t.Errorf("%s has %d files, %d were rendered", dir, len(entries), len(files))
	}
	for _, file := range files {
		want, err := os.ReadFile(filepath.Join(dir, file.Name))
		if err != nil {
			t.Error(err)
		} else if file.Content != string(want) {
			t.Errorf("%s is not as in testdata (-update writes it); now:\n%s", file.Name, file.Content)
		}
	}
}

func writeDir(t *testing.T, dir string, files []unitfile.File) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.WriteFile(filepath.Join(dir, file.Name), []byte(file.Content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for what, spoil := range map[string]func(*project.Project){
		"a name with a path":     func(p *project.Project) { p.Name = "../x" },
		"a name of 49 letters":   func(p *project.Project) { p.Name = strings.Repeat("x", 49) },
		"root":                   func(p *project.Project) { p.User = "root" },
		"a NUL in a variable":    func(p *project.Project) { p.Environment = map[string]string{"A": "\x00"} },
		"a relative interpreter": func(p *project.Project) { p.Python = "bin/python" },
	} {
		p := minimal("x")
		spoil(p)
		if _, err := Render(p, 257); err == nil || !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
