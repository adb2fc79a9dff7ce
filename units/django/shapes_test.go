package django

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestSettingsForProductionAreFoundBesideOthers(t *testing.T) {
	local := strings.ReplaceAll(manage, "client_x.settings", "client_x.settings.local")
	production := strings.ReplaceAll(manage, "client_x.settings", "client_x.settings.production")
	for name, c := range map[string]struct {
		manage string
		files  []string
		want   []string
	}{
		"in the package":         {manage, []string{"client_x/settings/__init__.py", "client_x/settings/production.py"}, []string{"client_x.settings.production"}},
		"beside the local ones":  {local, []string{"client_x/settings/local.py", "client_x/settings/prod.py"}, []string{"client_x.settings.prod"}},
		"two of them":            {local, []string{"client_x/settings/live.py", "client_x/settings/prod.py"}, []string{"client_x.settings.prod", "client_x.settings.live"}},
		"named by manage.py":     {production, []string{"client_x/settings/production.py", "client_x/settings/local.py"}, nil},
		"a single file":          {manage, []string{"client_x/settings.py"}, nil},
		"of another application": {manage, []string{"client_x/settings.py", "other/production.py"}, nil},
	} {
		files := map[string]string{"manage.py": c.manage}
		for _, file := range c.files {
			files[file] = ""
		}
		if l, _ := look(t, files); !slices.Equal(l.Deploy, c.want) {
			t.Errorf("%s: %q", name, l.Deploy)
		}
	}
}

func TestALegacyManageIsUnderstood(t *testing.T) {
	legacy := "from django.core.management import execute_manager\nimport settings\nexecute_manager(settings)\n"
	if l, _ := look(t, map[string]string{"manage.py": legacy, "settings.py": ""}); l.Settings != "settings" {
		t.Errorf("%+v", l)
	}
	if l, _ := look(t, map[string]string{"manage.py": legacy}); l.Settings != "" {
		t.Errorf("without settings.py: %+v", l)
	}
	if l, _ := look(t, map[string]string{"manage.py": "# execute_manager(settings)\n", "settings.py": ""}); l.Settings != "" {
		t.Errorf("a comment: %+v", l)
	}
}

func TestEnvironmentsThatPoetryAndPipenvKeepAreFound(t *testing.T) {
	root := write(t, map[string]string{"pyproject.toml": "[tool.poetry]\nname = \"Client X\"\n"})
	real, _ := filepath.EvalSymlinks(root)
	sum := sha256.Sum256([]byte(real))
	mine := "client_x-" + base64.URLEncoding.EncodeToString(sum[:])[:8] + "-py3.13"
	home := write(t, map[string]string{
		".cache/pypoetry/virtualenvs/" + mine + "/bin/python":                  "",
		".cache/pypoetry/virtualenvs/client_x-AAAAAAAA-py3.13/bin/python":      "",
		".local/share/virtualenvs/" + filepath.Base(root) + "-1/bin/python":    "",
		".local/share/virtualenvs/" + filepath.Base(root) + "-1/.project":      real + "\n",
		".local/share/virtualenvs/" + filepath.Base(root) + "-2/bin/python":    "",
		".local/share/virtualenvs/" + filepath.Base(root) + "-2/.project":      "/elsewhere",
		".local/share/virtualenvs/" + filepath.Base(root) + "-none/bin/python": "",
	})
	want := []string{
		filepath.Join(home, ".cache/pypoetry/virtualenvs", mine, "bin/python"),
		filepath.Join(home, ".local/share/virtualenvs", filepath.Base(root)+"-1/bin/python"),
	}
	if got := Managed(root, home); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := Managed(root, ""); got != nil {
		t.Errorf("without a home: %q", got)
	}
	if err := os.Remove(filepath.Join(root, "pyproject.toml")); err != nil {
		t.Fatal(err)
	}
	if got := Managed(root, home); len(got) != 1 {
		t.Errorf("without pyproject.toml: %q", got)
	}
}

func TestChannelsAreSeen(t *testing.T) {
	facts, _, err := ask(t, "INSTALLED_APPS = ['daphne']\n", fakeDjango)
	if err != nil || !facts.Channels {
		t.Errorf("%+v %v", facts, err)
	}
}
