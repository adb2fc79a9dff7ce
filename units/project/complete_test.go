package project

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
)

// found is a common Django project on a common host.
func found() Found {
	return Found{
		Owner: "client-x", Group: "client-x", CPUs: 2,
		Layout: django.Layout{
			Manage: []string{"/srv/client-x/src/manage.py"}, Dir: "/srv/client-x/src", Settings: "client_x.settings",
			Python: "/srv/client-x/venv/bin/python", WSGI: "client_x.wsgi:application", ASGI: "client_x.asgi:application",
		},
		Facts: &django.Facts{
			Python: "3.11.2", Django: "4.2", Gunicorn: "23.0.0", WSGI: "client_x.wsgi:application",
			StaticURL: "static/", StaticRoot: "/srv/client-x/static", StaticFiles: true, MediaURL: "/media/", MediaRoot: "/srv/client-x/media",
			AllowedHosts: []string{"Client-X.example", ".www.client-x.example", "localhost", "127.0.0.1", "[::1]", "client-x.example"},
			SQLiteDirs:   []string{"/srv/client-x/db"}, CacheDirs: []string{"/var/cache/client-x"}, LogDirs: []string{"/var/log", "/srv/client-x/db"},
		},
	}
}

func complete(t *testing.T, src string, f Found) (*Project, hcl.Diagnostics) {
	t.Helper()
	return Complete(mustLoad(t, src), f)
}

func mustComplete(t *testing.T, src string, f Found) *Project {
	t.Helper()
	p, diags := complete(t, src, f)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

const onlyRoot = `root = "/srv/client-x"`

func TestARootIsEnoughForACommonProject(t *testing.T) {
	loaded := mustLoad(t, onlyRoot)
	before := clone(loaded)
	p, diags := Complete(loaded, found())
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	if !reflect.DeepEqual(loaded, before) {
		t.Error("Complete changed what it was given")
	}
	if p.Dir != "/srv/client-x/src" || p.User != "client-x" || p.Group != "client-x" || p.Python != "/srv/client-x/venv/bin/python" ||
		p.Settings != "client_x.settings" || p.App != "client_x.wsgi:application" || p.ASGI || p.Gunicorn.WorkerClass != "sync" {
		t.Errorf("%+v", p)
	}
	if p.Gunicorn.Workers != 5 || p.Gunicorn.WorkersReason != "2 CPUs: 2 x 2 + 1" {
		t.Errorf("%+v", p.Gunicorn)
	}
	if want := []string{"client-x.example", "www.client-x.example"}; !slices.Equal(p.Domains, want) {
		t.Errorf("domains %q", p.Domains)
	}
	statics := []Static{
		{Prefix: "/static/", Root: "/srv/client-x/static", MaxAge: time.Minute},
		{Prefix: "/media/", Root: "/srv/client-x/media", MaxAge: time.Minute, Uploads: true},
	}
	if !reflect.DeepEqual(p.Statics, statics) {
		t.Errorf("statics %+v", p.Statics)
	}
	if want := []string{"/srv/client-x/db", "/srv/client-x/media", "/var/cache/client-x", "/var/log"}; !slices.Equal(p.Writable, want) {
		t.Errorf("writable %q", p.Writable)
	}
}

func TestTwoSettingsModulesAreAQuestion(t *testing.T) {
	f := found()
	f.Layout.Serving = "client_x.settings.production"
	_, diags := Complete(mustLoad(t, onlyRoot), f)
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, `settings = "client_x.settings.production"`) {
		t.Error(diags)
	}
	if _, diags := Complete(mustLoad(t, onlyRoot+"\nsettings = \"client_x.settings\"\n"), f); len(diags) > 0 {
		t.Error(diags)
	}
}

func TestGunicornsOwnSettingsAreChainedUnlessOthersAreStated(t *testing.T) {
	f := found()
	f.Layout.Gunicorn = "/srv/client-x/src/gunicorn.conf.py"
	for text, want := range map[string]string{
		onlyRoot: "/srv/client-x/src/gunicorn.conf.py",
		onlyRoot + "\ngunicorn {\n  config = \"own.py\"\n}\n": "/srv/client-x/own.py",
	} {
		if p, _ := Complete(mustLoad(t, text), f); p.Gunicorn.Config != want {
			t.Errorf("%s: %q", text, p.Gunicorn.Config)
		}
	}
}

