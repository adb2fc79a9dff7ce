// Package bus offers the proxy on D-Bus as io.sandwich.Proxy1. Who may call what is left to the
// bus's policy; what the calls do is left to package proxy.
package bus

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
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
	StatusOf(name string) (proxy.Status, error)
	Summary() proxy.Summary

	Units() (names []string, moved <-chan struct{})
	UnitSeen(unit, active, sub, result string)
	UnitsUnseen()

	Certificates
	Signals() <-chan proxy.Signal
}

// The pauses between two attempts to reach a bus that went away.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// Run offers p on the system bus (DBUS_SYSTEM_BUS_ADDRESS) until ctx ends: then the name is the
// next process's, while calls in progress are finished and units are followed until ended ends.
// While there is no bus it tries again and again, and says so once.
func Run(ctx, ended context.Context, p Proxy, log *slog.Logger) {
	pause, complained := firstPause, false
	for ctx.Err() == nil {
		conn, err := connect(ctx, p)
		if err == nil {
			log.Info("owning " + Name + " on the system bus")
			pause, complained = firstPause, false
			stay(ctx, ended, conn, p, log)
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

// stay follows units until the connection is lost or everything has ended.
func stay(ctx, ended context.Context, conn *dbus.Conn, p Proxy, log *slog.Logger) {
	var telling sync.WaitGroup
	defer telling.Wait()
	defer conn.Close()
	telling.Go(func() { tellChanges(conn, p) })
	defer context.AfterFunc(ctx, func() { conn.ReleaseName(Name) })()
	defer context.AfterFunc(ended, func() { conn.Close() })()
	go emit(ctx, conn, p, log)
	pause, complained := firstPause, false
	for conn.Context().Err() == nil {
		err := follow(conn.Context(), conn, p)
		p.UnitsUnseen()
		if conn.Context().Err() == nil && !complained {
			log.Warn(fmt.Sprintf("%v, trying again; requests wait for services without knowing how they are", err))
			complained = true
		}
		select {
		case <-conn.Context().Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, lastPause)
	}
}

// emit tells the bus what p has to tell, for as long as the name is this process's.
func emit(ctx context.Context, conn *dbus.Conn, p Proxy, log *slog.Logger) {
	for {
		select {
		case s := <-p.Signals():
			if err := conn.Emit(Path, Name+"."+s.Member, s.Args...); err != nil {
				log.Warn(fmt.Sprintf("cannot emit %s: %v, ignoring", s.Member, err))
			}
		case <-conn.Context().Done():
			return
		case <-ctx.Done():
			return
		}
	}
}

// connect exports p first and takes the name after that, so that no call finds nothing.
func connect(ctx context.Context, p Proxy) (*dbus.Conn, error) {
	conn, err := dbus.ConnectSystemBus(dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the system bus: %w", err)
	}
	if err := export(ctx, conn, p); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

func export(ctx context.Context, conn *dbus.Conn, p Proxy) error {
	if err := conn.Export(object{p}, Path, Name); err != nil {
		return fmt.Errorf("cannot export %s: %w", Path, err)
	}
	if err := conn.Export(introspectable, Path, "org.freedesktop.DBus.Introspectable"); err != nil {
		return fmt.Errorf("cannot export introspection of %s: %w", Path, err)
	}
	return own(ctx, conn)
}

// own takes the name from a process that is about to end.
func own(ctx context.Context, conn *dbus.Conn) error {
	acquired := make(chan *dbus.Signal, 10)
	conn.Signal(acquired)
	defer conn.RemoveSignal(acquired)
	reply, err := conn.RequestName(Name, dbus.NameFlagAllowReplacement|dbus.NameFlagReplaceExisting)
	if err != nil {
		return fmt.Errorf("cannot own %s: %w", Name, err)
	}
	if reply == dbus.RequestNameReplyPrimaryOwner {
		return nil
	}
	for {
		select {
		case s := <-acquired: // in the queue behind one that cannot be replaced
			if s != nil && s.Name == "org.freedesktop.DBus.NameAcquired" && len(s.Body) == 1 && s.Body[0] == Name {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		case <-conn.Context().Done():
			return fmt.Errorf("cannot own %s: connection was closed", Name)
		}
	}
}
