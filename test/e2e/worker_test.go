//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/test/load"
)

// queues are the workers and timers of test/projects/ledger. A long task is worked on while its
// worker is told to end.
const queues = `root = "/srv/ledger"
domains = ["ledger.example"]
needs = ["redis-server.service"]
writable = ["/srv/shared"]
environment = {
  LEDGER_DB   = "/srv/shared/db.sqlite3"
  LEDGER_DONE = "/srv/shared"
}
gunicorn {
  workers = 2
}
limits {
  tasks = 300
}
worker "celery" {
  command = ["python3", "-m", "celery", "-A", "ledger", "worker", "--concurrency", "1", "--loglevel", "INFO"]
  kind    = "celery"
  count   = %d
}
worker "rq" {
  command = ["rq", "worker", "--url", "redis://127.0.0.1:6379/1"]
  kind    = "rq"
}
worker "plain" {
  command = ["sleep", "%s"]
}
timer "tick" {
  command  = ["manage.py", "tick", "--seconds", "3"]
  schedule = "every 1s"
}
timer "night" {
  command    = ["manage.py", "tick", "--fail"]
  schedule   = "daily"
  jitter     = "10m"
  timeout    = "1m"
  on_failure = ["touch", "/srv/shared/told"]
}
`

func (m *Machine) writeQueues(count int, sleep string) {
	m.Write("/etc/sandwich/projects/ledger.hcl", fmt.Sprintf(queues, count, sleep))
}

// addLedger makes /srv/ledger with a database in /srv/shared.
func (m *Machine) addLedger() {
	m.t.Helper()
	m.Copy(filepath.Join(top, "test/projects/ledger"), "/srv")
	m.Shell(`useradd --system --user-group --home-dir /srv/shared ledger
		mkdir /srv/shared; chown -R ledger: /srv/ledger /srv/shared`)
	if r := m.As("ledger", "env", "LEDGER_DB=/srv/shared/db.sqlite3", "sh", "-ec",
		"cd /srv/ledger; ./manage.py migrate -v0; ./manage.py collectstatic -v0 --noinput"); r.Code != 0 {
		m.t.Fatal(r.Stderr)
	}
}

// eventually waits until a shell condition holds.
func (m *Machine) eventually(what, condition string) {
	m.t.Helper()
	if r := m.Run("timeout", "40", "sh", "-c", "until "+condition+"; do sleep 0.1; done"); r.Code != 0 {
		m.t.Fatalf("it never happened that %s\n%s", what, m.Journal("-n", "40", "-o", "cat", "--identifier=ledger.celery", "--identifier=ledger.rq"))
	}
}

// task gives a worker something to do that takes so many seconds.
func (m *Machine) task(queue, name string, seconds int) {
	m.t.Helper()
	script := fmt.Sprintf(`from ledger.celery import app; app.send_task("work", [%q, %d])`, name, seconds)
	if queue == "rq" {
		script = fmt.Sprintf(`import redis, rq; rq.Queue(connection=redis.Redis(db=1)).enqueue("ledger.rqjob.work", %q, %d)`, name, seconds)
	}
	if r := m.As("ledger", "sh", "-ec", "cd /srv/ledger; LEDGER_DONE=/srv/shared PYTHONDONTWRITEBYTECODE=1 exec python3 -c '"+script+"'"); r.Code != 0 {
		m.t.Fatal(r.Stderr)
	}
}

// job is a line of "sandwich jobs --json".
type job struct {
	Name, Kind, State, Unit string
	Result                  string `json:"last_result"`
	Pid                     int    `json:"main_pid"`
	Last                    string `json:"last_run"`
	Next                    string `json:"next_run"`
}

func (m *Machine) jobs() map[string]job {
	m.t.Helper()
	var answer struct{ Jobs []job }
	if err := json.Unmarshal([]byte(m.MustRun("sandwich", "jobs", "--json")), &answer); err != nil {
		m.t.Fatal(err)
	}
	jobs := map[string]job{}
	for _, j := range answer.Jobs {
		jobs[j.Name] = j
	}
	return jobs
}

