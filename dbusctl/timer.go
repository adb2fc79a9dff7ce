package dbusctl

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Timer is the state of a timer unit at one moment.
type Timer struct {
	ActiveState string
	Last        time.Time // when it last started its service; zero when it never did
	Next        time.Time // when it will; zero when it waits for nothing, or for the service to end
}

// Timer asks systemd for the state of a timer. One that does not exist is inactive.
func (s *Systemd) Timer(ctx context.Context, name string) (Timer, error) {
	values, err := s.conn.GetAllPropertiesContext(ctx, name)
	if isNoSuchUnit(err) {
		return Timer{ActiveState: "inactive"}, nil
	}
	if err != nil {
		return Timer{}, fmt.Errorf("cannot ask systemd about %s: %s", name, busReason(err))
	}
	return readTimer(values, time.Now(), sinceBoot()), nil
}

// readTimer takes the sooner of the two times: one by the calendar, one by the time since boot.
func readTimer(values map[string]any, now time.Time, boot time.Duration) Timer {
	p := properties(values)
	t := Timer{ActiveState: p.text("ActiveState"), Last: p.moment("LastTriggerUSec"), Next: p.moment("NextElapseUSecRealtime")}
	if value[uint64](p, "LastTriggerUSecMonotonic") == 0 && t.Last.After(now.Add(-boot)) {
		// It has not run since boot: a timer that makes up for missed times notes when it was first started.
		t.Last = time.Time{}
	}
	usec := value[uint64](p, "NextElapseUSecMonotonic")
	if usec == 0 || usec == ^uint64(0) {
		return t
	}
	if next := now.Add(time.Duration(usec)*time.Microsecond - boot); t.Next.IsZero() || next.Before(t.Next) {
		t.Next = next
	}
	return t
}

// moment is a time stamp that may also be infinite, which is none.
func (p properties) moment(name string) time.Time {
	if value[uint64](p, name) == ^uint64(0) {
		return time.Time{}
	}
	return p.time(name)
}

// sinceBoot is systemd's clock for times that go by the running of the host.
func sinceBoot() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0
	}
	return time.Duration(now.Nano())
}
