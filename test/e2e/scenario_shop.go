//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"sandwich/units"
)

// shop is a project of test/projects/shop on a machine.
type shop struct {
	*Machine
	name      string
	class     string // of workers: sync, gthread or uvicorn
	imports   time.Duration
	graceful  time.Duration
	releases  int    // published after r1
	note      int    // /version repeats it
	settings  string // blocks of the project file, beside the usual ones
	top       string // its attributes
	arguments []string
}

// workers are what each class of workers is called in a project file, and how many there are.
var workers = map[string]string{
	"sync":    "workers = 4",
	"gthread": "worker_class = \"gthread\"\n  workers = 2\n  threads = 4",
	"uvicorn": "worker_class = \"uvicorn.workers.UvicornWorker\"\n  workers = 2",
}

var classes = []string{"sync", "gthread", "uvicorn"}

func (s *shop) host() string { return s.name + ".example" }

func (s *shop) service() string { return units.Service(s.name) }

// hcl is the project file.
func (s *shop) hcl() string {
	app := "shop.wsgi:application"
	if s.class == "uvicorn" {
		app = "shop.asgi:application"
	}
	own := workers[s.class]
	if s.graceful > 0 {
		own += fmt.Sprintf("\n  graceful_timeout = \"%gs\"", s.graceful.Seconds())
	}
	if len(s.arguments) > 0 {
		words, _ := json.Marshal(s.arguments)
		own += "\n  args = " + string(words)
	}
	return fmt.Sprintf(`root = "/srv/%[1]s"
domains = ["%[1]s.example"]
app = "%[2]s"
writable = ["/srv/%[1]s/db"]
%[7]s
environment = {
  SHOP_HOST = "%[1]s.example"
  SHOP_IDS = "/srv/%[1]s/db/ids"
  SHOP_IMPORT_SECONDS = "%[3]g"
  SHOP_NOTE = "%[4]d"
}
gunicorn {
  %[5]s
}
%[6]s
`, s.name, app, s.imports.Seconds(), s.note, own, s.settings, s.top)
}

func (s *shop) writeHCL() { s.Write("/etc/sandwich/projects/"+s.name+".hcl", s.hcl()) }

// open enables projects, all by one command.
func (m *Machine) open(shops ...*shop) {
	m.t.Helper()
	if !m.Has("/srv/shop") {
		m.Copy(filepath.Join(top, "test/projects/shop"), "/srv")
	}
	enable := []string{"sandwich", "enable"}
	for _, s := range shops {
		m.Shell(fmt.Sprintf(`useradd --system --user-group --home-dir /srv/%[1]s %[1]s
			cp -r /srv/shop /srv/%[1]s; mkdir /srv/%[1]s/db; chown -R %[1]s: /srv/%[1]s`, s.name))
		s.writeHCL()
		enable = append(enable, s.name)
	}
	m.MustRun(enable...)
}

// close takes projects away.
func (m *Machine) close(shops ...*shop) {
	m.t.Helper()
	disable := []string{"sandwich", "disable", "--purge"}
	for _, s := range shops {
		disable = append(disable, s.name)
	}
	m.MustRun(disable...)
	for _, s := range shops {
		m.Shell("rm -r /srv/" + s.name + "; userdel " + s.name)
	}
}

// renew publishes a release that is like the last but for its name.
func (s *shop) renew() (release string) {
	s.releases++
	release = fmt.Sprintf("r%d", s.releases+1)
	s.publish(release, "")
	return release
}

// publish puts new code where the project's is. What runs goes on with what it has read.
func (s *shop) publish(release, mood string) {
	dir := "/srv/" + s.name
	s.Shell(fmt.Sprintf(`echo %s >%[2]s/release; rm -f %[2]s/mood`, release, dir))
	if mood != "" {
		s.Write(dir+"/mood", mood+"\n")
	}
}

// version is what the project says of the process that answers.
type version struct {
	Release, Note string
	PID           int
}

func (s *shop) ask() (v version, err error) {
	answer, err := s.Client().Do(s.request("/version"))
	if err != nil {
		return v, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return v, fmt.Errorf("%s answers %s", s.name, answer.Status)
	}
	return v, json.NewDecoder(answer.Body).Decode(&v)
}

func (s *shop) idsFile() string { return "/srv/" + s.name + "/db/ids" }

func (s *shop) forgetIDs() { s.MustRun("rm", "-f", s.idsFile()) }

func (s *shop) ids() string { return s.Run("cat", s.idsFile()).Stdout }

// within runs a command that must end within a time.
func (m *Machine) within(limit time.Duration, command ...string) Result {
	return m.Run(append([]string{"timeout", "--kill-after=1", fmt.Sprint(limit.Seconds())}, command...)...)
}

func (m *Machine) property(unit, name string) string {
	return strings.TrimSpace(m.Run("systemctl", "show", "-P", name, unit).Stdout)
}
