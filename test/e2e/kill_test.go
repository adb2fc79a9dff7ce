//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// killed repeats enable and disable, each killed at a random instant, and prints a line for every
// run after which the state was neither old nor new, or after which the next run did not finish
// the work. Its argument is the number of runs.
const killed = `
answer() { curl -s -m 10 -o /dev/null -w '%{http_code}' -H 'Host: polls.example' http://127.0.0.1/polls/; }
kill_within() { # seconds as a fraction, command...
	limit=$1; shift
	"$@" >/dev/null 2>&1 & pid=$!
	sleep "$limit"
	kill -9 $pid 2>/dev/null
	wait $pid 2>/dev/null
}
runs=$1
for i in $(seq "$runs"); do
	instant=0.$(printf %03d $((RANDOM % 900)))
	kill_within $instant sandwich enable polls
	case $(answer) in 200 | 421) ;; *) echo "run $i: killed enable after $instant s: the site answers $(answer)" ;; esac
	sandwich enable polls >/dev/null || echo "run $i: enable does not finish the work"
	[ "$(answer)" = 200 ] || echo "run $i: enabled, but the site answers $(answer)"
	sandwich plan polls | grep -q 'nothing to do' || echo "run $i: enabled, but there is something to do"

	kill_within $instant sandwich disable polls
	case $(answer) in 200 | 421) ;; *) echo "run $i: killed disable after $instant s: the site answers $(answer)" ;; esac
	sandwich disable polls >/dev/null || echo "run $i: disable does not finish the work"
	[ "$(answer)" = 421 ] || echo "run $i: disabled, but the site answers $(answer)"
	left=$(ls -A /etc/systemd/system /var/lib/sandwich/routes | grep polls)
	[ -z "$left" ] || echo "run $i: disabled, but there is $left"
done
`

func TestAKilledCommandLeavesOldOrNewAndTheNextOneFinishes(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		m.Write("/root/killed", killed)
		// Each run kills two commands: fifty in all, on the two systems together.
		if said := m.MustRun("bash", "/root/killed", "13"); strings.TrimSpace(said) != "" {
			t.Error(said)
		}
	})
}

func TestCommandsWaitForEachOther(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("polls", "polls")
		said := m.Shell(`
			for i in 1 2 3 4 5; do
				sandwich disable polls & first=$!
				sandwich enable polls & second=$!
				wait $first && wait $second || echo one failed
			done
			sandwich enable polls`)
		if strings.Contains(said, "one failed") {
			t.Error(said)
		}
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 {
			t.Errorf("afterwards the site answers %s", answer.Status)
		}
	})
}
