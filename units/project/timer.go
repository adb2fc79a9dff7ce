package project

import (
	"strings"
	"time"
)

// Timer is one timer block: a command that systemd runs at its times.
type Timer struct {
	Name       string
	Command    []string
	Calendar   string        // as systemd.time(7) writes it, or "" when Every is set
	Every      time.Duration // between the beginnings of two runs
	Jitter     time.Duration // a delay up to this, the same each time on one host
	Timeout    time.Duration // a run that takes longer is ended; 0: none is
	Persistent bool          // a time that was missed while the host was down is made up for
	OnFailure  []string      // what runs after a run that failed
}

var timerSettings = []setting[Timer]{
	{"command", commandOf(func(t *Timer) *[]string { return &t.Command })},
	{"schedule", readSchedule},
	{"jitter", duration(func(t *Timer) *time.Duration { return &t.Jitter }, 0)},
	{"timeout", duration(func(t *Timer) *time.Duration { return &t.Timeout }, time.Second)},
	{"persistent", boolean(func(t *Timer) *bool { return &t.Persistent })},
	{"on_failure", commandOf(func(t *Timer) *[]string { return &t.OnFailure })},
}

func decodeTimer(d *decoder, g *group) {
	t := Timer{Name: g.label, Persistent: true}
	fill(d, g, timerSettings, &t)
	if !partName(d, g) || !d.stated(g) {
		return
	}
	if _, ok := g.attrs["schedule"]; !ok {
		d.refuse(&g.at, "schedule is not stated", `Write when it runs: schedule = "daily", "Mon *-*-* 06:30" or "every 5m".`)
		return
	}
	d.p.Timers = append(d.p.Timers, t)
}

// calendarForm is every character that systemd.time(7) knows; whether it is a time, only systemd
// says.
var (
	calendarForm = newPattern(`^[A-Za-z0-9*][A-Za-z0-9 *:,./~_+-]{0,199}$`)
	cronForm     = newPattern(`^[0-9*/,-]+( +[0-9A-Za-z*/,-]+){4}$`)
)

func readSchedule(v value, t *Timer) {
	it, ok := v.text()
	if !ok {
		return
	}
	clean, ok := v.checked(it, schedule)
	if !ok {
		return
	}
	rest, interval := strings.CutPrefix(clean, "every ")
	if !interval {
		t.Calendar = clean
		return
	}
	every, f := parseDuration(strings.TrimSpace(rest))
	if f == nil && every < time.Second {
		f = wrong("is too often", `Write at least "every 1s".`)
	}
	if f != nil {
		v.refuse(it, f)
		return
	}
	t.Every = every
}

func schedule(_ *decoder, s string) (string, *fault) {
	s = strings.TrimSpace(s)
	const example = `Write "hourly", "daily", "Mon..Fri *-*-* 06:30" (systemd.time(7)) or "every 5m".`
	switch {
	case cronForm.MatchString(s):
		return "", wrong("is a line of a crontab", `Here "30 6 * * *" is "*-*-* 06:30" and "*/5 * * * *" is "*:0/5". `+example)
	case !calendarForm.MatchString(s):
		return "", wrong("is no time", example)
	}
	return s, nil
}
