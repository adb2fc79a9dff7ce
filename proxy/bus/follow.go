package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// systemd on the bus, as org.freedesktop.systemd1(5) has it.
const (
	systemdName = "org.freedesktop.systemd1"
	managerPath = "/org/freedesktop/systemd1"
	unitPrefix  = managerPath + "/unit/"
	managerName = systemdName + ".Manager"
	unitName    = systemdName + ".Unit"
	serviceName = systemdName + ".Service"
)

// follower tells p how its units are.
type follower struct {
	conn    *dbus.Conn
	p       Proxy
	names   map[string]string // by object path
	paths   map[string]string // the other way round
	results map[string]string // of services, as last told, by object path
}

// follow tells p of each change of its units until ctx ends. It sees changes of all units of the
// host, by subscriptions, and asks only for those that it has not heard of.
func follow(ctx context.Context, conn *dbus.Conn, p Proxy) error {
	f := &follower{conn: conn, p: p, results: map[string]string{}}
	signals := make(chan *dbus.Signal, 1000)
	conn.Signal(signals)
	defer conn.RemoveSignal(signals)
	if err := f.subscribe(ctx); err != nil {
		return err
	}
	for again := true; ; {
		names, moved := p.Units()
		if err := f.look(ctx, names, again); err != nil {
			return err
		}
		var ok bool
		if again, ok = f.listen(ctx, signals, moved); !ok {
			return ctx.Err()
		}
	}
}

func (f *follower) subscribe(ctx context.Context) error {
	for _, rule := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(systemdName), dbus.WithMatchInterface("org.freedesktop.DBus.Properties"),
			dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchArg(0, unitName)},
		{dbus.WithMatchSender(systemdName), dbus.WithMatchInterface("org.freedesktop.DBus.Properties"),
			dbus.WithMatchMember("PropertiesChanged"), dbus.WithMatchArg(0, serviceName)},
		{dbus.WithMatchSender(systemdName), dbus.WithMatchInterface(managerName), dbus.WithMatchMember("Reloading")},
		{dbus.WithMatchSender("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, systemdName)},
	} {
		if err := f.conn.AddMatchSignalContext(ctx, rule...); err != nil {
			return fmt.Errorf("cannot follow units: %w", err)
		}
	}
	return nil
}

// look asks for the state of units: of all of them, or of those that are new.
func (f *follower) look(ctx context.Context, names []string, all bool) error {
	known := f.paths
	f.names, f.paths = make(map[string]string, len(names)), make(map[string]string, len(names))
	var ask []string
	for _, name := range names {
		path, old := known[name]
		if !old {
			path = unitPath(name)
		}
		f.names[path], f.paths[name] = name, path
		if all || !old {
			ask = append(ask, name)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	return f.ask(ctx, ask, all)
}

func (f *follower) ask(ctx context.Context, names []string, all bool) error {
	manager := f.conn.Object(systemdName, managerPath)
	if all { // a manager that was replaced has forgotten us
		if err := manager.CallWithContext(ctx, managerName+".Subscribe", 0).Err; err != nil && !isSubscribed(err) {
			return fmt.Errorf("cannot follow units: %w", err)
		}
	}
	spares := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !isSpare(name) })
	inMemory, err := f.inMemory(ctx, spares)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return isSpare(name) && !inMemory[name] })
	if err := f.list(ctx, names); err != nil {
		return err
	}
	for _, name := range spares {
		if !inMemory[name] {
			f.p.UnitSeen(name, "inactive", "dead", "")
		}
	}
	return nil
}

// list asks systemd for units by their names: it loads those that are not in memory.
func (f *follower) list(ctx context.Context, names []string) error {
	if len(names) == 0 {
		return nil
	}
	var states [][]any
	manager := f.conn.Object(systemdName, managerPath)
	if err := manager.CallWithContext(ctx, managerName+".ListUnitsByNames", 0, names).Store(&states); err != nil {
		return fmt.Errorf("cannot read the states of units: %w", err)
	}
	for _, s := range states { // name, description, load, active and sub state, ...
		if name, load := s[0].(string), s[2].(string); load != "not-found" {
			f.p.UnitSeen(name, s[3].(string), s[4].(string), "")
		}
	}
	return nil
}

