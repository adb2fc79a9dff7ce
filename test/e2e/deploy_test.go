//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sandwich/test/load"
)

// releasedSite is test/projects/ledger in releases: /srv/site/current leads to one of /srv/site/releases.
const releasedSite = `root = "/srv/site/current"
domains = ["ledger.example"]
writable = ["/srv/site/shared"]
environment = {
  LEDGER_DB   = "/srv/site/shared/db.sqlite3"
  LEDGER_DONE = "/srv/site/shared"
}
gunicorn {
  workers = 2
}
worker "where" {
  command = ["sh", "-c", "pwd >/srv/site/shared/where; exec sleep 3600"]
}
release {
  steps  = [["manage.py", "migrate", "--noinput"], ["manage.py", "collectstatic", "--noinput"]]
  health = "/health"
}
`

// more is a migration that comes after the first.
const more = `from django.db import migrations, models
%s
class Migration(migrations.Migration):
    dependencies = [("entries", "0001_initial")]
    operations = [migrations.AddField("entry", "more", models.CharField(max_length=10, null=True))]
`

func (m *Machine) release(number int) string { return fmt.Sprintf("/srv/site/releases/%d", number) }

// addRelease makes a release; change, in sh, is what is different in it.
func (m *Machine) addRelease(number int, change string) {
	m.t.Helper()
	m.Shell(fmt.Sprintf(`mkdir -p /srv/site/releases /srv/site/shared
		cp -r /srv/ledger %[1]s; cd %[1]s; echo r%[2]d >release; echo only %[2]d >entries/static/entries/only%[2]d.css
		%[3]s
		chown -R ledger: /srv/site`, m.release(number), number, change))
}

// openSite enables the project with its first release.
func (m *Machine) openSite() {
	m.t.Helper()
	m.Copy(filepath.Join(top, "test/projects/ledger"), "/srv")
	m.Shell("useradd --system --user-group --home-dir /srv/site ledger")
	m.addRelease(1, "ln -s releases/1 /srv/site/current")
	if r := m.As("ledger", "env", "LEDGER_DB=/srv/site/shared/db.sqlite3", "sh", "-ec",
		"cd /srv/site/current; ./manage.py migrate -v0; ./manage.py collectstatic -v0 --noinput"); r.Code != 0 {
		m.t.Fatal(r.Stderr)
	}
	m.Write("/etc/sandwich/projects/site.hcl", releasedSite)
	m.MustRun("sandwich", "enable", "site")
}

// visits are requests for pages, for a module that is imported late, and writing ones. Who is held for
// half a minute is still served.
var visits = load.Load{Host: "ledger.example", Rate: 20, Timeout: time.Minute, Mix: []load.Request{{Path: "/"}, {Path: "/lazy"}, {Path: "/add", Post: 100}}}

// serves is the release that answers, and the directory of the process.
func (m *Machine) serves() (release, dir string) {
	m.t.Helper()
	var answer struct{ Release, Dir string }
	page := m.Get("ledger.example", "/")
	if err := json.Unmarshal([]byte(page.Body), &answer); err != nil {
		m.t.Fatalf("the site answers %s: %s", page.Status, page.Body)
	}
	return answer.Release, answer.Dir
}

// expectServes fails the test unless everything is at a release.
func (m *Machine) expectServes(number int) {
	m.t.Helper()
	release, dir := m.serves()
	link := strings.TrimSpace(m.MustRun("readlink", "-f", "/srv/site/current"))
	if release != fmt.Sprintf("r%d", number) || dir != m.release(number) || link != m.release(number) {
		m.t.Errorf("release %s in %s answers, and the link leads to %s, want release %d", release, dir, link, number)
	}
	if state := m.property("sandwich-site.next.service", "ActiveState"); state != "inactive" {
		m.t.Errorf("the next generation is %s", state)
	}
}

