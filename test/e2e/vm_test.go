//go:build e2e && vm

package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sandwich/test/load"
)

// greedy is what the project "bad" does when it is asked to.
const greedy = `
import os, signal, time
def fork_off(count, then):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    made = 0
    try:
        while made < count:
            if os.fork() == 0:
                then()
                os._exit(0)
            made += 1
    except OSError:
        pass
    return HttpResponse(str(made))
def spin():
    end = time.time() + 60
    while time.time() < end: pass
def flood():
    end, line = time.time() + 60, b"x" * 1000 + b"\n"
    while time.time() < end: os.write(2, line * 50)
def allocate(request):
    kept = []
    while True: kept.append(b"x" * (4 << 20))
urlpatterns += [
    path("forks", lambda request: fork_off(2000, lambda: time.sleep(60))),
    path("spins", lambda request: fork_off(32, spin)),
    path("floods", lambda request: fork_off(2, flood)),
    path("allocates", allocate),
]
`

// TestInAVirtualMachine shows what only a kernel with all controllers and a disk of its own can.
func TestInAVirtualMachine(t *testing.T) {
	m := BootVirtual(t, "trixie")
	m.Install()
	// A system call takes a hundred times as long as elsewhere, and an import is made of them.
	m.Write("/etc/systemd/system/sandwich-.service.d/vm.conf", "[Service]\nTimeoutStartSec=20min\n")
	m.AddProject("tiny", "good")
	m.AddProject("tiny", "bad")
	m.Write("/srv/bad/tiny/urls.py", m.MustRun("cat", "/srv/bad/tiny/urls.py")+greedy)
	m.writeSlow("good", 1, "")
	m.writeSlow("bad", 2, `limits {
  memory = "200M"
  tasks  = 64
}
worker "eater" {
  command = ["sh", "-c", "until [ -e /srv/bad/media/eat ]; do sleep 1; done; exec tail /dev/zero"]
}
`)
	m.MustRun("sandwich", "enable", "good", "bad")
	t.Run("a neighbour is not touched", func(t *testing.T) { m.during(t); m.neighbourIsNotTouched(t) })
	t.Run("lack of memory ends one unit", func(t *testing.T) { m.during(t); m.lackOfMemoryEndsOneUnit(t) })
	t.Run("a reboot", func(t *testing.T) { m.during(t); m.comesBack(t) })
	t.Run("power cuts", func(t *testing.T) { m.during(t); m.survivesPowerCuts(t) })
}

// visitors come seldom and wait long: the machine has a part of a processor.
var visitors = load.Load{Host: "good.test", Rate: 0.5, Timeout: 3 * time.Minute}

// writeSlow writes the file of a project that may take its time.
func (m *Machine) writeSlow(name string, workers int, more string) {
	m.t.Helper()
	m.Write("/etc/sandwich/projects/"+name+".hcl", fmt.Sprintf(`root    = "/srv/%[1]s"
domains = ["%[1]s.test"]
gunicorn {
  workers = %[2]d
  timeout = "10m"
}
proxy {
  timeout = "11m"
}
%[3]s`, name, workers, more))
}

// neighbourIsNotTouched has one project take all it can, in each way, while visitors come to the other.
func (m *Machine) neighbourIsNotTouched(t *testing.T) {
	during := func(path string) *load.Report {
		return m.UnderLoad(visitors, func() {
			answered := make(chan Result)
			go func() { answered <- m.Curl("-o", "/dev/null", "-H", "Host: bad.test", "http://127.0.0.1"+path) }()
			<-time.After(40 * time.Second)
			t.Logf("%s: %s tasks", path, m.property("sandwich-bad.slice", "TasksCurrent"))
			<-answered
		})
	}
	during("/") // the first requests load what the later ones have
	quiet := during("/")
	t.Logf("| quiet | %s |", quiet)
	for _, path := range []string{"/spins", "/forks", "/floods"} {
		report := during(path)
		m.Shell("until [ $(systemctl show -P TasksCurrent sandwich-bad.slice) -lt 10 ]; do sleep 1; done")
		t.Logf("| while the other %s | %s |", path[1:], report)
		wantNoFailure(t, report)
		// Half of the only, slow processor is the other's, by turns.
		if limit := 3*quiet.P99 + 300; report.P99 > limit {
			t.Errorf("while the other %s, 99 of 100 visitors wait up to %.0f ms, and %.0f ms when all is quiet", path[1:], report.P99, quiet.P99)
		}
	}
	if tasks, _ := strconv.Atoi(m.property(`sandwich-bad.slice`, "TasksMax")); tasks != 64 {
		t.Errorf("the slice's limit of tasks is %d", tasks)
	}
}

