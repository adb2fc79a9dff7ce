package dbusctl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Unit is the state of one unit at one moment, in systemd's words (org.freedesktop.systemd1(5)).
type Unit struct {
	Name        string
	Description string
	LoadState   string // loaded, not-found, bad-setting, error, masked
	LoadError   string
	ActiveState string // active, reloading, inactive, failed, activating, deactivating
	SubState    string
	Fragment    string // path of the unit file, "" when there is none
	DropIns     []string
	NeedReload  bool // the files changed since systemd read them

	Since   time.Time // of the active state; zero when it never was in it
	Started time.Time // when it last left the inactive state; zero when it never did

	Ran          time.Time // services: when the main process last began; zero when it never did
	Ended        time.Time // services: when it ended; zero while it runs
	Result       string    // services and sockets: success, exit-code, signal, timeout, ...
	ExitCode     int32     // services: how the main process ended, as in waitid(2) si_code
	ExitStatus   int32     // services: exit status or signal of the main process
	MainPID      uint32
	Restarts     uint32 // automatic restarts since the last start
	Memory       uint64 // bytes; 0 when it is not measured
	MemoryHigh   uint64 // bytes; 0 when there is no limit, like the next ones
	MemoryMax    uint64
	Tasks        uint64
	TasksMax     uint64
	StatusText   string // what the service last said of itself
	InvocationID string // hex; "" when it never ran
}

// Unit asks systemd for the state of a unit. A unit that does not exist is no error: its
// LoadState is "not-found".
func (s *Systemd) Unit(ctx context.Context, name string) (Unit, error) {
	values, err := s.conn.GetAllPropertiesContext(ctx, name)
	return answered(name, values, err)
}

func readUnit(name string, values map[string]any) Unit {
	p := properties(values)
	return Unit{
		Name:         name,
		Description:  p.text("Description"),
		LoadState:    p.text("LoadState"),
		LoadError:    loadError(values["LoadError"]),
		ActiveState:  p.text("ActiveState"),
		SubState:     p.text("SubState"),
		Fragment:     p.text("FragmentPath"),
		DropIns:      value[[]string](p, "DropInPaths"),
		NeedReload:   value[bool](p, "NeedDaemonReload"),
		Since:        p.time("ActiveEnterTimestamp"),
		Started:      p.time("InactiveExitTimestamp"),
		Ran:          p.time("ExecMainStartTimestamp"),
		Ended:        p.time("ExecMainExitTimestamp"),
		Result:       p.text("Result"),
		ExitCode:     value[int32](p, "ExecMainCode"),
		ExitStatus:   value[int32](p, "ExecMainStatus"),
		MainPID:      value[uint32](p, "MainPID"),
		Restarts:     value[uint32](p, "NRestarts"),
		Memory:       p.amount("MemoryCurrent"),
		MemoryHigh:   p.amount("MemoryHigh"),
		MemoryMax:    p.amount("MemoryMax"),
		Tasks:        p.amount("TasksCurrent"),
		TasksMax:     p.amount("TasksMax"),
		StatusText:   p.text("StatusText"),
		InvocationID: fmt.Sprintf("%x", value[[]byte](p, "InvocationID")),
	}
}

// properties are the values of a unit by name. Which ones there are depends on the unit's type.
type properties map[string]any

func value[T any](p properties, name string) T {
	v, _ := p[name].(T)
	return v
}

func (p properties) text(name string) string { return value[string](p, name) }

// time reads a time stamp: microseconds since the epoch, 0 for never.
func (p properties) time(name string) time.Time {
	usec := value[uint64](p, name)
	if usec == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(usec))
}

// amount is 0 where a controller is absent or there is no limit: systemd says 2^64-1 then.
func (p properties) amount(name string) uint64 {
	n := value[uint64](p, name)
	if n == ^uint64(0) {
		return 0
	}
	return n
}

// loadError reads the (name, message) pair of the LoadError property.
func loadError(v any) string {
	pair, ok := v.([]any)
	if !ok || len(pair) != 2 {
		return ""
	}
	message, _ := pair[1].(string)
	return message
}

func signalName(status int32) string {
	if name := unix.SignalName(unix.Signal(status)); name != "" {
		return name
	}
	return "unknown"
}

// Summary is the part of a unit's state that one call gives for many units.
type Summary struct{ LoadState, ActiveState, SubState string }

// Loaded names the units in memory that match a pattern (systemctl's globs).
func (s *Systemd) Loaded(ctx context.Context, pattern string) ([]string, error) {
	states, err := s.Summaries(ctx, pattern)
	return slices.Sorted(maps.Keys(states)), err
}

// Summaries gives the states of all loaded units that match the patterns (systemctl's globs), by
// unit name, in one call.
func (s *Systemd) Summaries(ctx context.Context, patterns ...string) (map[string]Summary, error) {
	list, err := s.conn.ListUnitsByPatternsContext(ctx, nil, patterns)
	if err != nil {
		return nil, fmt.Errorf("cannot list units %s: %w", strings.Join(patterns, " "), err)
	}
	states := make(map[string]Summary, len(list))
	for _, u := range list {
		states[u.Name] = Summary{LoadState: u.LoadState, ActiveState: u.ActiveState, SubState: u.SubState}
	}
	return states, nil
}