func (m *Machine) reloads() string {
	return m.MustRun("sh", "-c", "journalctl -b _PID=1 -o cat | grep -c '^Reloading' || true")
}

func TestDeploys(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.openSite()
		m.expectServes(1)
		deployForward(t, m)
		deployFailsAtEveryStep(t, m)
		deployHolds(t, m)
		deployBack(t, m)
		deployInPlace(t, m)
	})
}

func deployForward(t *testing.T, m *Machine) {
	t.Helper()
	m.addRelease(2, fmt.Sprintf("cat >entries/migrations/0002_more.py <<'E'\n%sE", fmt.Sprintf(more, "")))
	before, main := m.reloads(), m.property("sandwich-site.service", "MainPID")
	wantNoFailure(t, m.UnderLoad(visits, func() {
		r := m.Run("env", "SUDO_USER=alice", "SUDO_UID=1000", "sandwich", "deploy", "site", "--release", m.release(2))
		if r.Code != 0 || !strings.Contains(r.Stderr, "Applying entries.0002_more... OK") {
			t.Errorf("deploy: exit code %d\n%s%s", r.Code, r.Stdout, r.Stderr)
		}
	}))
	m.expectServes(2)
	if m.reloads() != before {
		t.Error("a deploy has systemd read its units again")
	}
	if m.property("sandwich-site.service", "MainPID") == main {
		t.Error("the service still is the old one")
	}
	if where := m.MustRun("cat", "/srv/site/shared/where"); where != m.release(2)+"\n" {
		t.Errorf("the worker runs in %s", where)
	}
	for number := 1; number <= 2; number++ {
		if answer := m.Get("ledger.example", fmt.Sprintf("/static/entries/only%d.css", number)); answer.StatusCode != 200 {
			t.Errorf("a file that only release %d has: %s", number, answer.Status)
		}
	}
	if status := m.MustRun("sandwich", "status", "site"); !strings.Contains(status, "deployed: "+m.release(2)+", 2") || !strings.Contains(status, "by alice (uid 1000)") {
		t.Errorf("status leaves the deploy out:\n%s", status)
	}
	audit := m.Journal("-o", "json", "_UID=0", "SANDWICH_PROJECT=site", "SANDWICH_EVENT=deploy")
	if !strings.Contains(audit, `"SANDWICH_BY":"alice (uid 1000)"`) || !strings.Contains(audit, m.release(2)) {
		t.Errorf("the journal has of the deploy:\n%s", audit)
	}
	if logs := m.MustRun("sandwich", "logs", "-n", "0", "site"); !strings.Contains(logs, "Applying entries.0002_more") || !strings.Contains(logs, "by alice") {
		t.Errorf("logs leave the deploy out:\n%s", logs)
	}
}

// broken are releases that fail, in the order in which a deploy gets to it, and what is said of it.
var broken = []struct{ change, said string }{
	{"echo 'raise RuntimeError(\"no good migration\")' >entries/migrations/0003_bad.py", "no good migration"},
	{"rm -rf static; touch static", `the step "manage.py collectstatic --noinput" ended with status 1`},
	{"echo 'urlpatterns = [nothing]' >>ledger/urls.py", "NameError: name 'nothing' is not defined"},
	{"echo 'raise ImportError(\"no wsgi\")' >>ledger/wsgi.py", "no wsgi"},
	{"echo 'def health(request): raise OSError(\"unwell\")' >>entries/views.py", "answers GET /health with 500"},
	{"echo 'import os, threading; threading.Timer(1, os.kill, (os.getppid(), 9)).start()' >>ledger/wsgi.py", "sandwich-site.next.service"},
}

