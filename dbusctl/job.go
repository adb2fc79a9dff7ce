package dbusctl

import (
	"context"
	"errors"
	"fmt"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// jobMethod queues a job; it is one of go-systemd's StartUnitContext and its kin.
type jobMethod func(ctx context.Context, unit, mode string, done chan<- string) (int, error)

// Start starts units side by side and waits for all of them. A unit that is active already is
// left alone. The error joins one *JobError per unit that did not start.
func (s *Systemd) Start(ctx context.Context, units ...string) error {
	return s.jobs(ctx, "start", s.conn.StartUnitContext, units)
}

// Stop stops units side by side and waits for all of them. A unit that systemd does not know is
// as good as stopped.
func (s *Systemd) Stop(ctx context.Context, units ...string) error {
	return s.jobs(ctx, "stop", s.conn.StopUnitContext, units)
}

// Restart stops and starts units side by side and waits for all of them.
func (s *Systemd) Restart(ctx context.Context, units ...string) error {
	return s.jobs(ctx, "restart", s.conn.RestartUnitContext, units)
}

// ReloadUnit has a unit carry out its ExecReload=, and waits for it.
func (s *Systemd) ReloadUnit(ctx context.Context, unit string) error {
	return s.jobs(ctx, "reload", s.conn.ReloadUnitContext, []string{unit})
}

// ReloadOrRestart has units read their settings again; those that do not run are started.
func (s *Systemd) ReloadOrRestart(ctx context.Context, units ...string) error {
	return s.jobs(ctx, "reload", s.conn.ReloadOrRestartUnitContext, units)
}

func (s *Systemd) jobs(ctx context.Context, verb string, queue jobMethod, units []string) error {
	waits := make([]chan string, len(units))
	errs := make([]error, len(units))
	for i, unit := range units {
		// Room for one: go-systemd delivers without asking whether somebody still listens.
		waits[i] = make(chan string, 1)
		_, err := queue(ctx, unit, "replace", waits[i])
		if err != nil && (verb != "stop" || !isNoSuchUnit(err)) {
			errs[i] = &JobError{Verb: verb, Unit: unit, because: busReason(err)}
		}
		if err != nil {
			waits[i] = nil
		}
	}
	for i, wait := range waits {
		if wait != nil {
			errs[i] = s.wait(ctx, verb, units[i], wait)
		}
	}
	return errors.Join(errs...)
}

func (s *Systemd) wait(ctx context.Context, verb, unit string, done <-chan string) error {
	select {
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for systemd to %s %s: %w", verb, unit, context.Cause(ctx))
	case result := <-done:
		if result == "done" || result == "skipped" {
			return nil
		}
		// A failed unit is asked for at once: systemd forgets why when it tries again.
		state, err := s.Unit(context.WithoutCancel(ctx), unit)
		if err != nil {
			state = Unit{Name: unit}
		}
		return &JobError{Verb: verb, Unit: unit, Result: result, State: state, because: because(verb, result, state)}
	}
}

// JobError says that systemd could not do a job, in one sentence with a because.
type JobError struct {
	Verb   string // start, stop, restart
	Unit   string
	Result string // systemd's job result, "" when the job was refused
	State  Unit   // of the unit right after the job

	because string
}

func (e *JobError) Error() string {
	return fmt.Sprintf("cannot %s %s because %s", e.Verb, e.Unit, e.because)
}

func isNoSuchUnit(err error) bool {
	var busErr dbus.Error
	return errors.As(err, &busErr) && busErr.Name == "org.freedesktop.systemd1.NoSuchUnit"
}

// busReason words a refusal by systemd or by the bus.
func busReason(err error) string {
	var busErr dbus.Error
	if !errors.As(err, &busErr) {
		return err.Error()
	}
	switch busErr.Name {
	case "org.freedesktop.systemd1.NoSuchUnit":
		return "systemd knows no such unit"
	case "org.freedesktop.systemd1.UnitMasked":
		return "the unit is masked (systemctl unmask lifts it)"
	case "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "org.freedesktop.DBus.Error.AccessDenied":
		return "you may not: it needs root"
	}
	return busErr.Error()
}

var _ jobMethod = (*sd.Conn)(nil).StartUnitContext
