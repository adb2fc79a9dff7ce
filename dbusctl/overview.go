package dbusctl

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// Overview tells of services what Unit does, and of other units how they are, when it can without a question
// about each: that a service that does nothing has no process and no result is known from the state. What
// did not change since systemd read its files is not asked for.
func (s *Systemd) Overview(ctx context.Context, names ...string) (map[string]Unit, error) {
	found, err := s.Listed(ctx, names...)
	if err != nil {
		return nil, err
	}
	files, err := s.unitFiles(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.doubt(ctx, files, names); err != nil {
		return nil, err
	}
	var open []string
	for _, name := range names {
		u, ok := found[name]
		switch {
		case ok && u.LoadState == "not-found" && u.ActiveState == "inactive":
		case ok && u.plain() && files.fresh(name) && len(files.dropIns(name)) == 0:
			u.Fragment, u.Result = files.fragment(name), "success"
			found[name] = u
		default:
			open = append(open, name)
		}
	}
	return found, s.eachOf(open, func(name string) (Unit, error) { return s.closer(ctx, found[name], files) }, found)
}

// plain says that there is nothing to tell of the unit but its state: one that does nothing, or has no
// processes.
func (u Unit) plain() bool {
	hasProcesses := filepath.Ext(u.Name) == ".service"
	return u.LoadState == "loaded" && (u.ActiveState == "inactive" || !hasProcesses && u.ActiveState == "active")
}

// doubt does not believe the times of files when systemd does not go by them alone: what somebody has
// enabled without having it read its files again makes it call every unit older than its files.
func (s *Systemd) doubt(ctx context.Context, files *unitFiles, names []string) error {
	for _, name := range names {
		if !files.fresh(name) {
			continue
		}
		property, err := s.conn.GetUnitPropertyContext(ctx, name, "NeedDaemonReload")
		if err != nil {
			return fmt.Errorf("cannot ask systemd about %s: %s", name, busReason(err))
		}
		if property.Value.Value() == true {
			files.read = time.Time{}
		}
		return nil
	}
	return nil
}

// closer asks about one unit: about everything, unless little is open. With everything comes whether the unit
// is enabled, for which systemd goes through the links of all units: 45 ms each among a thousand projects.
func (s *Systemd) closer(ctx context.Context, u Unit, files *unitFiles) (Unit, error) {
	runs := u.LoadState == "loaded" && u.ActiveState == "active" && filepath.Ext(u.Name) == ".service"
	if !u.plain() && !runs {
		return s.Unit(ctx, u.Name)
	}
	var questions []question
	switch {
	case !files.fresh(u.Name):
		questions = append(questions, ofFiles...)
	case len(files.dropIns(u.Name)) > 0:
		questions = append(questions, question{"Unit", "DropInPaths"})
	}
	if runs {
		questions = append(questions, ofRunning...)
	}
	values := map[string]any{
		"Description": u.Description, "LoadState": u.LoadState, "ActiveState": u.ActiveState, "SubState": u.SubState,
		"FragmentPath": files.fragment(u.Name), "Result": "success",
	}
	err := s.askInto(ctx, u.Name, questions, values)
	return answered(u.Name, values, err)
}

// question is a property of one of a unit's interfaces.
type question struct{ kind, property string }

// ofFiles is what a unit is asked for whose files may have changed.
var ofFiles = []question{{"Unit", "FragmentPath"}, {"Unit", "DropInPaths"}, {"Unit", "NeedDaemonReload"}}

// ofRunning is what a service that runs is asked for.
var ofRunning = []question{
	{"Unit", "ActiveEnterTimestamp"}, {"Unit", "InactiveExitTimestamp"}, {"Service", "MainPID"}, {"Service", "StatusText"},
	{"Service", "NRestarts"}, {"Service", "Result"}, {"Service", "MemoryCurrent"},
}

func (s *Systemd) askInto(ctx context.Context, unit string, questions []question, values map[string]any) error {
	for _, q := range questions {
		property, err := s.conn.GetUnitTypePropertyContext(ctx, unit, q.kind, q.property)
		if err != nil {
			return err
		}
		values[q.property] = property.Value.Value()
	}
	return nil
}
