package main

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units/apply"
)

func newMaintenance(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:       "maintenance on|off NAME...",
		Short:     "Answer visitors with a page and status 503, or let them in again; files are served on",
		Args:      cobra.ArbitraryArgs,
		ValidArgs: []string{"on", "off"},
	}
	all := allFlag(cmd)
	allow := cmd.Flags().StringSlice("allow", nil, "an address or network that sees the site meanwhile; may be repeated")
	retry := cmd.Flags().Duration("retry-after", 5*time.Minute, "when visitors are told to come back")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 || args[0] != "on" && args[0] != "off" {
			return usageError("maintenance on, or off?\nhint: sandwich maintenance on NAME")
		}
		names, err := t.enabledProjects("maintenance "+args[0], args[1:], *all)
		if err != nil {
			return err
		}
		if args[0] == "off" {
			return t.maintain(cmd.Context(), names, "open", apply.SystemDirs.RemoveMaintenance)
		}
		return t.close(cmd.Context(), names, *allow, *retry)
	}
	return cmd
}

// close starts the maintenance of projects.
func (t *terminal) close(ctx context.Context, names, allow []string, retry time.Duration) error {
	m, err := maintenanceOf(allow, retry)
	if err != nil {
		return err
	}
	content, err := route.EncodeMaintenance(m)
	if err != nil {
		return err
	}
	return t.maintain(ctx, names, "closed for maintenance", func(name string) error {
		return apply.SystemDirs.WriteMaintenance(name, content)
	})
}

func maintenanceOf(allow []string, retry time.Duration) (*route.Maintenance, error) {
	m := &route.Maintenance{Version: route.Version, Since: time.Now().UTC().Truncate(time.Second), RetryS: int(retry.Seconds())}
	if retry < time.Second {
		return nil, usageError("--retry-after %s is no time to wait\nhint: sandwich maintenance on NAME --retry-after 5m", retry)
	}
	for _, s := range allow {
		network, ok := parseNetwork(s)
		if !ok {
			return nil, usageError("--allow %q is no address or network\nhint: sandwich maintenance on NAME --allow 192.0.2.1 --allow 10.0.0.0/8", s)
		}
		m.Allow = append(m.Allow, network)
	}
	return m, nil
}

func parseNetwork(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	return netip.PrefixFrom(a, a.BitLen()), true
}

// maintain changes whether projects are closed, and has the proxy see that. A proxy that does not
// run sees it when it starts.
func (t *terminal) maintain(ctx context.Context, names []string, now string, change func(name string) error) error {
	return t.changing(ctx, "maintenance", func(h *host) error {
		var failed error
		for _, name := range names {
			err := change(name)
			if err == nil {
				err = h.proxy.Apply(ctx, name)
			}
			if err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
				t.failure(ctx, name, err)
				failed = &exitError{code: exitFailed}
				continue
			}
			t.say("%s: %s", name, now)
		}
		return failed
	})
}
