package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/units"
)

// rested is one line of `sandwich idle`.
type rested struct {
	Name     string     `json:"name"`
	State    state      `json:"state"`
	After    float64    `json:"idle_after_seconds"` // 0: it is never stopped
	LastUsed *time.Time `json:"last_used,omitempty"`
	InFlight uint32     `json:"in_flight"`
}

func newIdle(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "idle [NAME...]", Args: cobra.ArbitraryArgs,
		Short: "Show how long projects have been unvisited; stop those named until their next visitor comes",
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 && !*all {
			return t.showIdle(cmd.Context(), *asJSON)
		}
		if *asJSON {
			return usageError("--json shows: name no project with it\nhint: sandwich idle --json")
		}
		names, err := t.enabledProjects("idle", args, *all)
		if err != nil {
			return err
		}
		return t.onEach(cmd.Context(), "idle", names, t.putToSleep)
	}
	return cmd
}

func (t *terminal) showIdle(ctx context.Context, asJSON bool) error {
	list, err := statuses(ctx, enabledNames())
	if err != nil {
		return err
	}
	proxy, err := dbusctl.ConnectProxy()
	if err != nil {
		return err
	}
	defer proxy.Close()
	routes, err := proxy.Status(ctx)
	if err != nil {
		return err
	}
	entries := make([]rested, 0, len(list))
	for _, one := range list {
		entries = append(entries, restedOf(one, routes[one.Name]))
	}
	if asJSON {
		return t.json("projects", entries)
	}
	if len(entries) == 0 {
		t.tell("%s", noneWords(projectNames()))
		return nil
	}
	rows := make([][]string, 0, len(entries))
	for _, e := range entries {
		rows = append(rows, e.row())
	}
	t.table([]string{"PROJECT", "STATE", "STOPPED AFTER", "LAST REQUEST", "IN FLIGHT"}, rows)
	return nil
}

func restedOf(s status, served dbusctl.Route) rested {
	r := rested{Name: s.Name, State: s.State, After: served.IdleAfter.Seconds(), InFlight: served.InFlight}
	if !served.LastUsed.IsZero() {
		r.LastUsed = &served.LastUsed
	}
	return r
}

func (r rested) row() []string {
	after, last := "never", "none yet"
	if r.After > 0 {
		after = time.Duration(r.After * float64(time.Second)).String()
	}
	if r.LastUsed != nil {
		last = ago(*r.LastUsed)
	}
	return []string{r.Name, string(r.State), after, last, strconv.Itoa(int(r.InFlight))}
}

// putToSleep stops the service of a project, not its socket: the next request starts it again. One
// that is visited just now is left alone.
func (t *terminal) putToSleep(ctx context.Context, h *host, name string) error {
	served, err := h.proxy.Route(ctx, name)
	if err != nil && !errors.Is(err, dbusctl.ErrNotServed) {
		return err
	}
	if n := served.InFlight; n > 0 {
		return fmt.Errorf("%d requests of it are in flight (WebSockets count)\nhint: sandwich stop %s", n, name)
	}
	unlock, err := lockGenerations(ctx, name, "sandwich idle", t.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	return h.systemd.Stop(ctx, units.Service(name))
}
