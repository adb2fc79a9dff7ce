package django

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const manage = `#!/usr/bin/env python
import os
def main():
    # os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'commented.out')
    os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'client_x.settings')
`

func look(t *testing.T, files map[string]string) (Layout, string) {
	t.Helper()
	root := write(t, files)
	l, err := Look(root)
	if err != nil {
		t.Fatal(err)
	}
	return l, root
}

func TestACommonProjectIsFound(t *testing.T) {
	l, root := look(t, map[string]string{"manage.py": manage, "client_x/wsgi.py": "", "client_x/asgi.py": "", "venv/bin/python": "", "venv/pyvenv.cfg": ""})
	if l.Dir != root || l.Settings != "client_x.settings" || l.Python != root+"/venv/bin/python" || l.WSGI != "client_x.wsgi:application" ||
		l.ASGI != "client_x.asgi:application" || l.Ambiguous() {
		t.Errorf("%+v", l)
	}
}

func TestGunicornsOwnSettingsFileIsFoundWhereGunicornLooks(t *testing.T) {
	l, root := look(t, map[string]string{"src/manage.py": manage, "src/gunicorn.conf.py": "", "gunicorn.conf.py": ""})
	if l.Gunicorn != root+"/src/gunicorn.conf.py" {
		t.Errorf("%+v", l)
	}
}

func TestTheServersOwnSettingsAreToldApart(t *testing.T) {
	production := "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'client_x.settings.production')"
	l, _ := look(t, map[string]string{"manage.py": manage, "client_x/wsgi.py": production})
	if l.Settings != "client_x.settings" || l.Serving != "client_x.settings.production" {
		t.Errorf("%+v", l)
	}
	l, _ = look(t, map[string]string{"manage.py": manage, "client_x/wsgi.py": manage})
	if l.Serving != "" {
		t.Errorf("%+v", l)
	}
}

func TestAProjectOneLevelBelowIsFound(t *testing.T) {
	l, root := look(t, map[string]string{
		"src/manage.py": "os.environ[\"DJANGO_SETTINGS_MODULE\"] = \"config.settings.production\"", "src/config/wsgi.py": "", "src/.venv/bin/python": "",
	})
	if l.Dir != root+"/src" || l.Settings != "config.settings.production" || l.WSGI != "config.wsgi:application" || l.Python != root+"/src/.venv/bin/python" {
		t.Errorf("%+v", l)
	}
}

func TestTheRootsOwnManageComesFirst(t *testing.T) {
	if l, root := look(t, map[string]string{"manage.py": manage, "template/manage.py": manage}); l.Dir != root || l.Ambiguous() {
		t.Errorf("%+v", l)
	}
}

func TestTwoProjectsAreAmbiguous(t *testing.T) {
	if l, root := look(t, map[string]string{"a/manage.py": manage, "b/manage.py": manage}); !l.Ambiguous() || l.Dir != root || l.Settings != "" {
		t.Errorf("%+v", l)
	}
}

func TestVirtualEnvironmentsOfAllKindsAreFound(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"/env/bin/python":       {"env/bin/python": ""},
		"/venv/bin/python3":     {"venv/bin/python3": "", "env/bin/python": ""},
		"/elsewhere/bin/python": {".venv": "elsewhere\n", "elsewhere/bin/python": ""},
		"/py312/bin/python":     {"py312/bin/python": "", "py312/pyvenv.cfg": "", "tool/bin/python": ""},
		"":                      {"tool/bin/python": ""},
	} {
		l, root := look(t, files)
		want := name
		if name != "" {
			want = root + name
		}
		if l.Python != want {
			t.Errorf("found %q, want %q", l.Python, want)
		}
	}
}

func TestAnEmptyDirectoryTellsNothing(t *testing.T) {
	if l, root := look(t, nil); l.Dir != root || l.Settings+l.Python+l.WSGI+l.ASGI != "" || len(l.Manage) > 0 {
		t.Errorf("%+v", l)
	}
	if _, err := Look(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that is not there is looked at")
	}
}

func TestAPipeInATreeKeepsNobodyWaiting(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"manage.py", ".venv"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "loop"), filepath.Join(root, "loop")); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _, _ = Look(root) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("Look waits")
	}
}

func FuzzSettingsOf(f *testing.F) {
	f.Add(manage)
	f.Add(`os.environ["DJANGO_SETTINGS_MODULE"] = "a..b"`)
	f.Add(`environ.setdefault("DJANGO_SETTINGS_MODULE" , 'a.b.')`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src string) {
		name := filepath.Join(dir, "manage.py")
		if err := os.WriteFile(name, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		if s := settingsOf(name); s != "" && !dotted(s) {
			t.Errorf("%q is no module", s)
		}
	})
}
