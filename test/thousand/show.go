package main

import (
	"context"
	"fmt"
)

// more is how much oftener is done what is done quickly.
const more = 3

// show has the states of many idle projects shown.
func show(ctx context.Context, m *measurement) error {
	if err := m.have(ctx); err != nil {
		return err
	}
	s, err := startSupervisor(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if err := s.write(trivial(m.most)); err != nil {
		return err
	}
	if _, err := s.control(ctx, "update"); err != nil {
		return err
	}
	var status, list, theirs []cost
	for range more * m.rounds {
		for _, one := range []struct {
			rounds *[]cost
			run    func() (cost, error)
		}{
			{&status, func() (cost, error) { return systemd.spend(ctx, "sandwich", "status") }},
			{&list, func() (cost, error) { return systemd.spend(ctx, "sandwich", "list") }},
			{&theirs, func() (cost, error) { return s.control(ctx, "status") }},
		} {
			c, err := one.run()
			if err != nil {
				return err
			}
			*one.rounds = append(*one.rounds, c)
		}
	}
	fmt.Println(costHeader)
	of := fmt.Sprintf(" of %d", m.most)
	row("status"+of, "supervisorctl", theirs, theirs)
	row("status"+of, "sandwich", status, theirs)
	row("list"+of, "sandwich", list, theirs)
	return nil
}
