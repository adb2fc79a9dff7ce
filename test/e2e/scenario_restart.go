//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
)

// patience is longer than any command here may take.
const patience = 2 * time.Minute

// restarts bring new code, or the same, without anybody noticing.
var restarts = []scenario{
	{name: "sandwich restart", classes: classes, event: newCode("sandwich", "restart", "NAME")},
	{name: "systemctl restart", classes: classes, event: newCode("systemctl", "restart", "sandwich-NAME")},
	{name: "systemctl reload", classes: classes, event: newCode("systemctl", "reload", "sandwich-NAME")},
	{name: "sandwich apply of a changed unit", lasting: true, event: changedUnit},
	{name: "two sandwich restart at once", lasting: true, event: together("sandwich restart NAME", "sandwich restart NAME")},
	{name: "sandwich restart and systemctl restart at once", lasting: true,
		event: together("sandwich restart NAME", "systemctl restart sandwich-NAME")},
	{name: "sandwich restart and systemctl reload at once", lasting: true,
		event: reloadMeetsRestart},
	{name: "sandwich restart killed, then another", event: killedRestart},
	{name: "sandwich restart killed, then apply", event: killedAndApplied},
	{name: "systemctl reload killed, then apply", event: killedReload},
	{name: "sandwich restart, overlap = false", classes: []string{"sync", "uvicorn"}, project: onlyOnce,
		event: newCode("sandwich", "restart", "NAME")},
	{name: "sandwich restart --all", once: true, prepare: openMany, event: restartAll, restore: closeMany},
	{name: "systemctl stop, woken by the next request", event: stopped},
	{name: "ten systemctl daemon-reload in a row", event: reloads},
	{name: "systemctl daemon-reexec", event: func(g *stage, _ int) { g.must("systemctl", "daemon-reexec") }},
}

// spoiled is new code that must not come to serve.
var spoiled = []scenario{
	{name: "sandwich restart, broken code", event: badCode("broken", "sandwich", "restart", "NAME")},
	{name: "systemctl reload, broken code", event: badCode("broken", "systemctl", "reload", "sandwich-NAME")},
	{name: "sandwich restart, code that answers 500", event: badCode("fails", "sandwich", "restart", "NAME")},
	{name: "sandwich restart, code that dies after READY", event: badCode("dies", "sandwich", "restart", "NAME")},
	{name: "sandwich restart, code whose import hangs", once: true, prepare: impatient, restore: patient,
		event: badCode("hangs", "sandwich", "restart", "NAME")},
}

// must runs a command that has to succeed.
func (g *stage) must(command ...string) Result {
	g.Helper()
	return g.wants(0, command...)
}

func (g *stage) wants(code int, command ...string) Result {
	g.Helper()
	begun := time.Now()
	r := g.within(patience, command...)
	if r.Code != code {
		g.Errorf("%s exited with %d, want %d, after %.1f s:\n%s%s", strings.Join(command, " "), r.Code, code,
			time.Since(begun).Seconds(), r.Stdout, r.Stderr)
	}
	return r
}

// named puts the project's name into a command.
func (g *stage) named(command []string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(command, "\x00"), "NAME", g.name), "\x00")
}

// newCode publishes a release, runs the command, and wants that release to serve.
func newCode(command ...string) func(*stage, int) {
	return func(g *stage, _ int) {
		release := g.renew()
		g.must(g.named(command)...)
		g.serves(release)
	}
}

func (g *stage) serves(release string) {
	g.Helper()
	if v, err := g.ask(); err != nil || v.Release != release {
		g.Errorf("release %q serves in the place of %q: %v", v.Release, release, err)
	}
}

const badRelease = "bad"

// badCode publishes code that must not serve, runs the command, which must fail, and takes the
// code away again.
func badCode(mood string, command ...string) func(*stage, int) {
	return func(g *stage, _ int) {
		before, err := g.ask()
		if err != nil {
			g.Error(err)
		}
		g.publish(badRelease, mood)
		r := g.wants(1, g.named(command)...)
		if mood == "broken" && command[0] == "sandwich" && !strings.Contains(r.Stderr, "no such sandwich") {
			g.Errorf("it does not show the traceback:\n%s", r.Stderr)
		}
		g.serves(before.Release)
		g.publish(before.Release, "")
	}
}

// changedUnit toggles a value in the service's environment.
func changedUnit(g *stage, _ int) {
	g.note++
	g.writeHCL()
	g.must("sandwich", "apply", g.name)
	if v, err := g.ask(); err != nil || v.Note != strconv.Itoa(g.note) {
		g.Errorf("the environment has %q in the place of %d: %v", v.Note, g.note, err)
	}
}

// together runs commands side by side, each of which must succeed.
func together(commands ...string) func(*stage, int) {
	return func(g *stage, _ int) {
		release := g.renew()
		var all sync.WaitGroup
		for _, command := range commands {
			all.Go(func() { g.must(g.named(strings.Fields(command))...) })
		}
		all.Wait()
		g.serves(release)
	}
}

