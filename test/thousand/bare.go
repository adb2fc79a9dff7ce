package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// unitsDir is where units are.
const unitsDir = "/etc/systemd/system"

// bus is one connection to systemd with nothing around it: the least that the same work can cost.
type bus struct {
	conn    *dbus.Conn
	systemd dbus.BusObject
	signals chan *dbus.Signal
}

const manager1 = "org.freedesktop.systemd1.Manager."

func dial(ctx context.Context) (*bus, error) {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	b := &bus{conn: conn, systemd: conn.Object("org.freedesktop.systemd1", "/org/freedesktop/systemd1"), signals: make(chan *dbus.Signal, 100)}
	conn.Signal(b.signals)
	err = conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.systemd1.Manager"), dbus.WithMatchMember("JobRemoved"))
	return b, errors.Join(err, b.call("Subscribe"))
}

func (b *bus) call(method string, args ...any) error {
	return b.systemd.Call(manager1+method, 0, args...).Err
}

// jobs has systemd start or stop all units side by side, and waits for all.
func (b *bus) jobs(method string, units []string) error {
	waiting := map[dbus.ObjectPath]string{}
	for _, unit := range units {
		var job dbus.ObjectPath
		if err := b.systemd.Call(manager1+method, 0, unit, "replace").Store(&job); err != nil {
			return fmt.Errorf("%s: %w", unit, err)
		}
		waiting[job] = unit
	}
	for len(waiting) > 0 {
		removed := <-b.signals
		if removed.Name != manager1+"JobRemoved" {
			continue // the bus itself greets
		}
		path, _ := removed.Body[1].(dbus.ObjectPath)
		if result, _ := removed.Body[3].(string); waiting[path] != "" && result != "done" && result != "skipped" {
			return fmt.Errorf("%s of %s: %s", method, waiting[path], result)
		}
		delete(waiting, path)
	}
	return nil
}

// bare does with calls to systemd what sandwich does for projects whose unit files are kept in a directory.
func bare(ctx context.Context, args []string) error {
	b, err := dial(ctx)
	if err != nil {
		return err
	}
	defer b.conn.Close()
	switch {
	case len(args) == 2 && args[0] == "enable":
		return b.enable(args[1])
	case len(args) == 2 && args[0] == "disable":
		return b.disable(args[1])
	case len(args) == 1 && args[0] == "reload":
		return b.call("Reload")
	}
	return fmt.Errorf("bare %s: no such thing", strings.Join(args, " "))
}

func (b *bus) enable(dir string) error {
	kept, err := filepath.Glob(dir + "/*")
	if err != nil {
		return err
	}
	var installed, started []string
	for _, path := range kept {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := filepath.Base(path)
		if err := os.WriteFile(filepath.Join(unitsDir, name), content, 0o644); err != nil {
			return err
		}
		if strings.Contains(string(content), "\n[Install]\n") {
			installed = append(installed, name)
		}
		if starts(name) {
			started = append(started, name)
		}
	}
	if err := b.call("EnableUnitFiles", installed, false, false); err != nil {
		return err
	}
	if err := b.call("Reload"); err != nil {
		return err
	}
	// Sockets first: a service of a socket that is not there yet takes it along.
	slices.SortStableFunc(started, func(a, b string) int { return rank(a) - rank(b) })
	return b.jobs("StartUnit", started)
}

// starts says whether enable starts the unit.
func starts(name string) bool { return rank(name) >= 0 && !strings.Contains(name, ".next.") }

func rank(name string) int {
	return slices.Index([]string{".socket", ".service", ".target"}, filepath.Ext(name))
}

// sideBySide is how many services end at the same time: hundreds with sandboxes are too much for some
// kernels.
const sideBySide = 20

func (b *bus) disable(dir string) error {
	paths, err := filepath.Glob(dir + "/*")
	if err != nil {
		return err
	}
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
	}
	for _, kind := range []string{".socket", ".service", ".target", ".slice"} {
		if err := b.stop(slices.DeleteFunc(slices.Clone(names), func(name string) bool { return filepath.Ext(name) != kind })); err != nil {
			return err
		}
	}
	if err := b.call("DisableUnitFiles", names, false); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Remove(filepath.Join(unitsDir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return b.call("Reload")
}

func (b *bus) stop(units []string) error {
	for some := range slices.Chunk(units, sideBySide) {
		if err := b.jobs("StopUnit", some); err != nil {
			return err
		}
	}
	return nil
}
