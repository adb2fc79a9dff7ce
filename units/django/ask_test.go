package django

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// local runs commands on this machine, as whoever runs the tests.
type local struct{}

func (local) Run(ctx context.Context, c Command) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Dir, bytes.NewReader(c.Stdin), &out, &errs
	cmd.Env = []string{"PATH=/usr/bin:/bin"}
	for k, v := range c.Environment {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return Result{}, err
	}
	r := Result{Stdout: out.Bytes(), Stderr: errs.Bytes(), Exit: cmd.ProcessState.ExitCode()}
	if len(r.Stdout) > c.MaxOutput {
		r.Stdout, r.Truncated = r.Stdout[:c.MaxOutput], true
	}
	return r, nil
}

// fakeDjango is as much of Django as the script uses, with its way of loading settings lazily.
var fakeDjango = map[string]string{
	"django/__init__.py": "def get_version():\n    return '4.2.0'\n",
	"django/conf.py": `import importlib, os

class Lazy:
    STATIC_ROOT = MEDIA_ROOT = WSGI_APPLICATION = ASGI_APPLICATION = SECURE_PROXY_SSL_HEADER = None
    DEBUG = False
    MEDIA_URL = "/"
    INSTALLED_APPS, ALLOWED_HOSTS, DATABASES, CACHES, LOGGING = [], [], {}, {}, {}

    def __getattribute__(self, name):
        module = importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
        return getattr(module, name) if hasattr(module, name) else object.__getattribute__(self, name)

settings = Lazy()
`,
	"gunicorn/__init__.py": "__version__ = '23.0.0'\n",
}

func write(t *testing.T, files ...map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, set := range files {
		for name, content := range set {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

func ask(t *testing.T, settings string, files map[string]string) (Facts, string, error) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal("a python3 is needed: ", err)
	}
	root := write(t, files, map[string]string{"client_x/__init__.py": "", "client_x/settings.py": settings})
	facts, err := Ask(t.Context(), local{}, Question{Python: python, Dir: root, Settings: "client_x.settings"})
	return facts, root, err
}

func TestAProjectSaysWhatItsSettingsSay(t *testing.T) {
	facts, root, err := ask(t, `
import pathlib
print("a line on standard output")
BASE = pathlib.Path(__file__).parent.parent
SECRET_KEY = "canary"
DEBUG = True
ALLOWED_HOSTS = ["client-x.example", ".example.org"]
INSTALLED_APPS = ["django.contrib.staticfiles"]
WSGI_APPLICATION = "client_x.wsgi.application"
STATIC_URL, STATIC_ROOT = "static/", BASE / "static"
MEDIA_URL, MEDIA_ROOT = "/media/", "media"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE / "db" / "db.sqlite3", "PASSWORD": "canary"},
    "memory": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "other": {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "PASSWORD": "canary"},
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "/var/tmp/cache"}}
LOGGING = {"handlers": {"file": {"class": "logging.FileHandler", "filename": "logs/x.log"}, "none": {}}}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5000000
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CSRF_TRUSTED_ORIGINS = ("https://client-x.example",)
print("@@sandwich-answer@@{}@@sandwich-answer@@")
`, fakeDjango)
	if err != nil {
		t.Fatal(err)
	}
	root, _ = filepath.EvalSymlinks(root)
	if facts.Python == "" {
		t.Error("the python has no version")
	}
	facts.Python = ""
	want := Facts{
		Django: "4.2.0", Gunicorn: "23.0.0", WSGI: "client_x.wsgi:application",
		StaticURL: "static/", StaticRoot: root + "/static", StaticFiles: true, MediaURL: "/media/", MediaRoot: root + "/media",
		AllowedHosts: []string{"client-x.example", ".example.org"}, Debug: true,
		SQLiteDirs: []string{root + "/db"}, CacheDirs: []string{"/var/tmp/cache"}, LogDirs: []string{root + "/logs"},
		DataUploadMax: 5000000, ProxySSLHeader: true, CSRFTrustedOrigins: []string{"https://client-x.example"},
		SecretWeak: true,
	}
	if !reflect.DeepEqual(facts, want) {
		t.Errorf("said\n%+v\nwant\n%+v", facts, want)
	}
}

func TestSettingsWithValuesOfAnyTypeStillAnswer(t *testing.T) {
	facts, _, err := ask(t, `
class Bad:
    def __bool__(self): raise ValueError("canary")
    def __str__(self): raise ValueError("canary")
ALLOWED_HOSTS = 5
STATIC_ROOT = Bad()
STATIC_URL = b"static/"
DEBUG = Bad()
DATABASES = {"default": None, "x": {"ENGINE": 3, "NAME": 4}}
CACHES = [1]
LOGGING = "x"
MEDIA_ROOT = "a\nb"
WSGI_APPLICATION = "no dots"
DATA_UPLOAD_MAX_MEMORY_SIZE = None
INSTALLED_APPS = None
`, fakeDjango)
	if err != nil {
		t.Fatal(err)
	}
	if facts.StaticURL != "static/" || facts.MediaRoot != "" || facts.WSGI != "" || len(facts.Notes) < 5 || strings.Contains(strings.Join(facts.Notes, ""), "canary") {
		t.Errorf("%+v", facts)
	}
}

func TestWhyAProjectCannotAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		settings string
		files    map[string]string
		kind     Failure
		want     string
	}{
		"no django": {"", nil, NoDjango, "has no Django: ModuleNotFoundError: No module named 'django'"},
		"missing":   {"import environ", fakeDjango, SettingsFail, "the settings module client_x.settings could not be imported: ModuleNotFoundError: No module named 'environ'"},
		"key":       {"import os; os.environ['SECRET_KEY']", fakeDjango, SettingsFail, "could not be imported: KeyError: 'SECRET_KEY'"},
		"syntax":    {"x = = 1", fakeDjango, SettingsFail, "could not be imported: SyntaxError"},
		"exit":      {"import sys; sys.exit(3)", fakeDjango, SettingsFail, "could not be imported: SystemExit: 3"},
		"gone":      {"import os; os._exit(7)", fakeDjango, NoAnswer, "(exit status 7): it printed no answer"},
		"killed":    {"import os; os.kill(os.getpid(), 9)", fakeDjango, NoAnswer, "it printed no answer"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := ask(t, test.settings, test.files)
			var failure *AskError
			if !errors.As(err, &failure) || failure.Kind != test.kind || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			if name == "missing" && (failure.Missing != "environ" || !slices.ContainsFunc(failure.Traceback, func(s string) bool { return strings.Contains(s, "settings.py") })) {
				t.Errorf("%+v", failure)
			}
		})
	}
}