func TestWhatTheFileStatesIsKept(t *testing.T) {
	p := mustComplete(t, onlyRoot+`
domains  = ["other.example"]
user     = "other"
python   = "/usr/bin/python3.12"
settings = "other.settings"
app      = "other.wsgi:app"
writable = []
gunicorn {
  workers = 3
}
static "/static/" {
  max_age = "1h"
}
static "/media/" {
  root    = "/srv/elsewhere"
  uploads = false
}
`, found())
	if p.User != "other" || p.Python != "/usr/bin/python3.12" || p.Settings != "other.settings" || p.App != "other.wsgi:app" || p.Gunicorn.Workers != 3 ||
		p.Gunicorn.WorkersReason != "" || len(p.Writable) != 0 || !slices.Equal(p.Domains, []string{"other.example"}) {
		t.Errorf("%+v", p)
	}
	want := []Static{{Prefix: "/static/", Root: "/srv/client-x/static", MaxAge: time.Hour}, {Prefix: "/media/", Root: "/srv/elsewhere", MaxAge: time.Minute}}
	if !reflect.DeepEqual(p.Statics, want) {
		t.Errorf("statics %+v", p.Statics)
	}
}

func TestAnASGIProjectGetsUvicornWorkers(t *testing.T) {
	f := found()
	f.Facts.ASGI = "client_x.asgi:application"
	if p := mustComplete(t, onlyRoot, f); p.ASGI || p.App != "client_x.wsgi:application" {
		t.Errorf("with both, %s is chosen", p.App)
	}
	f.Facts.WSGI = ""
	if p := mustComplete(t, onlyRoot, f); !p.ASGI || p.App != "client_x.asgi:application" || p.Gunicorn.WorkerClass != uvicornWorker {
		t.Errorf("%s %v %s", p.App, p.ASGI, p.Gunicorn.WorkerClass)
	}
	if p := mustComplete(t, onlyRoot+"\ngunicorn {\n  worker_class = \"uvicorn_worker.UvicornWorker\"\n}", f); !p.ASGI || p.Gunicorn.WorkerClass != "uvicorn_worker.UvicornWorker" {
		t.Errorf("%v %s", p.ASGI, p.Gunicorn.WorkerClass)
	}
}

func TestAutoWorkersAreBounded(t *testing.T) {
	for cpus, want := range map[int]string{0: "1 CPU: 2 x 1 + 1", 1: "1 CPU: 2 x 1 + 1", 5: "5 CPUs: 2 x 5 + 1", 64: "64 CPUs: 2 x 64 + 1 = 129, at most 12"} {
		f := found()
		f.CPUs = cpus
		p := mustComplete(t, onlyRoot, f)
		if p.Gunicorn.WorkersReason != want || p.Gunicorn.Workers > maxAuto {
			t.Errorf("%d CPUs: %d, %s", cpus, p.Gunicorn.Workers, p.Gunicorn.WorkersReason)
		}
	}
}

func TestAddressesOfStaticFiles(t *testing.T) {
	for address, want := range map[string]string{
		"static/": "/static/", "/static": "/static/", "/a/b/": "/a/b/", "https://cdn.example/static/": "", "//cdn.example/x/": "",
		"https://client-x.example/static/": "/static/", "/": "", "": "", "/a%2fb/": "/a/b/", "/a b/": "", "/../": "", ":": "", "?": "",
	} {
		f := found()
		f.Facts.StaticURL, f.Facts.MediaURL, f.Facts.MediaRoot = address, "", ""
		p := mustComplete(t, onlyRoot+"\ndomains = [\"client-x.example\"]", f)
		got := ""
		if len(p.Statics) > 0 {
			got = p.Statics[0].Prefix
		}
		if got != want {
			t.Errorf("%q is served as %q, want %q", address, got, want)
		}
	}
}

