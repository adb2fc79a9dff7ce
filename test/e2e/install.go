//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// packages are the .deb and the .rpm under test, built once for all tests.
var packages = sync.OnceValues(func() (paths [2]string, err error) {
	if out, err := exec.Command(filepath.Join(top, "packaging/build")).CombinedOutput(); err != nil {
		return paths, fmt.Errorf("cannot build the packages: %w\n%s", err, out)
	}
	content, err := os.ReadFile(filepath.Join(top, "packaging/VERSION"))
	version := strings.TrimSpace(string(content))
	return [2]string{
		filepath.Join(top, "dist/sandwich_"+version+"_amd64.deb"),
		filepath.Join(top, "dist/sandwich-"+version+".x86_64.rpm"),
	}, err
})

// olderVersion is before every version that there is.
const olderVersion = "0.0.1"

// older is a directory with the same packages as another, older version, built once for all tests.
var older = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "sandwich-older-"); err != nil {
		return "", err
	}
	build := exec.Command(filepath.Join(top, "packaging/build"))
	build.Env = append(os.Environ(), "SANDWICH_VERSION="+olderVersion, "SANDWICH_DIST="+dir)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build older packages: %w\n%s", err, out)
	}
	return dir, nil
})

// CopyOlderPackage puts the .deb of an older version into the machine's /root and gives its path there.
func (m *Machine) CopyOlderPackage() string {
	m.t.Helper()
	dir, err := older()
	if err != nil {
		m.t.Fatal(err)
	}
	name := "sandwich_" + olderVersion + "_amd64.deb"
	m.Copy(filepath.Join(dir, name), "/root")
	return "/root/" + name
}

// CopyPackage puts the .deb into the machine's /root and gives its path there.
func (m *Machine) CopyPackage() string {
	m.t.Helper()
	return m.copyPackage(0)
}

// CopyRPM puts the .rpm into the machine's /root and gives its path there.
func (m *Machine) CopyRPM() string {
	m.t.Helper()
	return m.copyPackage(1)
}

func (m *Machine) copyPackage(format int) string {
	m.t.Helper()
	paths, err := packages()
	if err != nil {
		m.t.Fatal(err)
	}
	m.Copy(paths[format], "/root")
	return "/root/" + filepath.Base(paths[format])
}

// Install installs the package.
func (m *Machine) Install() {
	m.t.Helper()
	m.MustRun("dpkg", "-i", m.CopyPackage())
}

// AddProject makes /srv/NAME from a project below test/projects, owned by a user of that name, and
// carries out what a Django project needs before its first start.
func (m *Machine) AddProject(sample, name string) {
	m.t.Helper()
	dir := "/srv/" + name
	m.Copy(filepath.Join(top, "test/projects", sample), "/srv")
	if sample != name {
		m.MustRun("mv", "/srv/"+sample, dir)
	}
	m.Shell(fmt.Sprintf("useradd --system --user-group --home-dir %[1]s %[2]s; mkdir -p %[1]s/db %[1]s/media; chown -R %[2]s: %[1]s", dir, name))
	if sample != "polls" {
		return
	}
	for _, command := range []string{"migrate -v0", "seed", "collectstatic -v0 --noinput"} {
		if r := m.As(name, "sh", "-ec", "cd "+dir+"; ./manage.py "+command); r.Code != 0 {
			m.t.Fatalf("manage.py %s: %s", command, r.Stderr)
		}
	}
}

// Enable adds a sample project, writes its project file with "sandwich init", appends settings to
// it, and enables it.
func (m *Machine) Enable(sample, name string, settings ...string) {
	m.t.Helper()
	m.AddProject(sample, name)
	m.MustRun("sandwich", "init", "/srv/"+name)
	if len(settings) > 0 {
		file := "/etc/sandwich/projects/" + name + ".hcl"
		m.Write(file, m.MustRun("cat", file)+strings.Join(settings, "\n")+"\n")
	}
	m.MustRun("sandwich", "enable", name)
}