// given is a Runner that ends as it is told.
type given struct {
	result Result
	err    error
	seen   Command
}

func (g *given) Run(_ context.Context, c Command) (Result, error) {
	g.seen = c
	return g.result, g.err
}

func TestHowARunEndsIsSaid(t *testing.T) {
	q := Question{Python: "/usr/bin/python3", Settings: "a.b"}
	for want, run := range map[string]*given{
		"was not imported within 1m0s":        {result: Result{TimedOut: true}},
		"it printed too much":                 {result: Result{Truncated: true, Stdout: []byte("x")}},
		"no JSON":                             {result: Result{Stdout: []byte("@@sandwich-answer@@x@@sandwich-answer@@")}},
		"cannot run /usr/bin/python3: no bus": {err: errors.New("no bus")},
	} {
		if _, err := Ask(t.Context(), run, q); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestTheCommandIsWhatTheQuestionSays(t *testing.T) {
	run := &given{}
	q := Question{
		Python: "/p", Dir: "/d", Settings: "a.b", User: "u", Group: "g", EnvFile: "/e",
		Environment: map[string]string{"A": "b"}, Credentials: map[string]string{"c": "/c"},
	}
	_, _ = Ask(t.Context(), run, q)
	c := run.seen
	if !slices.Equal(c.Args, []string{"/p", "-B", "-"}) || c.Dir != "/d" || c.User != "u" || c.Group != "g" || c.EnvFile != "/e" ||
		c.Environment["A"] != "b" || c.Credentials["c"] != "/c" || !bytes.Contains(c.Stdin, []byte(`"a.b"`)) || c.Timeout == 0 || c.MaxOutput == 0 {
		t.Errorf("%+v", c)
	}
	for _, settings := range []string{"", `a"; import os`, "a.b\n", "a..b", "1a"} {
		run.seen = Command{}
		if _, err := Ask(t.Context(), run, Question{Settings: settings}); err == nil || run.seen.Args != nil {
			t.Errorf("%q is run", settings)
		}
	}
}

func FuzzParse(f *testing.F) {
	m := string(mark)
	for _, s := range []string{
		"", m, m + m, m + "{}" + m, m + "null" + m, m + "[]" + m, m + `{"failed":"django"}` + m, m + `{"failed":5}` + m,
		m + `{"static_root":"relative","media_root":"/a\nb","allowed_hosts":[1,null,"a"],"debug":"x","wsgi":"a","data_upload_max":-1}` + m,
		m + `{"wsgi":"a.b.c","asgi":"..","sqlite_dirs":["/a/../b","x"],"notes":"x"}` + m, m + "{\"python\":\"\\u001b[31m\"}" + m,
		"noise" + m + "{" + m + m + `{"django":"4"}` + m + "noise", m + `{"traceback":"a\r\nb\u001b","failed":"settings"}` + m,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, output []byte) {
		facts, err := parse(output)
		if err != nil {
			return
		}
		texts := slices.Concat([]string{
			facts.Python, facts.Django, facts.Gunicorn, facts.Uvicorn, facts.WSGI, facts.ASGI, facts.StaticURL, facts.StaticRoot, facts.MediaURL, facts.MediaRoot,
		}, facts.AllowedHosts, facts.SQLiteDirs, facts.CacheDirs, facts.LogDirs, facts.CSRFTrustedOrigins)
		for _, s := range texts {
			if s != printable(s) || len(s) > maxText {
				t.Errorf("%q gets through", s)
			}
		}
		for _, p := range slices.Concat([]string{facts.StaticRoot, facts.MediaRoot}, facts.SQLiteDirs, facts.CacheDirs, facts.LogDirs) {
			if p != "" && (!filepath.IsAbs(p) || p != filepath.Clean(p)) {
				t.Errorf("%q is no clean path", p)
			}
		}
	})
}
