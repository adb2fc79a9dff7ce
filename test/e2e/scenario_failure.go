//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failures are a project that cannot serve for a while.
var failures = []scenario{
	{name: "a start that fails, then its repair", classes: []string{"sync", "uvicorn"}, once: true,
		prepare: crowd, event: failedStart, judge: onlyApologies},
	{name: "queue of the socket full", once: true, project: shortQueue, event: fullQueue},
	{name: "journald frozen", lasting: true, event: frozenJournal},
	{name: "another project crashes again and again", once: true, prepare: openNeighbour, event: crashLoop, restore: closeOther},
}

// apology is how long a visitor of a project that cannot start may wait to be told so.
const apology = 1500 * time.Millisecond

// crowd has nobody wait for another visitor's connection: their own waits are what is measured.
func crowd(g *stage) { g.connections = 0 }

// failedStart restarts into broken code, visits, repairs the code, and visits.
func failedStart(g *stage, _ int) {
	g.publish(badRelease, "broken")
	if r := g.within(patience, "systemctl", "restart", g.service()); r.Code == 0 {
		g.Error("systemctl restart with broken code exits with 0")
	}
	a := &apologies{}
	// Longer than systemd waits from one attempt to the next.
	for begun := time.Now(); time.Since(begun) < 8*time.Second; <-time.After(200 * time.Millisecond) {
		if g.visits(a) {
			g.Error("broken code serves")
		}
	}
	a.count = 0
	g.renew()
	g.isServedAgain(a)
}

// recovery is how long a project may take to serve after its repair: the longest delay between two
// starts, and a start, on a machine that has much else to do. When it served is in the table.
const recovery = 30 * time.Second

// isServedAgain wants that visitors are served soon after the repair, and all after the first.
// Nobody resets anything.
func (g *stage) isServedAgain(a *apologies) {
	begun := time.Now()
	for !g.visits(a) {
		if time.Since(begun) > recovery {
			g.Errorf("%v after its repair the project does not serve", time.Since(begun))
			break
		}
	}
	g.notes = append(g.notes, fmt.Sprintf("slowest 503 %d ms, Retry-After %v, %d of them after the repair, served again after %d ms",
		a.slowest.Milliseconds(), a.retryAfter, a.count, time.Since(begun).Milliseconds()))
	for range 20 {
		g.answers()
	}
}

// apologies are the answers of a project that cannot start.
type apologies struct {
	slowest, retryAfter time.Duration
	count               int
}

// visits reports whether the project answers. If not it must apologize, and soon.
func (g *stage) visits(a *apologies) (served bool) {
	g.Helper()
	begun := time.Now()
	answer, err := g.Client().Do(g.request("/"))
	wait := time.Since(begun)
	if err != nil {
		g.Error(err)
		return false
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return true
	}
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if answer.StatusCode != http.StatusServiceUnavailable || err != nil || wait > apology {
		g.Errorf("a project that cannot start answers %s after %v, Retry-After: %q", answer.Status, wait, answer.Header.Get("Retry-After"))
	}
	a.slowest, a.retryAfter = max(a.slowest, wait), max(a.retryAfter, time.Duration(seconds)*time.Second)
	a.count++
	return false
}

func (s *shop) request(path string) *http.Request {
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1"+path, nil)
	if err != nil {
		panic(err)
	}
	request.Host = s.host()
	return request
}

// onlyApologies is the verdict that all who were not served were told 503.
func onlyApologies(_ *stage, seen *result) []string {
	if seen.Failed > seen.Kinds["503"] {
		return []string{fmt.Sprintf("failures: %s; %s", tally(seen.Kinds), seen.FirstFailure)}
	}
	return nil
}

// shortQueue has gunicorn listen with a queue of few connections. systemd's own number does not
// last: gunicorn listens again.
func shortQueue(s *shop) { s.arguments = []string{"--backlog", "4"} }

// fullQueue stops all workers for a while, so that nobody takes connections out of the queue.
func fullQueue(g *stage, _ int) {
	processes := "cat /sys/fs/cgroup$(systemctl show -P ControlGroup " + g.service() + ")/cgroup.procs"
	g.must("sh", "-c", "kill -STOP $("+processes+")")
	<-time.After(2 * time.Second)
	g.must("sh", "-c", "kill -CONT $("+processes+")")
	g.answers()
}

// frozenJournal keeps everybody from logging for a while, and restarts meanwhile.
func frozenJournal(g *stage, _ int) {
	journald := strings.TrimSpace(g.property("systemd-journald.service", "MainPID"))
	g.must("kill", "-STOP", journald)
	defer g.must("kill", "-CONT", journald)
	release := g.renew()
	g.must("sandwich", "restart", g.name)
	g.serves(release)
}

func openNeighbour(g *stage) { g.open(g.other()) }

// crashLoop wants that a project whose code is broken is told so within seconds, by exit code, too.
func crashLoop(g *stage, _ int) {
	o := g.other()
	o.publish(badRelease, "broken")
	g.Machine.Run("systemctl", "kill", "-s", "KILL", o.service())
	begun := time.Now()
	g.until("status says that it crashes", func() bool {
		r := g.Machine.Run("sandwich", "status", o.name)
		return r.Code == 3 || strings.Contains(r.Stdout, "activating") || strings.Contains(r.Stdout, "failed")
	})
	g.notes = append(g.notes, fmt.Sprintf("status said so after %.1f s", time.Since(begun).Seconds()))
	<-time.After(g.lasts - time.Since(begun))
}
