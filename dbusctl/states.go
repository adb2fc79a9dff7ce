package dbusctl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// How many units systemd is asked for in one call, and how many calls are under way at a time: in between
// it answers others.
const (
	namesAtOnce = 500
	callsAtOnce = 8
)

// Listed tells of many units, in a call for hundreds of them, whether they could be loaded and whether they
// are active: Description, LoadState, ActiveState and SubState of each. systemd loads those that are not in
// memory.
func (s *Systemd) Listed(ctx context.Context, names ...string) (map[string]Unit, error) {
	found := make(map[string]Unit, len(names))
	for some := range slices.Chunk(names, namesAtOnce) {
		list, err := s.conn.ListUnitsByNamesContext(ctx, some)
		if err != nil {
			return nil, fmt.Errorf("cannot ask systemd about %d units: %s", len(some), busReason(err))
		}
		for _, u := range list {
			found[u.Name] = Unit{Name: u.Name, Description: u.Description, LoadState: u.LoadState, ActiveState: u.ActiveState, SubState: u.SubState}
		}
	}
	return found, nil
}

// eachOf asks about each of the names, several at a time, and keeps what is answered in found.
func (s *Systemd) eachOf(names []string, ask func(string) (Unit, error), found map[string]Unit) error {
	units, errs := make([]Unit, len(names)), make([]error, len(names))
	room := make(chan struct{}, callsAtOnce)
	var all sync.WaitGroup
	for i, name := range names {
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			units[i], errs[i] = ask(name)
		})
	}
	all.Wait()
	for i, name := range names {
		found[name] = units[i]
	}
	return errors.Join(errs...)
}

// answered is what systemd said of a unit. One that does not exist is no error.
func answered(name string, values map[string]any, err error) (Unit, error) {
	if isNoSuchUnit(err) {
		return Unit{Name: name, LoadState: "not-found", ActiveState: "inactive"}, nil
	}
	if err != nil {
		return Unit{}, fmt.Errorf("cannot ask systemd about %s: %s", name, busReason(err))
	}
	return readUnit(name, values), nil
}
