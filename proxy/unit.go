package proxy

import (
	"strings"
	"time"
)

// unitState is what is known of the service behind a generation. The zero value knows nothing.
type unitState struct {
	active, sub string // as systemctl shows them; "" while unknown
	since       time.Time
	upSince     time.Time // when it was first seen up, this time
	crash       time.Time // when it crashed, until it is on its way to somewhere else

	up      bool // it was up before it went to where it is
	failing bool // it does not come up: its last start failed
}

// seen is the state after the service manager has told the unit's, and the result of its last run.
//
// A service that was up and crashed gets one start before it counts as failing: it may well come
// back, and then nobody has noticed. On its way from one start to the next it passes "inactive",
// which a service that was stopped shows too. A start that fails before there is a process leaves
// no trace but its result, "resources": it began and ended between two looks.
func (u unitState) seen(active, sub, result string) unitState {
	next := unitState{active: active, sub: sub, since: time.Now(), upSince: u.upSince, up: u.up, failing: u.failing}
	if active == "active" && u.active != "active" {
		next.upSince = next.since
	}
	if next.crashed() {
		if next.crash = u.crash; !u.crashed() {
			next.crash = next.since
		}
	}
	switch {
	case next.crashed() && result == "resources":
		next.up, next.failing = false, true
	case active == "active" || active == "reloading" || active == "refreshing":
		next.up, next.failing = true, false
	case next.crashed() && !u.crashed():
		next.up, next.failing = false, !u.up
	case active == "inactive" && !next.crashed():
		next.up, next.failing = false, u.failing && strings.Contains(u.sub, "auto-restart")
	case active == "activating":
		next.up = false
	}
	return next
}

// crashed says whether the service has ended in failure. systemd shows one end in several steps.
func (u unitState) crashed() bool {
	return u.active == "failed" || strings.Contains(u.sub, "auto-restart")
}

// asleep says whether nothing starts the service but a connection to its socket.
func (u unitState) asleep() bool { return u.active == "failed" || u.active == "inactive" }

// sleeps says whether the service is stopped, and its socket waits to start it.
func (u unitState) sleeps() bool { return u.active == "inactive" }

// String is what systemctl shows, and that the service fails.
func (u unitState) String() string {
	switch {
	case u.active == "":
		return ""
	case u.failing && u.active != "failed":
		return u.active + " (" + u.sub + "), failing"
	}
	return u.active + " (" + u.sub + ")"
}
