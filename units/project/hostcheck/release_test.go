package hostcheck

import (
	"strings"
	"testing"

	"sandwich/units/django"
	"sandwich/units/project"
)

// released is a project whose root goes through a link to one of its releases.
func released() tree {
	files := common()
	files["/srv"] = dir(0o755, 0, 0)
	files["/srv/x"], files["/srv/x/releases"], files["/srv/x/releases/41"] = dir(0o755, 1000, 1000), dir(0o755, 1000, 1000), dir(0o755, 1000, 1000)
	files["/srv/x/releases/41/src"] = dir(0o755, 1000, 1000)
	files["/srv/x/current"] = link("releases/41")
	files["/srv/x/shared"] = dir(0o755, 1000, 1000)
	files["/srv/x/releases/41/media"] = link("../../shared")
	files["/data"], files["/data/y"] = dir(0o755, 0, 0), dir(0o755, 1000, 1000)
	files["/srv/y"] = link("/data/y")
	return files
}

func TestTheLinkToTheCurrentReleaseIsFound(t *testing.T) {
	sys := released().system()
	for root, want := range map[string][2]string{
		"/srv/x/current":     {"/srv/x/current", "/srv/x/releases/41"},
		"/srv/x/current/src": {"/srv/x/current", "/srv/x/releases/41"},
		"/srv/x/releases/41": {"", ""},
		"/srv/y":             {"", ""}, // to another disk: that is no release
		"/srv/nothing":       {"", ""},
	} {
		if link, current := Link(root, sys); link != want[0] || current != want[1] {
			t.Errorf("%s: %q to %q", root, link, current)
		}
	}
}

func TestDataInAReleaseIsWarnedOf(t *testing.T) {
	for media, warned := range map[string]bool{
		"/srv/x/current/src": true, "/srv/x/releases/41": true, "/srv/x/shared": false, "/srv/x/current/media": false, "": false,
	} {
		p := &project.Project{Current: "/srv/x/releases/41", Source: project.NewSource("x.hcl", nil)}
		c := &check{p: p, sys: released().system()}
		c.perishable(&django.Facts{MediaRoot: media})
		if (len(c.diags) == 1 && strings.Contains(c.diags[0].Detail, media)) != warned {
			t.Errorf("%q: %v", media, details(c.diags))
		}
	}
}
