package dbusctl

import (
	"context"
	"fmt"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
)

// ActiveState is active, activating, failed, inactive, ... A unit that does not exist is inactive.
func (s *Systemd) ActiveState(ctx context.Context, unit string) (string, error) {
	state, err := s.Unit(ctx, unit)
	return state.ActiveState, err
}

// lookPause is how often a unit is looked at.
const lookPause = 50 * time.Millisecond

// StaysActive watches a unit for a time, at least for one look, and is a *JobError as soon as it
// is not active.
func (s *Systemd) StaysActive(ctx context.Context, unit string, d time.Duration) error {
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	for end := time.Now().Add(d); ; {
		state, err := s.Unit(ctx, unit)
		if err != nil {
			return err
		}
		if state.ActiveState != "active" {
			return &JobError{Verb: "keep up", Unit: unit, State: state, because: failure(state)}
		}
		if !time.Now().Before(end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot watch %s: %w", unit, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// HangUp sends SIGHUP to the main process of a service and waits until done says so, from the
// service's status line before and now. A service that ends meanwhile is a *JobError.
func (s *Systemd) HangUp(ctx context.Context, unit string, done func(before, now string) bool) error {
	before, err := s.Unit(ctx, unit)
	if err != nil {
		return err
	}
	if err := s.conn.KillUnitWithTarget(ctx, unit, sd.Main, int32(syscall.SIGHUP)); err != nil {
		return fmt.Errorf("cannot send SIGHUP to %s: %s", unit, busReason(err))
	}
	ticker := time.NewTicker(lookPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("cannot wait for %s to load its code again: %w", unit, context.Cause(ctx))
		case <-ticker.C:
		}
		now, err := s.Unit(ctx, unit)
		if err != nil {
			return err
		}
		if now.MainPID != before.MainPID {
			return &JobError{Verb: "reload", Unit: unit, State: now, because: failure(now)}
		}
		if done(before.StatusText, now.StatusText) {
			return nil
		}
	}
}
