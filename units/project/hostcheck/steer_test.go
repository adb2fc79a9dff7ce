package hostcheck

import (
	"errors"
	"io/fs"
	"testing"

	"sandwich/units/project"
)

func TestWhatARootOnlyPathLeadsToIsRootsChoice(t *testing.T) {
	others := []Entry{{tagUser, 7, 1000}}
	files := tree{
		"/": dir(0o755, 0, 0), "/etc": dir(0o755, 0, 0), "/etc/env": file(0o600, 0), "/etc/alices": file(0o600, 1000),
		"/etc/to-srv": link("/srv/alice/.env"), "/etc/to-etc": link("env"), "/etc/round": link("round"), "/etc/closed": dir(0o700, 0, 0),
		"/srv": dir(0o755, 0, 0), "/srv/alice": dir(0o755, 1000, 1000), "/srv/alice/.env": file(0o600, 1000), "/srv/alice/back": alices("/etc/env"),
		"/srv/group": dir(0o775, 0, 33), "/srv/group/env": file(0o600, 0), "/srv/root-group": dir(0o775, 0, 0), "/srv/root-group/env": file(0o600, 0),
		"/srv/all": dir(0o777, 0, 0), "/srv/all/env": file(0o600, 0),
		"/srv/listed": {mode: fs.ModeDir | 0o775, acl: others}, "/srv/listed/env": file(0o600, 0),
		"/srv/bounded": {mode: fs.ModeDir | 0o755, acl: others}, "/srv/bounded/env": file(0o600, 0),
		"/tmp": dir(0o777|fs.ModeSticky, 0, 0), "/tmp/roots": file(0o600, 0), "/tmp/alices": file(0o600, 1000),
		"/tmp/link": link("/etc/env"), "/tmp/alices-link": alices("/etc/env"), "/tmp/dir": dir(0o755, 1000, 1000), "/tmp/dir/env": file(0o600, 0),
	}
	sys := files.system()
	closed := sys.Lstat
	sys.Lstat = func(name string) (Info, error) {
		if name == "/etc/closed/env" {
			return Info{}, fs.ErrPermission
		}
		if name == "/etc/broken" {
			return Info{}, errors.New("input/output error")
		}
		return closed(name)
	}
	for path, want := range map[string]bool{
		"/etc/env": false, "/etc/alices": false, "/etc/to-etc": false, "/etc/none": false, "/etc/closed/env": false, "/srv/root-group/env": false,
		"/srv/bounded/env": false, "/tmp/roots": false, "/tmp/link": false,
		"/etc/to-srv": true, "/etc/round": true, "/etc/broken": true, "/srv/alice/.env": true, "/srv/alice/none": true, "/srv/alice/back": true,
		"/srv/group/env": true, "/srv/all/env": true, "/srv/listed/env": true, "/tmp/alices": true, "/tmp/alices-link": true, "/tmp/none": true, "/tmp/dir/env": true,
	} {
		if got := sys.Steered(path); got != want {
			t.Errorf("%s: not only root's choice: %v, want %v", path, got, want)
		}
	}
}

func TestAnEnvFileOfTheProjectsOwnIsGuarded(t *testing.T) {
	for path, want := range map[string]bool{"/etc/secret": false, "/home/alice/site/.env": true, "": false} {
		p := &project.Project{Root: "/home/alice/site", EnvFile: path, Source: new(project.Source)}
		if Locate(p, common().system()); p.EnvGuarded != want {
			t.Errorf("%q: guarded: %v", path, p.EnvGuarded)
		}
	}
}