// isSpare says whether a unit is that of a next generation, which hardly ever runs.
func isSpare(name string) bool { return strings.HasSuffix(name, ".next.service") }

// oneByOne is how many units are rather asked for by name than looked for among all.
const oneByOne = 8

// inMemory tells which units systemd has in memory. It forgets one that does nothing and that nothing
// refers to, and would read it from the disk for an answer: of a thousand next generations at a time,
// whenever it has read all other units again, and for nothing.
func (f *follower) inMemory(ctx context.Context, names []string) (map[string]bool, error) {
	if len(names) > oneByOne {
		return f.allInMemory(ctx)
	}
	found := map[string]bool{}
	for _, name := range names {
		err := f.conn.Object(systemdName, managerPath).CallWithContext(ctx, managerName+".GetUnit", 0, name).Err
		if e, ok := err.(dbus.Error); ok && e.Name == systemdName+".NoSuchUnit" {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cannot look for %s: %w", name, err)
		}
		found[name] = true
	}
	return found, nil
}

func (f *follower) allInMemory(ctx context.Context) (map[string]bool, error) {
	var states [][]any
	manager := f.conn.Object(systemdName, managerPath)
	if err := manager.CallWithContext(ctx, managerName+".ListUnitsByPatterns", 0, []string{}, []string{"*.next.service"}).Store(&states); err != nil {
		return nil, fmt.Errorf("cannot list next generations: %w", err)
	}
	found := make(map[string]bool, len(states))
	for _, s := range states {
		found[s[0].(string)] = true
	}
	return found, nil
}

func isSubscribed(err error) bool {
	e, ok := err.(dbus.Error)
	return ok && e.Name == systemdName+".AlreadySubscribed"
}

// listen tells p of changes until there are other units, or until all are to be asked for again.
// It is false when the connection has ended.
func (f *follower) listen(ctx context.Context, signals <-chan *dbus.Signal, moved <-chan struct{}) (again, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return false, false
		case <-moved:
			return false, true
		case s := <-signals:
			switch {
			case s == nil:
				return false, false
			case s.Name == "org.freedesktop.DBus.Properties.PropertiesChanged":
				f.changed(s)
			case s.Name == managerName+".Reloading" && ends(s), s.Name == "org.freedesktop.DBus.NameOwnerChanged" && isBack(s):
				return true, true
			}
		}
	}
}

// ends says whether the manager has read its units again, rather than begins to.
func ends(s *dbus.Signal) bool { return len(s.Body) == 1 && s.Body[0] == false }

// isBack says whether the manager has the new owner that the signal tells of.
func isBack(s *dbus.Signal) bool {
	return len(s.Body) == 3 && s.Body[0] == systemdName && s.Body[2] != ""
}

// changed tells p of a unit. systemd tells what a change makes of the service before it tells what
// the change makes of the unit (bus_unit_send_change_signal).
func (f *follower) changed(s *dbus.Signal) {
	path := string(s.Path)
	name := f.names[path]
	if name == "" || len(s.Body) < 2 {
		return
	}
	values, _ := s.Body[1].(map[string]dbus.Variant)
	active, _ := values["ActiveState"].Value().(string)
	sub, _ := values["SubState"].Value().(string)
	if result, ok := values["Result"].Value().(string); ok && s.Body[0] == serviceName {
		f.results[path] = result
	}
	if active != "" {
		f.p.UnitSeen(name, active, sub, f.results[path])
	}
}

// unitPath is the object of a unit: what is no letter or digit is written as _xx.
func unitPath(name string) string {
	var b strings.Builder
	b.WriteString(unitPrefix)
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' && i > 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