func TestWorkersAndTimers(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.addLedger()
		m.writeQueues(2, "3601")
		m.MustRun("sandwich", "enable", "ledger")
		for _, name := range []string{"ledger.celery@1", "ledger.celery@2", "ledger.rq@1", "ledger.plain@1"} {
			if j := m.jobs()[name]; j.State != "running" || j.Pid == 0 {
				t.Errorf("%s: %+v", name, j)
			}
		}
		if state := m.property("redis-server.service", "ActiveState"); state != "active" {
			t.Errorf("what the project needs is %s", state)
		}
		workersAreOrdinaryUnits(t, m)
		tasksSurviveARestart(t, m)
		partsAreAddressed(t, m)
		countsChange(t, m)
		timersRun(t, m)
		workersNeverDie(t, m)

		m.MustRun("sandwich", "stop", "ledger")
		if left := m.Run("systemctl", "list-units", "--no-legend", "--plain", "sandwich-ledger.*@*", "sandwich-ledger.*.timer").Stdout; strings.Contains(left, " active ") {
			t.Errorf("after stop there is\n%s", left)
		}
		m.MustRun("sandwich", "start", "ledger")
		if j := m.jobs()["ledger.celery@1"]; j.State != "running" {
			t.Errorf("after start: %+v", j)
		}
		m.MustRun("sandwich", "disable", "ledger")
		if left := m.Run("systemctl", "list-units", "--all", "--no-legend", "--plain", "sandwich-ledger*").Stdout; strings.TrimSpace(left) != "" {
			t.Errorf("after disable there is\n%s", left)
		}
	})
}

func workersAreOrdinaryUnits(t *testing.T, m *Machine) {
	t.Helper()
	before := m.jobs()["ledger.celery@1"].Pid
	m.MustRun("systemctl", "restart", "sandwich-ledger.celery@*")
	if after := m.jobs()["ledger.celery@1"].Pid; after == before {
		t.Error("systemctl restart 'sandwich-ledger.celery@*' restarts nothing")
	}
	if slice := m.property("sandwich-ledger.celery@1.service", "Slice"); slice != "sandwich-ledger.slice" {
		t.Errorf("a worker is in %s", slice)
	}
	if timers := m.MustRun("systemctl", "list-timers", "--all", "--no-pager"); !strings.Contains(timers, "sandwich-ledger.night.timer") {
		t.Errorf("systemctl list-timers:\n%s", timers)
	}
	if score := exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-ledger.celery@1.service")); score > 1.5 {
		t.Errorf("systemd-analyze security gives a worker %.1f", score)
	}
}

// tasksSurviveARestart has each worker at a long task when the project is restarted. That task
// must be finished by the old code, and nobody must notice at the site.
func tasksSurviveARestart(t *testing.T, m *Machine) {
	t.Helper()
	m.MustRun("sandwich", "stop", "ledger.celery@2")
	m.task("celery", "long", 60)
	m.task("rq", "job", 12)
	m.eventually("both tasks are begun", "[ -e /srv/shared/long.begun ] && [ -e /srv/shared/job.begun ]")
	m.Shell("echo r2 >/srv/ledger/release")
	report := m.UnderLoad(load.Load{URL: "http://127.0.0.1/", Host: "ledger.example", Rate: 20, Duration: 3 * time.Second}, func() {
		m.MustRun("sandwich", "restart", "ledger")
	})
	wantNoFailure(t, report)
	for _, name := range []string{"long", "job"} {
		if by := m.Run("cat", "/srv/shared/"+name+".done").Stdout; by != "r1\n" {
			t.Errorf("when restart returns the task %s is done by %q", name, by)
		}
	}
	m.task("celery", "next", 0)
	m.eventually("new workers work", "[ -e /srv/shared/next.done ]")
	if by := m.MustRun("cat", "/srv/shared/next.done"); by != "r2\n" {
		t.Errorf("after a restart workers have the code of %q", by)
	}
	if j := m.jobs()["ledger.celery@2"]; j.State != "stopped" {
		t.Errorf("a worker that was stopped is %s after a restart", j.State)
	}
	m.MustRun("sandwich", "start", "ledger.celery@2")
}

func partsAreAddressed(t *testing.T, m *Machine) {
	t.Helper()
	before := m.jobs()
	m.MustRun("sandwich", "restart", "ledger.celery@2")
	after := m.jobs()
	if before["ledger.celery@1"].Pid != after["ledger.celery@1"].Pid || before["ledger.celery@2"].Pid == after["ledger.celery@2"].Pid {
		t.Error("restart NAME.WORKER@2 restarts another one")
	}
	m.MustRun("sandwich", "stop", "ledger.celery")
	if r := m.Run("sandwich", "status", "ledger.celery"); r.Code != 3 || !strings.Contains(r.Stdout, "ledger.celery@2") {
		t.Errorf("status of a stopped worker: exit code %d\n%s", r.Code, r.Stdout)
	}
	m.MustRun("sandwich", "start", "ledger.celery", "ledger.rq")
	if r := m.Run("sandwich", "status", "ledger.celery"); r.Code != 0 {
		t.Errorf("status of a running worker: exit code %d\n%s", r.Code, r.Stdout)
	}
	if said := m.MustRun("sandwich", "logs", "ledger.celery@1"); !strings.Contains(said, "ledger.celery") || strings.Contains(said, "ledger.rq[") {
		t.Errorf("logs of a worker:\n%s", said)
	}
	if said := m.MustRun("sandwich", "logs", "-n", "2000", "ledger"); !strings.Contains(said, "ledger.celery[") || !strings.Contains(said, "ledger.rq[") {
		t.Errorf("logs of the project leave its workers out:\n%s", said)
	}
	if r := m.Run("sandwich", "restart", "ledger.nothing"); r.Code != 4 || !strings.Contains(r.Stderr, "it has celery, night, plain, rq, tick") {
		t.Errorf("a worker that is none: exit code %d\n%s", r.Code, r.Stderr)
	}
	if offered := m.MustRun("sandwich", "__complete", "restart", "ledger.c"); !strings.Contains(offered, "ledger.celery") {
		t.Errorf("completion offers\n%s", offered)
	}
}