func TestWhatCouldNotBeFoundNamesTheAttribute(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Found)
		src    string
		want   string
	}{
		"root":        {func(f *Found) { f.Owner = "root" }, onlyRoot, "Write user"},
		"nameless":    {func(f *Found) { f.Owner = "" }, onlyRoot, "Write user"},
		"no manage":   {func(f *Found) { f.Layout = django.Layout{Dir: "/srv/client-x"} }, onlyRoot, "Write settings"},
		"ambiguous":   {func(f *Found) { f.Layout.Manage = []string{"/srv/client-x/a/manage.py", "/srv/client-x/b/manage.py"} }, onlyRoot, "Make root the directory"},
		"no app":      {func(f *Found) { f.Facts.WSGI, f.Layout.WSGI, f.Layout.ASGI = "", "", "" }, onlyRoot, "Write app"},
		"no domains":  {func(f *Found) { f.Facts.AllowedHosts = nil }, onlyRoot, "Write domains"},
		"wildcard":    {func(f *Found) { f.Facts.AllowedHosts = []string{"*"} }, onlyRoot, "Write domains"},
		"rootless":    {func(*Found) {}, onlyRoot + "\nstatic \"/other/\" {\n}", "Write root"},
		"publishes":   {func(f *Found) { f.Facts.StaticRoot = "/srv/client-x" }, onlyRoot, "a directory of their own"},
		"not asked":   {func(f *Found) { f.Facts, f.Unasked = nil, "only root may run it" }, onlyRoot, "only root may run it. Write domains"},
		"not asked 2": {func(f *Found) { f.Facts, f.Unasked, f.Layout.WSGI, f.Layout.ASGI = nil, "no", "", "" }, onlyRoot, "Write app and domains"},
	} {
		t.Run(name, func(t *testing.T) {
			f := found()
			test.change(&f)
			_, diags := complete(t, test.src, f)
			if !diags.HasErrors() || len(diags) != 1 || !strings.Contains(diags[0].Detail, test.want) {
				t.Errorf("told %v, want %q", diags, test.want)
			}
			if diags[0].Subject == nil {
				t.Error("no place")
			}
		})
	}
}

func TestAProjectThatWasNotAskedCanStillBeComplete(t *testing.T) {
	f := found()
	f.Facts, f.Unasked = nil, "only root may run it"
	p, diags := complete(t, onlyRoot+"\ndomains = [\"client-x.example\"]", f)
	if diags.HasErrors() || len(diags) != 1 || !strings.Contains(diags[0].Detail, "only root may run it") {
		t.Error(diags)
	}
	if p.App != "client_x.wsgi:application" {
		t.Error(p.App)
	}
}

func TestACommandNeedsNoDjango(t *testing.T) {
	f := found()
	f.Facts, f.Layout = nil, django.Layout{Dir: "/srv/client-x"}
	if _, diags := complete(t, onlyRoot+"\ncommand = [\"bin/serve\"]\ndomains = [\"client-x.example\"]", f); diags.HasErrors() {
		t.Error(diags)
	}
}

func TestInternalFilesAreNotBelowTheUploadsOfTheSettings(t *testing.T) {
	for internal, isPublic := range map[string]bool{
		`internal "/protected/" { root = "media/private" }`: true, `internal "/protected/" { root = "private" }`: false,
		`internal "/media/private/" { root = "media/private" }`: false,
	} {
		p := mustLoad(t, "root = \"/srv/client-x\"\nuser = \"a\"\ndomains = [\"a.example\"]\n"+internal)
		_, diags := Complete(p, Found{Owner: "a", Layout: django.Layout{Settings: "x"}, Facts: &django.Facts{WSGI: "x:y", MediaURL: "/media/", MediaRoot: "/srv/client-x/media"}})
		if diags.HasErrors() != isPublic {
			t.Errorf("%s: %v", internal, diags)
		}
	}
}

func TestTheProjectMayWriteItsInternalFiles(t *testing.T) {
	p := mustLoad(t, "root = \"/srv/client-x\"\nuser = \"a\"\ndomains = [\"a.example\"]\ninternal \"/protected/\" { root = \"private\" }")
	p, _ = Complete(p, Found{Owner: "a", Layout: django.Layout{Settings: "x"}, Facts: &django.Facts{WSGI: "x:y"}})
	if !slices.Contains(p.Writable, "/srv/client-x/private") {
		t.Errorf("writable %q", p.Writable)
	}
}
