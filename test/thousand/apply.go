package main

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// change is what one project's file has more.
type change struct{ what, more string }

var changes = []change{
	{what: "nothing"},
	{what: "its route", more: "proxy {\n  max_body = \"7MB\"\n}"},
	{what: "its units", more: "environment = {\n  CHANGED = \"1\"\n}"},
}

// apply has one idle project among many applied. Where units change, systemd reads those of all projects
// again: what that takes by itself is beside it.
func apply(ctx context.Context, m *measurement) error {
	if err := m.have(ctx); err != nil {
		return err
	}
	one := name(m.most / 2)
	rounds := make([][]cost, len(changes))
	var reloads []cost
	for range m.rounds {
		for i, c := range changes {
			if err := writeProject(one, c.more); err != nil {
				return err
			}
			spent, err := systemd.spend(ctx, "sandwich", "apply", one)
			if err != nil {
				return err
			}
			rounds[i] = append(rounds[i], spent)
			// Without the change again.
			if err := errors.Join(writeProject(one, ""), do(ctx, "sandwich", "apply", one)); err != nil {
				return err
			}
		}
		spent, err := systemd.spend(ctx, program, "bare", "reload")
		if err != nil {
			return err
		}
		reloads = append(reloads, spent)
	}
	fmt.Println(costHeader)
	row("systemd reads its units again", "bare D-Bus call", reloads, reloads)
	for i, c := range changes {
		row(fmt.Sprintf("apply 1 of %d", m.most), c.what+" changed", rounds[i], reloads)
	}
	return nil
}

func writeProject(name, more string) error {
	return os.WriteFile(projectsDir+"/"+name+".hcl", []byte(text(name, more)), 0o644)
}
