//go:build e2e

package e2e

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The requests whose answer is made at once and may be asked for twice: nothing excuses their loss
// when a process of the application is killed.
const (
	frontPage   = "GET /"
	slowPages   = "GET /slow"
	versionPage = "GET /version"
)

// kills end a process in the middle of what it does.
var kills = []scenario{
	{name: "kill -9 of a worker", classes: classes, event: killWorker, judge: onlyInside(frontPage, slowPages, versionPage)},
	// Every worker dies with the master. A worker that has lost its master may accept once more: only
	// such a request is sent again more than once, and in vain when it is slow.
	{name: "kill -9 of the gunicorn master", classes: classes, event: killMaster, judge: onlyInside(frontPage, versionPage)},
	{name: "systemctl kill -s TERM", classes: classes, event: terminateMaster, judge: onlyInside(frontPage, versionPage)},
	{name: "kill -9 of the proxy", classes: classes, event: killProxy, judge: onlyInside()},
}

func randomFraction() float64 { return rand.Float64() }

func killWorker(g *stage, _ int) {
	g.kill("pgrep -P $(systemctl show -P MainPID " + g.service() + ") | shuf -n1")
}

func killMaster(g *stage, _ int) { g.killMain(g.service()) }

// terminateMaster tells the service's processes to end behind systemd's back: they finish what they
// do, and the next request starts the next ones.
func terminateMaster(g *stage, _ int) {
	before := g.property(g.service(), "MainPID")
	d := death{from: time.Now()}
	g.must("systemctl", "kill", "-s", "TERM", g.service())
	g.until("the master has ended", func() bool { return g.property(g.service(), "MainPID") != before })
	d.to = time.Now()
	g.deaths = append(g.deaths, d)
	g.answers()
}

func killProxy(g *stage, _ int) { g.killMain("sandwich-proxy.service") }

// killMain kills the main process of a service and waits until another is in its place.
func (g *stage) killMain(unit string) {
	g.Helper()
	before := g.property(unit, "MainPID")
	g.kill("systemctl show -P MainPID " + unit)
	g.until(unit+" is dead", func() bool { return g.property(unit, "MainPID") != before })
	if len(g.deaths) > 0 {
		// The workers outlive the main process until systemd has seen that it is dead.
		g.deaths[len(g.deaths)-1].to = time.Now()
	}
	g.until(unit+" is back", func() bool {
		pid := g.property(unit, "MainPID")
		return pid != "0" && pid != before && g.property(unit, "ActiveState") == "active"
	})
	g.answers()
}

// until looks again and again, and fails the test when what it waits for does not come.
func (g *stage) until(what string, is func() bool) {
	g.Helper()
	for begun := time.Now(); !is(); <-time.After(20 * time.Millisecond) {
		if time.Since(begun) > patience {
			g.Errorf("waited in vain until %s", what)
			return
		}
	}
}

// kill kills the process that a command names, and notes when.
func (g *stage) kill(which string) {
	said := g.Machine.Run("sh", "-c", which).Stdout
	// To kill 0 is to kill the test.
	pid, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil || pid <= 1 {
		g.Errorf("%q names %q, which is no process to kill", which, said)
		return
	}
	d := death{from: time.Now()}
	g.must("kill", "-9", strconv.Itoa(pid))
	d.to = time.Now()
	g.deaths = append(g.deaths, d)
}

// answers wait for the project to answer. The proxy holds this request until it does.
func (g *stage) answers() {
	g.Helper()
	if _, err := g.ask(); err != nil {
		g.Error(err)
	}
}
