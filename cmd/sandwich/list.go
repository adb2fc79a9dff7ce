package main

import (
	"context"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
)

// entry is one line of `sandwich list`.
type entry struct {
	Name    string   `json:"name"`
	State   state    `json:"state"`
	Enabled bool     `json:"enabled"`
	Domains []string `json:"domains"`
	Closed  bool     `json:"maintenance,omitempty"` // visitors get a page with status 503
}

// shown is the state as the table has it.
func (e entry) shown() string {
	if e.Closed {
		return string(e.State) + " (maintenance)"
	}
	return string(e.State)
}

func newList(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List all projects and their states", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		entries, err := listEntries(cmd.Context(), projectNames())
		if err != nil {
			return err
		}
		if *asJSON {
			return t.json("projects", entries)
		}
		if len(entries) == 0 {
			t.tell("%s", noneWords(nil))
			return nil
		}
		t.table([]string{"PROJECT", "STATE", "DOMAINS"}, listRows(entries, t.width()))
		return nil
	}
	return cmd
}

// listRows are the lines of a table that is no wider than the terminal.
func listRows(entries []entry, width int) [][]string {
	names, states := len("PROJECT"), len("STATE")
	for _, e := range entries {
		names, states = max(names, len(e.Name)), max(states, len(e.shown()))
	}
	room := 0
	if width > 0 {
		room = max(width-names-states-2*len("  "), 1)
	}
	rows := make([][]string, 0, len(entries))
	for _, e := range entries {
		rows = append(rows, []string{e.Name, e.shown(), fitting(e.Domains, " ", room)})
	}
	return rows
}

// listEntries asks systemd once for all projects: a host may have a thousand.
func listEntries(ctx context.Context, names []string) ([]entry, error) {
	systemd, err := dbusctl.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer systemd.Close()
	states, err := systemd.Summaries(ctx, "sandwich-*.service", "sandwich-*.socket")
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(names))
	sideways(len(names), func(i int) {
		name := names[i]
		enabled, service, socket := enabled(name), states[units.Service(name)], states[units.Socket(name)]
		entries[i] = entry{
			Name: name, Enabled: enabled, Domains: compiledDomains(name), Closed: apply.SystemDirs.InMaintenance(name),
			State: stateOf(enabled, service.ActiveState, service.SubState, socket.ActiveState),
		}
	})
	return entries, nil
}
