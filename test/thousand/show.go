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
	ways := []way{
		{what: "status", by: "sandwich", run: func() (cost, error) { return systemd.spend(ctx, "sandwich", "status") }},
		{what: "list", by: "sandwich", run: func() (cost, error) { return systemd.spend(ctx, "sandwich", "list") }},
	}
	if !m.alone {
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
		ways = append(ways, way{what: "status", by: "supervisorctl", run: func() (cost, error) { return s.control(ctx, "status") }})
	}
	for range more * m.rounds {
		for i := range ways {
			c, err := ways[i].run()
			if err != nil {
				return err
			}
			ways[i].rounds = append(ways[i].rounds, c)
		}
	}
	fmt.Println(costHeader)
	last := ways[len(ways)-1]
	for _, w := range ways {
		row(fmt.Sprintf("%s of %d", w.what, m.most), w.by, w.rounds, last.rounds)
	}
	return nil
}

// way is one way of having states shown.
type way struct {
	what, by string
	run      func() (cost, error)
	rounds   []cost
}
