package project

import (
	"slices"
	"strings"
	"testing"

	"sandwich/units/django"
)

func TestWhatTheProjectSaysOfItsReleaseGoesThroughTheLink(t *testing.T) {
	f := found()
	f.Link, f.Current = "/srv/client-x/current", "/srv/client-x/releases/41"
	f.Releases = []string{"/srv/client-x/releases/41", "/srv/client-x/releases/40"}
	f.Facts = &django.Facts{
		WSGI: "x.wsgi:application", AllowedHosts: []string{"x.example"}, StaticFiles: true,
		StaticURL: "/static/", StaticRoot: "/srv/client-x/releases/41/static",
		MediaURL: "/media/", MediaRoot: "/srv/client-x/shared/media",
		CacheDirs: []string{"/srv/client-x/releases/41"}, LogDirs: []string{"/srv/client-x/releases/412/log"},
	}
	p := mustComplete(t, `root = "/srv/client-x/current"`, f)
	if p.Link != f.Link || p.Current != f.Current {
		t.Errorf("the link is %q to %q", p.Link, p.Current)
	}
	if p.Statics[0].Root != "/srv/client-x/current/static" {
		t.Errorf("static files are in %q", p.Statics[0].Root)
	}
	if want := []string{"/srv/client-x/releases/41/static", "/srv/client-x/releases/40/static"}; !slices.Equal(p.Statics[0].Earlier, want) {
		t.Errorf("earlier ones are in %q", p.Statics[0].Earlier)
	}
	if p.Statics[1].Root != "/srv/client-x/shared/media" || p.Statics[1].Earlier != nil {
		t.Errorf("what lies beside the releases is changed: %+v", p.Statics[1])
	}
	for _, dir := range []string{"/srv/client-x/current", "/srv/client-x/releases/412/log"} {
		if !slices.Contains(p.Writable, dir) {
			t.Errorf("it may write to %q", p.Writable)
		}
	}
}

func TestNumbersSetByHandWinAndSaySo(t *testing.T) {
	f := found()
	f.Scale = Scale{Web: 7, Workers: map[string]int{"celery": 0, "gone": 3}}
	p := mustComplete(t, "root = \"/srv/client-x\"\ngunicorn {\n workers = 2\n}\nworker \"celery\" {\n command = [\"celery\"]\n count = 4\n}\nworker \"rq\" {\n command = [\"rq\"]\n}", f)
	if p.Gunicorn.Workers != 7 || !p.Gunicorn.Scaled || !strings.Contains(p.Gunicorn.WorkersReason, "in place of 2") {
		t.Errorf("%+v", p.Gunicorn)
	}
	if w := p.Workers[0]; w.Count != 0 || !strings.Contains(w.CountReason, "in place of 4") {
		t.Errorf("%+v", w)
	}
	if w := p.Workers[1]; w.Count != 1 || w.CountReason != "" {
		t.Errorf("%+v", w)
	}
}
