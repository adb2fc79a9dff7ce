// Package bus offers the proxy on D-Bus as io.sandwich.Proxy1. Who may call what is left to the
// bus's policy; what the calls do is left to package proxy.
package bus

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/godbus/dbus/v5"

	"sandwich/proxy"
)

// Name, path and interface of the proxy on the bus.
const (
	Name = "io.sandwich.Proxy1"
	Path = "/io/sandwich/Proxy1"
)

// Proxy is what is offered: *proxy.Server.
type Proxy interface {
	Apply(name string) error
	Forget(name string) error
	Hold(name string, limit time.Duration) error
	Release(name string) error
	Switch(name, upstream string) error
	Drain(name string, limit time.Duration) error
	Status() []proxy.Status
}

// The pauses between two attempts to reach a bus that went away.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Run offers p on the system bus (DBUS_SYSTEM_BUS_ADDRESS) until ctx ends. While there is no bus
// it tries again and again, and says so once.
func Run(ctx context.Context, p Proxy, log *slog.Logger) {
	pause, complained := firstPause, false
	for ctx.Err() == nil {
		conn, err := connect(p)
		if err == nil {
			log.Info("owning " + Name + " on the system bus")
			pause, complained = firstPause, false
			wait(ctx, conn)
			err = fmt.Errorf("connection was closed")
		}
		if ctx.Err() == nil && !complained {
			log.Warn(fmt.Sprintf("cannot be reached over the system bus, serving on and trying again: %v", err))
			complained = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

func wait(ctx context.Context, conn *dbus.Conn) {
	select {
	case <-ctx.Done():
		conn.ReleaseName(Name) // callers get an answer at once instead of a time-out
	case <-conn.Context().Done():
	}
	conn.Close()
}

// connect exports p first and takes the name after that, so that no call finds nothing.
func connect(p Proxy) (*dbus.Conn, error) {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the system bus: %w", err)
	}
	if err := export(conn, p); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func export(conn *dbus.Conn, p Proxy) error {
	if err := conn.Export(object{p}, Path, Name); err != nil {
		return fmt.Errorf("cannot export %s: %w", Path, err)
	}
	if err := conn.Export(introspectable, Path, "org.freedesktop.DBus.Introspectable"); err != nil {
		return fmt.Errorf("cannot export introspection of %s: %w", Path, err)
	}
	reply, err := conn.RequestName(Name, dbus.NameFlagDoNotQueue)
	if err != nil {
		return fmt.Errorf("cannot own %s: %w", Name, err)
	}
	if reply != dbus.RequestNameReplyPrimaryOwner {
		return fmt.Errorf("cannot own %s: another process does", Name)
	}
	return nil
}
