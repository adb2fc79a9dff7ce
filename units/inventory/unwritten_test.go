package inventory

import (
	"testing"
)

func TestAFileThatIsNotWrittenIsReadAsIfItWere(t *testing.T) {
	s := newSite(t)
	s.project("a", `domains = ["a.example"]`)
	s.write("srv/b/manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x.settings')")
	s.Unwritten = map[string][]byte{"b": []byte("root = \"" + s.dir + "/srv/b\"\ndomains = [\"a.example\"]\n")}
	e := entry(t, s.read("b"), "b")
	if e.Err != nil || e.Draft == nil || e.Facts == nil {
		t.Fatalf("%+v", e)
	}
	if !e.Diagnostics.HasErrors() {
		t.Error("that another project has its host name is not said")
	}
}

func TestASiteWithChannelsIsServedByItsASGIApplication(t *testing.T) {
	s := newSite(t)
	s.project("a", "")
	s.runs.say["a"] = `{"django":"5.2","gunicorn":"23","uvicorn":"0.30","channels":true,"wsgi":"x.wsgi.application","asgi":"x.asgi.application","allowed_hosts":["a.example"]}`
	if e := s.read("a").Entries[0]; e.Project == nil || e.Project.App != "x.asgi:application" || !e.Project.ASGI {
		t.Errorf("%+v %v", e.Draft, e.Diagnostics)
	}
}
