package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
)

// The units of the front proxy.
const (
	proxyService = "sandwich-proxy.service"
	proxySocket  = "sandwich-proxy.socket"
)

func newProxy(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "proxy", Short: "Look after the front proxy", Args: cobra.NoArgs}
	cmd.AddCommand(newProxyStatus(t), newProxyReload(t))
	cmd.RunE = func(*cobra.Command, []string) error { return usageError("proxy what?\nhint: sandwich proxy status") }
	return cmd
}

// proxyStatus is what `sandwich proxy status` tells.
type proxyStatus struct {
	State   string       `json:"state"`
	Since   *time.Time   `json:"since,omitempty"`
	MainPID uint32       `json:"main_pid,omitempty"`
	Memory  uint64       `json:"memory_bytes,omitempty"`
	Text    string       `json:"status_text,omitempty"`
	Routes  []proxyRoute `json:"routes"`

	Connections  uint32 `json:"connections"`
	WebSockets   uint32 `json:"websockets"`
	UnknownHosts uint64 `json:"unknown_hosts"`     // requests for hosts that no project has
	LinesDropped uint64 `json:"log_lines_dropped"` // of access logs
}

func newProxyReload(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Have the front proxy read its settings and all routes again; no connection is closed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.changing(cmd.Context(), "proxy reload", func(h *host) error {
				if err := h.systemd.ReloadUnit(cmd.Context(), proxyService); err != nil {
					return err
				}
				t.say("the proxy has read its settings and routes again")
				return nil
			})
		},
	}
}

type proxyRoute struct {
	Name     string   `json:"name"`
	Domains  []string `json:"domains"`
	Requests uint64   `json:"requests"`
	InFlight uint32   `json:"in_flight"`
	Held     uint32   `json:"held"`
	Failures uint64   `json:"upstream_failures"`
}

func newProxyStatus(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Show the front proxy; exit code 3 when it does not run", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		status, err := readProxy(cmd.Context())
		if err != nil {
			return err
		}
		if err := t.printProxy(status, *asJSON); err != nil {
			return err
		}
		if status.State != "active" {
			return &exitError{code: exitNotRunning}
		}
		return nil
	}
	return cmd
}

func readProxy(ctx context.Context) (proxyStatus, error) {
	h, err := openHost(ctx)
	if err != nil {
		return proxyStatus{}, err
	}
	defer h.close()
	unit, err := h.systemd.Unit(ctx, proxyService)
	if err != nil {
		return proxyStatus{}, err
	}
	status := proxyStatus{State: unit.ActiveState, MainPID: unit.MainPID, Memory: unit.Memory, Text: unit.StatusText, Routes: []proxyRoute{}}
	if unit.ActiveState == "active" {
		status.Since = &unit.Since
	}
	if summary, err := h.proxy.Summary(ctx); err == nil {
		status.Connections, status.WebSockets = summary.Connections, summary.WebSockets
		status.UnknownHosts, status.LinesDropped = summary.UnknownHosts, summary.LinesDropped
	}
	routes, err := h.proxy.Status(ctx)
	if err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return proxyStatus{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(routes)) {
		r := routes[name]
		status.Routes = append(status.Routes, proxyRoute{
			Name: name, Domains: r.Domains, Requests: r.Requests, InFlight: r.InFlight, Held: r.Held, Failures: r.UpstreamFailures,
		})
	}
	return status, nil
}

func (t *terminal) printProxy(status proxyStatus, asJSON bool) error {
	if asJSON {
		return t.json("proxy", status)
	}
	head := proxyService + ": " + status.State
	if status.Since != nil {
		head += " since " + status.Since.Format(time.DateTime) + " (" + ago(*status.Since) + "), pid " + strconv.Itoa(int(status.MainPID))
	}
	t.say("%s", head)
	if status.Text != "" {
		t.say("  %s", status.Text)
	}
	if status.State == "active" {
		line := fmt.Sprintf("%d connections, %d WebSockets, %d lines of access logs lost", status.Connections, status.WebSockets, status.LinesDropped)
		if status.Memory > 0 { // where it is measured
			line += ", memory " + size(status.Memory)
		}
		t.say("  %s", line)
	}
	rows := make([][]string, 0, len(status.Routes))
	for _, r := range status.Routes {
		rows = append(rows, []string{
			r.Name, strconv.FormatUint(r.Requests, 10), strconv.Itoa(int(r.InFlight)), strconv.Itoa(int(r.Held)),
			strconv.FormatUint(r.Failures, 10), strings.Join(r.Domains, " "),
		})
	}
	if len(rows) > 0 {
		t.table([]string{"PROJECT", "REQUESTS", "IN FLIGHT", "WAITING", "FAILURES", "DOMAINS"}, rows)
	}
	return nil
}