func countsChange(t *testing.T, m *Machine) {
	t.Helper()
	before := m.jobs()
	web := m.property("sandwich-ledger.service", "MainPID")
	m.writeQueues(3, "3601")
	m.MustRun("sandwich", "apply", "ledger")
	after := m.jobs()
	if after["ledger.celery@3"].State != "running" || after["ledger.celery@1"].Pid != before["ledger.celery@1"].Pid {
		t.Errorf("count = 3: %+v", after)
	}
	m.writeQueues(1, "3602")
	m.MustRun("sandwich", "apply", "ledger")
	fewer := m.jobs()
	if len(fewer) != len(after)-2 || fewer["ledger.celery@1"].Pid != before["ledger.celery@1"].Pid {
		t.Errorf("count = 1: %+v", fewer)
	}
	if fewer["ledger.plain@1"].Pid == before["ledger.plain@1"].Pid {
		t.Error("a worker whose command changed was not restarted")
	}
	if m.property("sandwich-ledger.service", "MainPID") != web {
		t.Error("the web service was restarted for a worker")
	}
	m.MustRun("sandwich", "scale", "ledger.celery", "2")
	if scaled := m.jobs(); scaled["ledger.celery@2"].State != "running" || scaled["ledger.celery@1"].Pid != before["ledger.celery@1"].Pid {
		t.Errorf("scale NAME.WORKER 2: %+v", scaled)
	}
	m.MustRun("sandwich", "scale", "ledger", "3")
	if status := m.property("sandwich-ledger.service", "StatusText"); !strings.HasPrefix(status, "3 of 3 workers") {
		t.Errorf("scale NAME 3: %s", status)
	}
	if plan := m.MustRun("sandwich", "plan", "ledger"); !strings.Contains(plan, "nothing to do") || !strings.Contains(plan, "2 of worker celery: as sandwich scale says, in place of 1") {
		t.Errorf("a plan after scale:\n%s", plan)
	}
	m.MustRun("sandwich", "scale", "ledger.celery", "default")
	if scaled := m.jobs(); len(scaled) != len(fewer) {
		t.Errorf("scale NAME.WORKER default: %+v", scaled)
	}
}

func timersRun(t *testing.T, m *Machine) {
	t.Helper()
	m.eventually("the timer has run twice", "[ $(grep -c tick /srv/shared/tick) -ge 2 ]")
	if begun := m.MustRun("sh", "-c", "journalctl -o cat _PID=1 UNIT=sandwich-ledger.tick.service | grep -c Starting; grep -c tick /srv/shared/tick"); begun == "" {
		t.Error("the journal does not tell of runs")
	}
	j := m.jobs()["ledger.night"]
	if j.State != "waiting" || j.Next == "" || j.Kind != "timer" {
		t.Errorf("a timer that waits: %+v", j)
	}
	r := m.Run("sandwich", "start", "ledger.night")
	if r.Code != 1 || !strings.Contains(r.Stderr, "the clock has stopped") {
		t.Errorf("start of a command that fails: exit code %d\n%s", r.Code, r.Stderr)
	}
	m.eventually("the failure is told", "[ -e /srv/shared/told ]")
	if j := m.jobs()["ledger.night"]; j.Result != "exit-code" || j.State != "failed" || j.Next == "" {
		t.Errorf("a timer whose run failed: %+v", j)
	}
	if said := m.MustRun("sandwich", "logs", "ledger.night"); !strings.Contains(said, "ticked") {
		t.Errorf("logs of a timer:\n%s", said)
	}
	if !slices.Contains(strings.Fields(m.property("sandwich-ledger.night.timer", "Persistent")), "yes") {
		t.Error("a timer does not make up for what it missed")
	}
}

// workersNeverDie: what the default limits give up on, five ends within ten seconds, is tried for ever.
func workersNeverDie(t *testing.T, m *Machine) {
	t.Helper()
	m.Shell(`for i in 1 2 3 4 5 6; do
			systemctl kill -s KILL sandwich-ledger.plain@1
			timeout 20 sh -c 'until systemctl is-active -q sandwich-ledger.plain@1; do sleep 0.1; done' || true
		done`)
	m.eventually("the worker is back", "systemctl is-active -q sandwich-ledger.plain@1")
}