// reloadMeetsRestart runs both side by side. The restart succeeds; the reload does as well, or says
// that it came in between, and to which command.
func reloadMeetsRestart(g *stage, _ int) {
	release := g.renew()
	var both sync.WaitGroup
	both.Go(func() { g.must("sandwich", "restart", g.name) })
	both.Go(func() {
		since := g.must("date", "+%F %T").Stdout
		r := g.Machine.Run("systemctl", "reload", g.service())
		said := g.Machine.Run("journalctl", "--quiet", "--output=cat", "--since="+strings.TrimSpace(since), "--unit="+g.service()).Stdout
		if r.Code != 0 && !strings.Contains(r.Stderr, "canceled") && !strings.Contains(said, "reload it when that has ended") {
			g.Errorf("the reload exited with %d:\n%s%s", r.Code, r.Stderr, said)
		}
	})
	both.Wait()
	g.must("sandwich", "restart", g.name)
	g.serves(release)
}

// killedRestart kills a restart somewhere between its beginning and its end.
func killedRestart(g *stage, _ int) {
	release := g.renew()
	after := time.Duration(float64(2*g.importing+3*time.Second) * randomFraction())
	r := g.Machine.Run("timeout", "--signal=KILL", fmt.Sprintf("%.3f", after.Seconds()), "sandwich", "restart", g.name)
	g.Logf("killed after %v: exit code %d", after, r.Code)
	g.must("sandwich", "restart", g.name)
	g.serves(release)
}

// killedAndApplied kills a restart while the next generation serves, and has apply finish it.
func killedAndApplied(g *stage, _ int) {
	release := g.renew()
	done := make(chan Result, 1)
	go func() { done <- g.Machine.Run("sh", "-c", "echo $$ >/run/restarting; exec sandwich restart "+g.name) }()
	g.until("the next generation serves", func() bool { return g.upstream() == "next" || len(done) > 0 })
	g.Machine.Run("sh", "-c", "kill -9 $(cat /run/restarting)")
	if r := <-done; r.Code == 0 {
		g.Logf("the restart was too quick to be killed")
	}
	g.must("sandwich", "apply", g.name)
	g.settled()
	g.serves(release)
}

// killedReload kills what reloads for systemd, somewhere between its beginning and its end. What is
// left of it is finished by the next command.
func killedReload(g *stage, _ int) {
	g.renew()
	done := make(chan Result, 1)
	go func() { done <- g.Machine.Run("systemctl", "reload", g.service()) }()
	const hook = "pgrep -f '^/usr/bin/sandwich hook reload '"
	g.until("the reload is on its way", func() bool { return g.Machine.Run("sh", "-c", hook).Code == 0 || len(done) > 0 })
	<-time.After(time.Duration(float64(g.importing+2*time.Second) * randomFraction()))
	g.Machine.Run("sh", "-c", "kill -9 $("+hook+")")
	g.Logf("the killed reload exits with %d", (<-done).Code)
	g.must("sandwich", "apply", g.name)
	release := g.renew()
	g.must("sandwich", "restart", g.name)
	g.settled()
	g.serves(release)
}

// onlyOnce is a project that cannot run beside itself.
func onlyOnce(s *shop) { s.top = "overlap = false" }

// impatient lets the next generation have less time for its import than a minute and a half.
func impatient(g *stage) {
	g.Write("/etc/systemd/system/sandwich-"+g.name+".next.service.d/impatient.conf", "[Service]\nTimeoutStartSec=3\n")
	g.must("systemctl", "daemon-reload")
}

func patient(g *stage) {
	g.Shell("rm -r /etc/systemd/system/sandwich-" + g.name + ".next.service.d; systemctl daemon-reload")
}

func (g *stage) many() []*shop {
	many := make([]*shop, g.projects)
	for i := range many {
		many[i] = &shop{Machine: g.Machine, name: fmt.Sprintf("many%d", i), class: "sync", imports: g.importing / 2}
	}
	return many
}

// openMany has visitors for a few of the projects.
func openMany(g *stage) {
	many := g.many()
	g.open(many...)
	for _, s := range many[:5] {
		l := g.stream(g.rate/20, nil)
		l.Host = s.host()
		g.streams = append(g.streams, l)
	}
}

func restartAll(g *stage, _ int) {
	said := g.must("sandwich", "restart", "--all").Stdout
	if restarted := strings.Count(said, ": restarted"); restarted < g.projects {
		g.Errorf("%d of %d projects restarted:\n%s", restarted, g.projects, said)
	}
}

func reloads(g *stage, _ int) {
	for range 10 {
		g.must("systemctl", "daemon-reload")
	}
}

func closeMany(g *stage) { g.close(g.many()...) }

// stopped stops the service but not its socket.
func stopped(g *stage, _ int) {
	g.must("systemctl", "stop", g.service())
	if _, err := g.ask(); err != nil {
		g.Error(err)
	}
}