func deployFailsAtEveryStep(t *testing.T, m *Machine) {
	t.Helper()
	main := m.property("sandwich-site.service", "MainPID")
	wantNoFailure(t, m.UnderLoad(visits, func() {
		for i, b := range broken {
			m.addRelease(10+i, "cp /srv/site/releases/2/entries/migrations/0002_more.py entries/migrations\n"+b.change)
			r := m.Run("sandwich", "deploy", "site", "--release", m.release(10+i))
			if r.Code != 1 || !strings.Contains(r.Stderr, b.said) {
				t.Errorf("a release with %q: exit code %d\n%s%s", b.change, r.Code, r.Stdout, r.Stderr)
			}
		}
	}))
	m.expectServes(2)
	if m.property("sandwich-site.service", "MainPID") != main {
		t.Error("the service was restarted for a release that is broken")
	}
	for _, wrong := range []string{"/srv/ledger", "/srv/site/nothing", "/srv/site/shared/where"} {
		if r := m.Run("sandwich", "deploy", "site", "--release", wrong); r.Code != 1 {
			t.Errorf("%s is deployed: exit code %d", wrong, r.Code)
		}
	}
}

// deployHolds has a migration that takes a while: with --hold no visitor sees the old code with the
// new database.
func deployHolds(t *testing.T, m *Machine) {
	t.Helper()
	slow := strings.ReplaceAll(fmt.Sprintf(more, "import time; time.sleep(2)"), "0001_initial", "0002_more")
	m.addRelease(3, fmt.Sprintf(`cp /srv/site/releases/2/entries/migrations/0002_more.py entries/migrations
		cat >entries/migrations/0003_slow.py <<'E'
%sE`, strings.ReplaceAll(slow, `"more", models`, `"slow", models`)))
	report := m.UnderLoad(visits, func() { m.MustRun("sandwich", "deploy", "site", "--hold", "--release", m.release(3)) })
	wantNoFailure(t, report)
	if report.Max < 2000 {
		t.Errorf("nobody waited for a migration of 2 s: %s", report)
	}
	m.expectServes(3)
}

func deployBack(t *testing.T, m *Machine) {
	t.Helper()
	wantNoFailure(t, m.UnderLoad(visits, func() {
		r := m.Run("sandwich", "rollback", "site")
		if r.Code != 1 || !strings.Contains(r.Stderr, "manage.py migrate entries 0002_more") || !strings.Contains(r.Stderr, m.release(3)) {
			t.Errorf("rollback behind a migration: exit code %d\n%s", r.Code, r.Stderr)
		}
	}))
	m.expectServes(3)
	migrate := func(release int, to string) {
		if r := m.As("ledger", "env", "LEDGER_DB=/srv/site/shared/db.sqlite3", "sh", "-ec", "cd "+m.release(release)+"; ./manage.py migrate entries "+to); r.Code != 0 {
			t.Fatal(r.Stderr)
		}
	}
	migrate(3, "0002_more")
	wantNoFailure(t, m.UnderLoad(visits, func() { m.MustRun("sandwich", "rollback", "site") }))
	m.expectServes(2)
	if answer := m.Get("ledger.example", "/static/entries/only3.css"); answer.StatusCode != 200 {
		t.Errorf("a file of the release that was rolled back: %s", answer.Status)
	}
	if r := m.Run("sandwich", "rollback", "site", "--force"); r.Code != 0 || !strings.Contains(r.Stderr, "migrate entries 0001_initial") {
		t.Errorf("rollback --force: exit code %d\n%s", r.Code, r.Stderr)
	}
	m.expectServes(1)
	if r := m.Run("sandwich", "rollback", "site"); r.Code != 1 || !strings.Contains(r.Stderr, "no earlier release") {
		t.Errorf("rollback of the first release: exit code %d\n%s", r.Code, r.Stderr)
	}
	if plan := m.MustRun("sandwich", "plan", "site"); !strings.Contains(plan, "nothing to do") {
		t.Errorf("after deploys there is something to do:\n%s", plan)
	}
}

