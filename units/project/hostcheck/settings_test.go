package hostcheck

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project"
)

// judged checks a project that states what it is with these answers of its settings.
func judged(t *testing.T, more string, f *django.Facts, files tree, change func(*project.Project)) hcl.Diagnostics {
	t.Helper()
	p, diags := project.Load("/etc/sandwich/projects/site.hcl", []byte(stated+more), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.Dir = p.Root
	if change != nil {
		change(p)
	}
	Locate(p, files.system())
	return Rest(p, f, files.system(), "sandwich-proxy")
}

func TestSettingsThatDoNotFitAreTold(t *testing.T) {
	for name, c := range map[string]struct {
		more   string
		facts  func(*django.Facts)
		change func(*project.Project)
		want   string // "" for nothing
	}{
		"in order":          {"", func(*django.Facts) {}, nil, ""},
		"debug":             {"", func(f *django.Facts) { f.Debug = true }, nil, "Set DEBUG = False"},
		"weak key":          {"", func(f *django.Facts) { f.SecretWeak = true }, nil, "secrets.token_urlsafe(50)"},
		"host":              {"domains = [\"site.example\"]\n", func(*django.Facts) {}, nil, `Visitors of "site.example" get 400`},
		"host allowed":      {"domains = [\"site.example\"]\n", func(f *django.Facts) { f.AllowedHosts = []string{".example"} }, nil, ""},
		"origin":            {"", func(f *django.Facts) { f.CSRFTrustedOrigins = []string{"site.example"} }, nil, `Write "https://site.example"`},
		"origin of old":     {"", func(f *django.Facts) { f.Django, f.CSRFTrustedOrigins = "3.2.19", []string{"site.example"} }, python, ""},
		"origin with it":    {"", func(f *django.Facts) { f.CSRFTrustedOrigins = []string{"https://site.example"} }, nil, ""},
		"https of command":  {"command = [\"serve\"]\n", func(f *django.Facts) { f.SSLRedirect = true }, nil, "Set SECURE_PROXY_SSL_HEADER"},
		"forms of command":  {"command = [\"serve\"]\n", func(*django.Facts) {}, nil, "forms that come by https are refused"},
		"forms, no https":   {"command = [\"serve\"]\ntls {\n  mode = \"off\"\n}\n", func(*django.Facts) {}, nil, ""},
		"forms, by origin":  {"command = [\"serve\"]\n", func(f *django.Facts) { f.CSRFTrustedOrigins = []string{"https://site.example"} }, nil, ""},
		"https is told":     {"command = [\"serve\"]\n", func(f *django.Facts) { f.SSLRedirect, f.ProxySSLHeader = true, true }, nil, ""},
		"https of gunicorn": {"", func(f *django.Facts) { f.SSLRedirect = true }, nil, ""},
		"large bodies":      {"", func(f *django.Facts) { f.DataUploadMax = 1 << 30 }, nil, "the proxy answers 413 to more than 26214400"},
		"bodies":            {"", func(f *django.Facts) { f.DataUploadMax = 2621440 }, nil, ""},
		"connections":       {"", func(f *django.Facts) { f.ConnMaxAge = 60 }, func(p *project.Project) { p.Gunicorn.Workers, p.Gunicorn.Threads = 8, 8 }, "up to 64 connections"},
		"for ever":          {"", func(f *django.Facts) { f.ConnMaxAge = -1 }, func(p *project.Project) { p.Gunicorn.Workers, p.Gunicorn.Threads = 8, 8 }, "up to 64 connections"},
		"few connections":   {"", func(f *django.Facts) { f.ConnMaxAge = 60 }, func(p *project.Project) { p.Gunicorn.Workers = 8 }, ""},
		"ASGI":              {"", func(f *django.Facts) { f.ConnMaxAge = 60 }, func(p *project.Project) { p.ASGI = true }, "Under ASGI"},
		"old Django":        {"", func(f *django.Facts) { f.Django = "4.2.16" }, nil, "no repairs since 2026-04-30"},
		"very old Django":   {"", func(f *django.Facts) { f.Django = "1.11" }, nil, "no repairs since 2022-04-11"},
		"new Django":        {"", func(f *django.Facts) { f.Django = "7.0a1" }, nil, ""},
		"old Python":        {"", func(f *django.Facts) { f.Python = "3.10.2" }, nil, "Python 3.10.2 has had no repairs since 2026-10-31"},
		"very old Python":   {"", func(f *django.Facts) { f.Python = "2.7.18" }, nil, "Python 2.7.18 has had"},
		"the system's":      {"", func(f *django.Facts) { f.Django, f.Python = "3.2", "3.9" }, python, ""},
		"media in static":   {"", func(*django.Facts) {}, func(p *project.Project) { p.Statics[1].Root = p.Statics[0].Root + "/media" }, "Give MEDIA_ROOT a directory of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			f := facts()
			c.facts(f)
			files := common()
			files["/home/alice/site/static/media"] = dir(0o755, 1000, 1000)
			diags := judged(t, c.more, f, files, c.change)
			if c.want == "" && len(diags) > 0 || c.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Detail, c.want)) {
				t.Errorf("%v", diags)
			}
			for _, d := range diags {
				if d.Severity != hcl.DiagWarning || d.Subject == nil {
					t.Errorf("%v", d)
				}
			}
		})
	}
}

func python(p *project.Project) { p.Python = django.SystemPython }

func TestTheManifestIsHeldAgainstTheFiles(t *testing.T) {
	for content, want := range map[string]string{
		`{"paths": {"a.css": "a.css"}}`:       "",
		`{"paths": {"a.css": "a.12345.css"}}`: `It lists "a.12345.css"`,
		`{"paths": {"x": "../../../etc"}}`:    "It lists",
		`{`:                                   "is no JSON",
	} {
		files := common()
		files["/home/alice/site/static/staticfiles.json"] = node{mode: 0o644, uid: 1000, gid: 1000, content: content}
		diags := judged(t, "", facts(), files, nil)
		if want == "" && len(diags) > 0 || want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Detail, want)) {
			t.Errorf("%s: %v", content, diags)
		}
	}
}
