//go:build e2e

package gunicorn

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"

	"sandwich/units/project"
)

func TestSiteWritesItsDatabaseInTheSandbox(t *testing.T) {
	for _, hardening := range []project.Hardening{project.HardeningDefault, project.HardeningStrict, project.HardeningOff} {
		t.Run(string(hardening), func(t *testing.T) {
			onEach(t, func(t *testing.T, m machine) {
				s := install(t, m, "writer", func(p *project.Project) { p.Hardening = hardening })
				s.start(t)
				if answer := s.must(t, "/write"); answer != "1 visits\n" {
					t.Errorf("answered %q", answer)
				}
			})
		})
	}
}

func TestSiteInAHomeDirectoryOrBelowTmp(t *testing.T) {
	for _, root := range []string{"/home/alice/sites/home", "/tmp/home", "/home/al ice/a:b%n$x"} {
		t.Run(root, func(t *testing.T) {
			onEach(t, func(t *testing.T, m machine) {
				s := install(t, m, "home", func(p *project.Project) {
					p.Root, p.Dir = root, root
					p.Writable = []string{root + "/db", "/home/alice/uploads"}
					p.Environment["SITE_DATA"] = root + "/db"
				})
				s.run(t, "sh", "-ec", `mkdir -p /home/bob; echo secret >/home/bob/secret; echo secret >/home/alice/secret`)
				s.start(t)
				s.must(t, "/write")
				if seen := s.readable(t, "/home/bob/secret", "/home/alice/secret", "/home/bob"); len(seen) > 0 {
					t.Errorf("the site can read %v", seen)
				}
			})
		})
	}
}

func TestSiteDoesNotSeeWhatBelongsToOthers(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		m.run(t, "sh", "-ec", `mkdir -p /srv/neighbour /var/lib/sandwich /etc/sandwich
			echo secret | tee /srv/neighbour/secret /var/lib/sandwich/secret /etc/sandwich/secret`)
		for hardening, want := range map[project.Hardening][]string{
			project.HardeningDefault: {"/srv/neighbour/secret"},
			project.HardeningStrict:  nil,
		} {
			t.Run(string(hardening), func(t *testing.T) {
				s := install(t, m, "curious", func(p *project.Project) { p.Hardening = hardening })
				s.start(t)
				seen := s.readable(t, "/srv/neighbour/secret", "/var/lib/sandwich/secret", "/etc/sandwich/secret", s.SocketPath())
				if !slices.Equal(seen, want) {
					t.Errorf("the site can read %v, want %v", seen, want)
				}
			})
		}
	})
}

// readable is which of the paths the site's process can read.
func (s site) readable(t *testing.T, paths ...string) []string {
	t.Helper()
	answer := make(map[string]bool)
	if err := json.Unmarshal([]byte(s.must(t, "/readable?"+url.Values{"path": paths}.Encode())), &answer); err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !answer[path] })
}

func TestApplicationDoesNotInheritWhatSystemdToldGunicorn(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		s := install(t, m, "quiet", nil)
		s.start(t)
		for name := range s.process(t).Environment {
			if strings.HasPrefix(name, "NOTIFY") || strings.HasPrefix(name, "LISTEN_") {
				t.Errorf("the application has %s in its environment", name)
			}
		}
	})
}
