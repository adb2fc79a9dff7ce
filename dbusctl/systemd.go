// Package dbusctl talks to systemd, its journal and the front proxy over D-Bus: jobs, enablement,
// states, and results in words. What should be done is decided elsewhere.
package dbusctl

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Systemd is a connection to the system's service manager. Its methods are safe for concurrent use.
type Systemd struct {
	conn *sd.Conn
	bus  *dbus.Conn // one of its two
}

// manager1 is systemd's own object.
func manager1(bus *dbus.Conn) dbus.BusObject {
	return bus.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1")
}

// manager reads a property of systemd itself.
func (s *Systemd) manager(ctx context.Context, property string, into any) error {
	err := manager1(s.bus).CallWithContext(ctx, "org.freedesktop.DBus.Properties.Get", 0, "org.freedesktop.systemd1.Manager", property).Store(into)
	if err != nil {
		return fmt.Errorf("cannot ask systemd for its %s: %s", property, busReason(err))
	}
	return nil
}

// Connect opens the connection. It outlives ctx: only Close ends it.
func Connect(ctx context.Context) (*Systemd, error) {
	// A connection ends with the context it was dialled under.
	ctx = context.WithoutCancel(ctx)
	var last *dbus.Conn
	conn, err := sd.NewConnection(func() (_ *dbus.Conn, err error) {
		last, err = dial(ctx)
		return last, err
	})
	if err != nil {
		return nil, unbooted(err, booted(), firstProcess())
	}
	// go-systemd's own Subscribe would have every change of every unit sent here, too: only the ends of jobs
	// are waited for.
	if err := manager1(last).Call("org.freedesktop.systemd1.Manager.Subscribe", 0).Err; err != nil {
		conn.Close()
		return nil, fmt.Errorf("cannot subscribe to systemd's signals: %w", err)
	}
	return &Systemd{conn: conn, bus: last}, nil
}

// dial opens a connection to the system bus that is nobody else's.
func dial(ctx context.Context) (*dbus.Conn, error) {
	conn, err := dbus.SystemBusPrivate(dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if err = conn.Auth([]dbus.Auth{dbus.AuthExternal(strconv.Itoa(os.Getuid()))}); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Close ends the connection.
func (s *Systemd) Close() { s.conn.Close() }

// Version is systemd's major version, for example 252.
func (s *Systemd) Version() (int, error) {
	text, err := s.conn.GetManagerProperty("Version")
	if err != nil {
		return 0, fmt.Errorf("cannot ask systemd for its version: %w", err)
	}
	return parseVersion(text)
}

// parseVersion reads "252.39-1~deb12u2", "257", "v256-rc3", each possibly quoted as D-Bus prints it.
func parseVersion(text string) (int, error) {
	digits := strings.TrimLeft(strings.Trim(text, `"`), "v")
	if end := strings.IndexFunc(digits, func(r rune) bool { return r < '0' || r > '9' }); end >= 0 {
		digits = digits[:end]
	}
	version, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("cannot read systemd's version %q", text)
	}
	return version, nil
}

// DaemonReload makes systemd read all unit files again. It takes seconds on a host with a
// thousand projects, so callers do it once per batch of changes. It begins when what was written
// before is older by every clock: Overview goes by that.
func (s *Systemd) DaemonReload(ctx context.Context) error {
	select {
	case <-time.After(tick):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := s.conn.ReloadContext(ctx); err != nil {
		return fmt.Errorf("cannot make systemd reload its unit files: %w", err)
	}
	return nil
}

// ResetFailed forgets the failed state of a unit, so that a unit whose file is gone goes too.
// A unit that systemd does not know is no error.
func (s *Systemd) ResetFailed(ctx context.Context, unit string) error {
	err := s.conn.ResetFailedUnitContext(ctx, unit)
	if err != nil && !isNoSuchUnit(err) {
		return fmt.Errorf("cannot reset the failed state of %s: %w", unit, err)
	}
	return nil
}