// deployInPlace deploys a project whose code is changed where it is.
func deployInPlace(t *testing.T, m *Machine) {
	t.Helper()
	m.Shell("rm -r /srv/ledger/static 2>/dev/null || true; mkdir -p /srv/ledger/db /srv/ledger/static; chown -R ledger: /srv/ledger")
	m.Write("/etc/sandwich/projects/place.hcl", `root = "/srv/ledger"
domains = ["place.example"]
writable = ["/srv/ledger/db"]
environment = {
  LEDGER_HOST = "place.example"
  LEDGER_DB   = "/srv/ledger/db/db.sqlite3"
}
gunicorn {
  workers = 2
}
release {
  steps = [["manage.py", "migrate", "--noinput"], ["manage.py", "collectstatic", "--noinput"]]
}
`)
	m.Run("sandwich", "enable", "place") // its first page needs the database that the deploy makes
	m.MustRun("sandwich", "deploy", "place")
	if status := m.MustRun("sandwich", "status", "place"); !strings.Contains(status, "deployed: /srv/ledger, ") {
		t.Errorf("status leaves the deploy out:\n%s", status)
	}
	m.Shell("echo r2 >/srv/ledger/release")
	wantNoFailure(t, m.UnderLoad(load.Load{Host: "place.example", Rate: 20}, func() { m.MustRun("sandwich", "deploy", "place") }))
	if page := m.Get("place.example", "/").Body; !strings.Contains(page, `"r2"`) {
		t.Errorf("after a deploy in place the site answers %s", page)
	}
	if answer := m.Get("place.example", "/static/entries/style.css"); answer.StatusCode != 200 {
		t.Errorf("a static file: %s", answer.Status)
	}
	if r := m.Run("sandwich", "deploy", "place", "--release", "/srv/ledger"); r.Code != 2 {
		t.Errorf("a release of a project without releases: exit code %d", r.Code)
	}
}

// killedDeploys deploys two releases in turn, each time killed at a random instant, and prints a line
// for every instant after which the site did not answer or the next deploy did not finish the work.
const killedDeploys = `
answer() { curl -s -m 20 -H 'Host: ledger.example' "http://127.0.0.1/$1"; }
begun=$(date +%s%N)
sandwich deploy site --release /srv/site/releases/1 >/dev/null 2>&1 || echo "a deploy fails"
lasts=$((($(date +%s%N) - begun) / 1000000))
for i in $(seq "$1"); do
	to=$((i % 2 + 1))
	after=$((RANDOM % lasts))
	sandwich deploy site --release /srv/site/releases/$to >/root/killed.log 2>&1 & pid=$!
	sleep $(printf '%d.%03d' $((after / 1000)) $((after % 1000)))
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
	case $(answer) in *'"release": "r'*) ;; *) echo "run $i: killed after $after ms: the site answers $(answer)" ;; esac
	case $(answer lazy) in same*) ;; *) echo "run $i: killed after $after ms: two releases are mixed: $(answer lazy)" ;; esac
	said=$(sandwich deploy site --release /srv/site/releases/$to 2>&1) || echo "run $i: killed after $after ms: the next deploy fails: $said"
	case $(answer) in *"\"release\": \"r$to\""*) ;; *) echo "run $i: deployed $to, but the site answers $(answer)" ;; esac
	[ "$(readlink -f /srv/site/current)" = /srv/site/releases/$to ] || echo "run $i: deployed $to, but the link leads to $(readlink /srv/site/current)"
	! systemctl is-active -q sandwich-site.next.service || echo "run $i: deployed, but the next generation runs"
	! ls -A /srv/site /run/sandwich | grep -E '\.new$|\.env$' || echo "run $i: something is left"
done
`

func TestADeployThatIsKilledAtAnyInstant(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.openSite()
		m.addRelease(2, "")
		m.Write("/root/deploys", killedDeploys)
		var said string
		wantNoFailure(t, m.UnderLoad(load.Load{Host: "ledger.example", Rate: 5}, func() {
			said = m.MustRun("bash", "/root/deploys", "15")
		}))
		if strings.TrimSpace(said) != "" {
			t.Error(said)
		}
	})
}
