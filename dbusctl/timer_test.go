package dbusctl

import (
	"testing"
	"time"
)

func TestATimersTimes(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	const boot = 2 * time.Hour
	usec := func(t time.Time) uint64 { return uint64(t.UnixMicro()) }
	yesterday, soon := now.Add(-24*time.Hour), now.Add(time.Minute)
	for name, c := range map[string]struct {
		values     map[string]any
		last, next time.Time
	}{
		"by the calendar": {
			map[string]any{"LastTriggerUSec": usec(yesterday), "NextElapseUSecRealtime": usec(soon), "NextElapseUSecMonotonic": ^uint64(0)}, yesterday, soon,
		},
		"by an interval": {
			map[string]any{"LastTriggerUSec": usec(now), "LastTriggerUSecMonotonic": uint64(boot.Microseconds()), "NextElapseUSecMonotonic": uint64((boot + time.Minute).Microseconds())}, now, soon,
		},
		"while its service runs": {map[string]any{"NextElapseUSecRealtime": ^uint64(0)}, time.Time{}, time.Time{}},
		"first started a minute ago": {
			map[string]any{"LastTriggerUSec": usec(now.Add(-time.Minute)), "NextElapseUSecRealtime": usec(soon)}, time.Time{}, soon,
		},
	} {
		got := readTimer(c.values, now, boot)
		if !got.Last.Equal(c.last) || !got.Next.Equal(c.next) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