// lackOfMemoryEndsOneUnit has a worker eat all memory of its project: it ends, nothing else does.
func (m *Machine) lackOfMemoryEndsOneUnit(t *testing.T) {
	restarts := func() string {
		return m.MustRun("systemctl", "show", "-P", "NRestarts", "sandwich-good.service", "sandwich-bad.service", "sandwich-proxy.service") +
			m.MustRun("systemctl", "show", "-P", "MainPID", "sandwich-good.service", "sandwich-bad.service", "sandwich-proxy.service")
	}
	before := restarts()
	wantNoFailure(t, m.UnderLoad(visitors, func() {
		m.Shell(`touch /srv/bad/media/eat
			for i in $(seq 60); do
				journalctl -b -u 'sandwich-bad.eater@1' -o cat | grep -q "result 'oom-kill'" && break
				sleep 1
			done
			rm /srv/bad/media/eat`)
	}))
	if said := m.Journal("-u", "sandwich-bad.eater@1", "-o", "cat"); !strings.Contains(said, "result 'oom-kill'") {
		t.Errorf("the worker was not ended for lack of memory:\n%s", said)
	}
	if after := restarts(); after != before {
		t.Errorf("others ended, too: restarts and main processes were %q and are %q", before, after)
	}
	// gunicorn replaces a worker that the kernel ended, and the main process stays.
	m.Shell(`curl -s -o /dev/null --max-time 600 -H 'Host: bad.test' http://127.0.0.1/allocates || true
		until journalctl -b -k -o cat | grep -q 'Killed process.*python3'; do sleep 1; done`)
	if answer := m.Get("bad.test", "/"); answer.StatusCode != 200 {
		t.Errorf("after a process of it was ended, the site answers %s", answer.Status)
	}
	if why := m.MustRun("sandwich", "why", "bad"); !strings.Contains(why, "memory") {
		t.Errorf("why does not speak of memory:\n%s", why)
	}
	if after := restarts(); after != before {
		t.Errorf("others ended, too: restarts and main processes were %q and are %q", before, after)
	}
}

// comesBack reboots the host with some projects more.
func (m *Machine) comesBack(t *testing.T) {
	var names []string
	for i := range 3 {
		name := fmt.Sprintf("more%d", i)
		names = append(names, name)
		m.MustRun("cp", "-a", "/srv/good", "/srv/"+name)
		m.writeSlow(name, 1, "")
	}
	m.MustRun(append([]string{"sandwich", "enable"}, names...)...)
	m.MustRun("systemctl", "add-wants", "multi-user.target", "network-online.target")
	m.Reboot()
	since := func(unit string) int {
		n, _ := strconv.Atoi(m.property(unit, "ActiveEnterTimestampMonotonic"))
		return n
	}
	online := since("network-online.target")
	for _, name := range append(names, "good", "bad") {
		socket := "sandwich-" + name + ".socket"
		if listens := since(socket); listens == 0 || online == 0 || listens > online {
			t.Errorf("%s listens after %d ms, the network is there after %d ms", socket, listens/1000, online/1000)
		}
		if answer := m.Get(name+".test", "/"); answer.StatusCode >= 500 || answer.StatusCode == 421 {
			t.Errorf("after a reboot %s answers %s", name, answer.Status)
		}
	}
	t.Logf("| reboot with %d projects | sockets listen after at most %d ms, the network is there after %d ms |", len(names)+2, latest(since, names)/1000, online/1000)
}

func latest(since func(string) int, names []string) int {
	last := 0
	for _, name := range names {
		last = max(last, since("sandwich-"+name+".socket"))
	}
	return last
}

// survivesPowerCuts cuts the power at random moments of an enable. SANDWICH_VM_CUTS says how often.
func (m *Machine) survivesPowerCuts(t *testing.T) {
	cuts, err := strconv.Atoi(os.Getenv("SANDWICH_VM_CUTS"))
	if err != nil {
		cuts = 5
	}
	m.MustRun("cp", "-a", "/srv/good", "/srv/cut")
	m.writeSlow("cut", 1, "")
	m.MustRun("sync")
	begun := time.Now()
	m.MustRun("sandwich", "enable", "cut")
	lasts := time.Since(begun)
	for i := range cuts {
		m.MustRun("sandwich", "disable", "cut")
		after := m.CutWithin(lasts, "sandwich", "enable", "cut")
		half := m.MustRun("sh", "-c", "ls -A /etc/systemd/system /var/lib/sandwich/routes | grep cut || true")
		t.Logf("| cut %d, %.1f of %.1f s after enable | it left %q |", i+1, after.Seconds(), lasts.Seconds(), strings.Fields(half))
		if answer := m.Get("good.test", "/"); answer.StatusCode != 200 {
			t.Errorf("after a power cut another site answers %s", answer.Status)
		}
		if answer := m.Get("cut.test", "/"); answer.StatusCode != 200 && answer.StatusCode != 421 {
			t.Errorf("after a power cut the site is neither there nor gone: it answers %s", answer.Status)
		}
		m.MustRun("sandwich", "enable", "cut")
		if plan := m.MustRun("sandwich", "plan", "cut"); !strings.Contains(plan, "nothing to do") {
			t.Errorf("enable does not finish the work:\n%s", plan)
		}
		if answer := m.Get("cut.test", "/"); answer.StatusCode != 200 {
			t.Errorf("enabled again, the site answers %s", answer.Status)
		}
		if kernel := m.Journal("-k", "-o", "cat"); strings.Contains(kernel, "EXT4-fs error") {
			t.Errorf("the disk has errors")
		}
	}
}
