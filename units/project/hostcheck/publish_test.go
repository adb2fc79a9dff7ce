package hostcheck

import (
	"slices"
	"strings"
	"testing"

	"sandwich/units/project"
)

// neighbours is common with what must not be published beside it.
func neighbours() tree {
	files := common()
	for name, n := range map[string]node{
		"/var": dir(0o755, 0, 0), "/var/lib": dir(0o755, 0, 0), "/var/lib/sandwich": dir(0o700, 990, 990),
		"/proc": dir(0o755, 0, 0), "/proc/self": link("1"), "/proc/1": dir(0o755, 0, 0),
		"/srv": dir(0o755, 0, 0), "/srv/other": dir(0o750, 1001, 1001), "/srv/pool": dir(0o755, 0, 0), "/srv/pool/a.css": file(0o600, 0),
		"/srv/link": link("/srv/pool"), "/home/alice/uploads": dir(0o755, 1000, 1000),
	} {
		files[name] = n
	}
	return files
}

// served is what Rest tells about one static root. A found one is that of the project's settings.
func served(t *testing.T, files tree, root string, isStated bool) string {
	t.Helper()
	src := "root = \"/home/alice/site\"\nuser = \"alice\"\n"
	if isStated {
		src += "static \"/static/\" {\n  root = \"" + root + "\"\n}\n"
	}
	p, diags := project.Load("/p/site.hcl", []byte(src), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if !isStated {
		p.Statics = []project.Static{{Prefix: "/static/", Root: root}}
	}
	Locate(p, files.system())
	told := Rest(p, nil, files.system(), "sandwich-proxy")
	return strings.Join(details(told), "\n")
}

func TestSettingsCannotPublishWhatIsNotTheProjects(t *testing.T) {
	const state = `write static "/static/" { root = `
	for root, want := range map[string]string{
		"/home/alice/site/static": "", "/home/alice/uploads": "", "/home/alice/later": "is not there",
		"/srv/other": state + `"/srv/other" }`, "/srv/pool": state, "/srv/nothing": state, "/srv/link": state + `"/srv/pool" }`,
		"/etc": "never served", "/proc/self": "never served", "/var/lib/sandwich/routes": "never served", "/var/lib": "never served",
	} {
		got := served(t, neighbours(), root, false)
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "chmod") {
			t.Errorf("%s: %q, want %q", root, got, want)
		}
	}
}

func TestAStatedRootIsBelievedButNotItsDevelopersLinks(t *testing.T) {
	files := neighbours()
	ours := link("/srv/other")
	ours.uid = 1000
	files["/home/alice/site/stolen"] = ours
	files["/home/alice/site/roots"] = link("/srv/other")
	for root, want := range map[string]string{
		"/srv/pool": "for the administrator to decide", "/srv/link": "",
		"/srv/other": "for the administrator to decide",
		"stolen":     "outside the project and does not belong", "roots": "outside the project and does not belong",
		"/etc": "never served", "/proc/self": "never served",
	} {
		got := served(t, files, root, true)
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, "chmod") || strings.Contains(got, "setfacl") {
			t.Errorf("%s: %q, want %q", root, got, want)
		}
	}
}

func TestTheBaseOfAProjectHoldsItsReleasesAndNobodyElses(t *testing.T) {
	a := func() node { return dir(0o755, 1000, 1000) }
	files := tree{
		"/": dir(0o755, 0, 0), "/srv": dir(0o755, 0, 0), "/data": dir(0o755, 0, 0), "/data/site": a(), "/srv/moved": link("/data/site"),
		"/srv/site": a(), "/srv/site/releases": a(), "/srv/site/releases/5": a(), "/srv/site/releases/5/src": a(), "/srv/site/current": link("releases/5"),
		"/srv/short": link("site/releases/5"), "/srv/clients": dir(0o755, 0, 0), "/srv/clients/a": link("all/a"),
		"/srv/clients/all": dir(0o755, 0, 0), "/srv/clients/all/a": a(),
	}
	for root, want := range map[string]string{
		"/srv/site": "/srv/site", "/srv/site/current": "/srv/site", "/srv/site/current/src": "/srv/site",
		"/srv/moved": "/data/site", "/srv/short": "/srv/site/releases/5", "/srv/clients/a": "/srv/clients/all/a", "": "",
	} {
		if got := files.system().base(root); got != want {
			t.Errorf("%q: base %q, want %q", root, got, want)
		}
	}
}

func TestOnlyRootSaysWhichPageOutsideAProjectIsShown(t *testing.T) {
	files := neighbours()
	files["/etc/sandwich"] = dir(0o755, 0, 0)
	files["/etc/sandwich/503.html"], files["/var/lib/sandwich/key.pem"] = file(0o644, 0), file(0o600, 990)
	files["/home/alice/site/404.html"] = alices("/etc/sandwich/503.html")
	for page, want := range map[string]string{
		"503.html": "", "/etc/sandwich/503.html": "/etc/sandwich/503.html",
		"404.html": "outside the project", "/var/lib/sandwich/key.pem": "outside the project",
	} {
		p, _ := project.Load("/p/site.hcl", []byte("root = \"/home/alice/site\"\nuser = \"alice\"\nproxy {\n  error_pages = { \"503\" = \""+page+"\" }\n}\n"), nil)
		Locate(p, files.system())
		got := strings.Join(append(p.Proxy.PagesReal, details(Rest(p, nil, files.system(), "sandwich-proxy"))...), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", page, got, want)
		}
	}
}

func TestOnlyTheProjectFileOpensWhatIsNotTheProjects(t *testing.T) {
	for dir, withheld := range map[string]bool{
		"/home/alice/site/db": false, "/home/alice/uploads": false, "/srv/other": true, "/srv/other/db": true, "/srv/link": true, "/srv/nothing": true,
	} {
		p := ofAlice("")
		p.Writable = []string{dir}
		Locate(p, neighbours().system())
		if got := len(p.Writable) == 0; got != withheld || got != slices.Equal(p.Withheld, []string{dir}) {
			t.Errorf("%s as the settings say: writable %q, withheld %q", dir, p.Writable, p.Withheld)
		}
		p = ofAlice("writable = [\"" + dir + "\"]")
		if Locate(p, neighbours().system()); len(p.Writable) != 1 || p.Withheld != nil {
			t.Errorf("%s as the file says: writable %q, withheld %q", dir, p.Writable, p.Withheld)
		}
	}
	p := ofAlice("")
	p.Interpreter = "/srv/other/bin/python"
	if Locate(p, neighbours().system()); p.Interpreter != "" {
		t.Errorf("a link of the developers opens %s", p.Interpreter)
	}
}

// ofAlice is a project of hers with one more line in its file.
func ofAlice(line string) *project.Project {
	p, _ := project.Load("/p/site.hcl", []byte("root = \"/home/alice/site\"\nuser = \"alice\"\n"+line+"\n"), nil)
	return p
}
