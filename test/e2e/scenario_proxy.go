//go:build e2e

package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sandwich/test/load"
)

// proxies are what happens to the front proxy and to its routes.
var proxies = []scenario{
	{name: "systemctl restart sandwich-proxy", classes: classes, event: restartProxy},
	{name: "package installed again", classes: []string{"sync"}, event: reinstall},
	{name: "package upgraded from an older version", classes: []string{"sync", "uvicorn"}, prepare: downgrade, event: upgrade, restore: newest},
	{name: "applies of another project, WebSockets and downloads open", classes: []string{"uvicorn"}, only: true, once: true,
		prepare: openOther, event: applyOther, judge: untouched, restore: closeOther},
	{name: "systemctl restart without a proxy", once: true, event: withoutProxy, judge: anything},
	{name: "systemctl restart, the proxy hangs", once: true, event: hungProxy},
}

func restartProxy(g *stage, _ int) {
	g.must("systemctl", "restart", "sandwich-proxy.service")
	g.answers()
}

func reinstall(g *stage, _ int) {
	g.must("apt-get", "install", "--reinstall", "-y", "--no-install-recommends", g.CopyPackage())
	g.answers()
}

// other is a project whose changes are no business of the one that is visited.
func (g *stage) other() *shop {
	return &shop{Machine: g.Machine, name: "other", class: "sync", imports: 100 * time.Millisecond}
}

// install installs a version, older or newer than the one that is there.
func (g *stage) install(path string) {
	g.Helper()
	g.must("apt-get", "install", "-y", "--allow-downgrades", "--no-install-recommends", path)
}

func (g *stage) version() string {
	return strings.TrimSpace(g.Machine.Run("sandwich", "version").Stdout)
}

func downgrade(g *stage) { g.install(g.CopyOlderPackage()) }

func newest(g *stage) { g.install(g.CopyPackage()) }

// upgrade brings the newer version, and the next time the older one again.
func upgrade(g *stage, number int) {
	before, proxy := g.version(), g.property("sandwich-proxy.service", "InvocationID")
	if number%2 == 0 {
		newest(g)
	} else {
		downgrade(g)
	}
	if g.version() == before || g.property("sandwich-proxy.service", "InvocationID") == proxy {
		g.Errorf("after the upgrade %s runs, as before", before)
	}
	g.answers()
}

func openOther(g *stage) {
	g.open(g.other())
	g.streams = append(g.streams, g.stream(0.5, []load.Request{{Path: "/stream?parts=80&seconds=8", Takes: 8 * time.Second, Whole: true}}))
}

// applyOther changes the other project's route each time, and its unit every fifth time.
func applyOther(g *stage, _ int) {
	o := g.other()
	for i := range g.applies {
		o.settings = fmt.Sprintf("proxy {\n  timeout = \"%ds\"\n}", 40+i)
		o.note = i / 5
		o.writeHCL()
		g.must("sandwich", "apply", o.name)
	}
	if v, err := o.ask(); err != nil || v.Note != strconv.Itoa((g.applies-1)/5) {
		g.Errorf("the other project has the note %q: %v", v.Note, err)
	}
}

// untouched is the verdict that no request failed and no WebSocket ended, in whatever way.
func untouched(g *stage, seen *result) []string {
	wrong := unnoticed(g, seen)
	if seen.sockets.Opened != g.sockets.Count {
		wrong = append(wrong, seen.sockets.String())
	}
	return wrong
}

func closeOther(g *stage) { g.close(g.other()) }

// bound is how long a proxy that does not do its part may keep a restart waiting, beyond the import.
const bound = 30 * time.Second

func (g *stage) restartsInTime() {
	g.Helper()
	before := g.property(g.service(), "InvocationID")
	begun := time.Now()
	g.must("systemctl", "restart", g.service())
	took := time.Since(begun)
	if g.notes = append(g.notes, fmt.Sprintf("the restart took %.1f s", took.Seconds())); took > bound+g.importing {
		g.Errorf("the restart took %v", took)
	}
	if state := g.property(g.service(), "ActiveState"); state != "active" || g.property(g.service(), "InvocationID") == before {
		g.Errorf("the service is %s and the same as before", state)
	}
}

// withoutProxy stops the socket, too: otherwise the next visitor starts the proxy.
func withoutProxy(g *stage, _ int) {
	g.must("systemctl", "stop", "sandwich-proxy.socket", "sandwich-proxy.service")
	g.restartsInTime()
	if state := g.property("sandwich-proxy.service", "ActiveState"); state != "inactive" {
		g.Errorf("the restart made the proxy %s", state)
	}
	g.must("systemctl", "start", "sandwich-proxy.socket", "sandwich-proxy.service")
	g.answers()
}

// anything is the verdict on visitors of a host without a proxy: only what is after it counts.
func anything(*stage, *result) []string { return nil }

// hungProxy stops all processes of the proxy for the time of a restart.
func hungProxy(g *stage, _ int) {
	all := "cat /sys/fs/cgroup$(systemctl show -P ControlGroup sandwich-proxy.service)/cgroup.procs"
	g.must("sh", "-c", "kill -STOP $("+all+")")
	defer g.answers()
	defer g.must("sh", "-c", "kill -CONT $("+all+")")
	g.restartsInTime()
}
