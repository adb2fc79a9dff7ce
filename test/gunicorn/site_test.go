//go:build e2e

package gunicorn

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"sandwich/units"
	"sandwich/units/project"
)

// site is one Django project on a machine.
type site struct {
	machine
	*project.Project
}

// install puts testdata/mysite and its units onto a machine, without starting anything. change may
// alter the project first.
func install(t *testing.T, m machine, name string, change func(*project.Project)) site {
	t.Helper()
	p := &project.Project{
		Name: name, File: "/etc/sandwich/projects/" + name + ".hcl",
		Root: "/srv/" + name, Dir: "/srv/" + name,
		User: "u-" + name, Group: "u-" + name,
		Python: "/usr/bin/python3", Settings: "mysite.settings", App: "mysite.wsgi:application",
		Environment: map[string]string{},
		Writable:    []string{"/srv/" + name + "/db"},
		Hardening:   project.HardeningDefault,
		Gunicorn: project.Gunicorn{
			Workers: 2, Threads: 1, WorkerClass: "sync", Timeout: 30 * time.Second, GracefulTimeout: 30 * time.Second,
		},
	}
	if os.Getenv("SANDWICH_TEST_GUNICORN") != "" {
		p.Environment["PYTHONPATH"] = gunicornDir
	}
	if change != nil {
		change(p)
	}
	s := site{m, p}
	s.putFiles(t)
	s.putUnits(t)
	t.Cleanup(func() { s.remove(t) })
	return s
}

func (s site) putFiles(t *testing.T) {
	t.Helper()
	s.run(t, "useradd", "--system", "--user-group", s.User)
	if err := s.copyTree("testdata/mysite", s.Dir); err != nil {
		t.Fatal(err)
	}
	for _, dir := range s.Writable {
		s.run(t, "install", "-d", "-o", s.User, "-g", s.Group, dir)
	}
	s.run(t, "mkfifo", s.data("begun"))
	s.run(t, "chown", s.User, s.data("begun"))
}

// data is a file in the directory that the site writes.
func (s site) data(file string) string { return path.Join(s.Writable[0], file) }

// waitForSlowRequest returns when a worker has begun to answer /slow.
func (s site) waitForSlowRequest(t *testing.T) {
	t.Helper()
	begun, err := s.hostPath(s.data("begun"))
	if err != nil {
		t.Fatal(err)
	}
	// Opening a FIFO for reading waits for the one who opens it for writing.
	fifo, err := os.Open(begun)
	if err != nil {
		t.Fatal(err)
	}
	fifo.Close()
}

func (s site) putUnits(t *testing.T) {
	t.Helper()
	files, err := units.Render(s.Project, s.version)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := s.write("/etc/systemd/system/"+file.Name, file.Content); err != nil {
			t.Fatal(err)
		}
	}
	s.run(t, "systemctl", "daemon-reload")
}

func (s site) remove(t *testing.T) {
	if t.Failed() {
		t.Log(s.journal(t))
	}
	s.run(t, "systemctl", "stop", units.Target(s.Name), units.Socket(s.Name), units.Service(s.Name))
	s.run(t, "sh", "-c", `rm -rf "$0" /etc/systemd/system/*sandwich-"$1"* && userdel "$2"`, s.Root, s.Name, s.User)
}

func (s site) start(t *testing.T) {
	t.Helper()
	s.run(t, "systemctl", "start", units.Socket(s.Name), units.Service(s.Name))
}

func (s site) journal(t *testing.T) string {
	t.Helper()
	s.run(t, "journalctl", "--sync")
	return s.run(t, "journalctl", "-o", "cat", "-u", units.Service(s.Name), "-u", units.Socket(s.Name))
}

func (s site) property(t *testing.T, unit, name string) string {
	t.Helper()
	return strings.TrimSpace(s.run(t, "systemctl", "show", "-P", name, unit))
}

// client sends each request over a connection of its own, without retrying.
func (s site) client(t *testing.T) *http.Client {
	t.Helper()
	socket, err := s.hostPath(s.SocketPath())
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: 60 * time.Second}
}

// ask is one GET and its body. Anything but 200 is an error.
func (s site) ask(t *testing.T, url string) (string, error) {
	t.Helper()
	return get(s.client(t), url)
}

func get(client *http.Client, url string) (string, error) {
	answer, err := client.Get("http://site" + url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s\n%s", url, answer.Status, body)
	}
	return string(body), err
}

// must is ask for a request that must be answered.
func (s site) must(t *testing.T, url string) string {
	t.Helper()
	body, err := s.ask(t, url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// process is the worker that answered.
type process struct {
	PID         int
	Environment map[string]string
}

func (s site) process(t *testing.T) process {
	t.Helper()
	var p process
	if err := json.Unmarshal([]byte(s.must(t, "/process")), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// touch makes a file in the project's directory, such as "broken".
func (s site) touch(t *testing.T, file string) {
	t.Helper()
	s.run(t, "touch", path.Join(s.Dir, file))
}

func (s site) unlink(t *testing.T, file string) {
	t.Helper()
	s.run(t, "rm", path.Join(s.Dir, file))
}
