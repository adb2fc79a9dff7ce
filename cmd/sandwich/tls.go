package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
)

func newTLS(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "tls", Short: "Look after certificates", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return usageError("tls what?\nhint: sandwich tls status") },
	}
	cmd.AddCommand(newTLSStatus(t), newTLSPlan(t), newTLSRenew(t), newTLSRevoke(t), newTLSTrust(t), newTLSUntrust(t))
	return cmd
}

// certificate is what `sandwich tls status` tells of one host.
type certificate struct {
	Host    string     `json:"host"`
	Project string     `json:"project"`
	State   string     `json:"state"` // ok, waiting, failing, expiring or expired
	Mode    string     `json:"mode"`  // what the project wants
	From    string     `json:"from"`  // what it has
	CA      string     `json:"ca,omitempty"`
	Issuer  string     `json:"issuer"`
	Serial  string     `json:"serial"`
	Names   []string   `json:"names"`
	Begins  time.Time  `json:"not_before"`
	Ends    time.Time  `json:"not_after"`
	Problem string     `json:"problem,omitempty"`
	Next    *time.Time `json:"next,omitempty"` // when the next one is tried
}

func certificateOf(c dbusctl.Certificate) certificate {
	one := certificate{
		Host: c.Host, Project: c.Project, State: c.State, Mode: c.Mode, From: c.From, CA: c.CA, Issuer: c.Issuer, Serial: c.Serial,
		Names: c.Names, Begins: c.Begins.UTC(), Ends: c.Ends.UTC(), Problem: c.Problem,
	}
	if !c.Next.IsZero() {
		next := c.Next.UTC()
		one.Next = &next
	}
	return one
}

// wantsAttention says whether somebody has to look.
func (c certificate) wantsAttention() bool { return c.State != "ok" && c.State != "waiting" }

func newTLSStatus(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "status [NAME|HOST...]", Args: cobra.ArbitraryArgs,
		Short: "Show certificates and when they end; exit code 1 when one is expired, about to be, or refused",
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := either("tls status", *all, args); err != nil {
			return err
		}
		list, err := certificates(cmd.Context(), args)
		if err != nil {
			return err
		}
		if err := t.printCertificates(list, *asJSON); err != nil {
			return err
		}
		if slices.ContainsFunc(list, certificate.wantsAttention) {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	return cmd
}

// certificates are those of hosts and of projects, or all.
func certificates(ctx context.Context, args []string) ([]certificate, error) {
	proxy, err := dbusctl.ConnectProxy()
	if err != nil {
		return nil, err
	}
	defer proxy.Close()
	found, err := proxy.Certificates(ctx)
	if err != nil {
		return nil, err
	}
	return chooseCertificates(found, args)
}

func chooseCertificates(found map[string]dbusctl.Certificate, args []string) ([]certificate, error) {
	list := []certificate{}
	used := map[string]bool{}
	for _, host := range slices.Sorted(maps.Keys(found)) {
		c := found[host]
		if len(args) == 0 || slices.Contains(args, host) || slices.Contains(args, c.Project) {
			list = append(list, certificateOf(c))
			used[host], used[c.Project] = true, true
		}
	}
	for _, arg := range args {
		if !used[arg] {
			return nil, &exitError{code: exitNoProject, err: fmt.Errorf(
				"no host and no project %q is served over HTTPS\nhint: sandwich tls status shows those that are", arg)}
		}
	}
	return list, nil
}

func (t *terminal) printCertificates(list []certificate, asJSON bool) error {
	if asJSON {
		return t.json("certificates", list)
	}
	rows := make([][]string, 0, len(list))
	for _, c := range list {
		rows = append(rows, []string{c.Host, c.Project, c.State, c.From, c.Ends.Format(time.DateOnly), lasts(c.Ends), c.Issuer})
	}
	if len(rows) > 0 {
		t.table([]string{"HOST", "PROJECT", "STATE", "FROM", "ENDS", "IN", "ISSUER"}, rows)
	}
	for _, g := range grouped(list, func(c certificate) string { return c.Problem + tryAgain(c.Next) }) {
		if c := g[0]; c.Problem != "" {
			t.say("%s: %s%s", fitting(hostsOf(g), ", ", hostsWidth), c.Problem, tryAgain(c.Next))
		}
	}
	return nil
}

// byProject are certificates by the project of their hosts, sorted by host.
func byProject(found map[string]dbusctl.Certificate) map[string][]certificate {
	lists := map[string][]certificate{}
	for _, host := range slices.Sorted(maps.Keys(found)) {
		project := found[host].Project
		lists[project] = append(lists[project], certificateOf(found[host]))
	}
	return lists
}

func tryAgain(next *time.Time) string {
	if next == nil {
		return ""
	}
	return "; tried again " + next.Local().Format(time.DateTime)
}

// lasts words how long something lasts.
func lasts(end time.Time) string {
	d := time.Until(end)
	switch {
	case d < 0:
		return "over"
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func newTLSRenew(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "renew NAME|HOST...", Args: cobra.MinimumNArgs(1), ValidArgsFunction: completeNames,
		Short: "Get new certificates now, whatever is left of the old ones; no connection is cut",
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return t.eachCertificate(cmd.Context(), "renew", args, func(ctx context.Context, proxy *dbusctl.Proxy, host string) (string, error) {
			return "renewed", proxy.RenewCertificate(ctx, host)
		})
	}
	return cmd
}

// revocations are the reasons of RFC 5280 5.3.1 that a subscriber may have (RFC 8555 7.6).
var revocations = map[string]uint32{"unspecified": 0, "key-compromise": 1, "superseded": 4, "cessation": 5}

func newTLSRevoke(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke HOST...", Args: cobra.MinimumNArgs(1),
		Short: "Have the CA take certificates back; new ones with new keys are ordered at once",
	}
	reason := cmd.Flags().String("reason", "unspecified", "unspecified, key-compromise, superseded or cessation")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		code, ok := revocations[*reason]
		if !ok {
			return usageError("%q is no reason\nhint: sandwich tls revoke HOST --reason with one of %s", *reason, strings.Join(slices.Sorted(maps.Keys(revocations)), ", "))
		}
		return t.eachCertificate(cmd.Context(), "revoke", args, func(ctx context.Context, proxy *dbusctl.Proxy, host string) (string, error) {
			return "revoked", proxy.RevokeCertificate(ctx, host, code)
		})
	}
	return cmd
}

// eachCertificate does something with the certificate of each host, one after the other: a CA
// counts.
func (t *terminal) eachCertificate(ctx context.Context, verb string, args []string, do func(context.Context, *dbusctl.Proxy, string) (string, error)) error {
	if err := needRoot("tls " + verb); err != nil {
		return err
	}
	list, err := certificates(ctx, args)
	if err != nil {
		return err
	}
	proxy, err := dbusctl.ConnectProxy()
	if err != nil {
		return err
	}
	defer proxy.Close()
	for _, c := range list {
		done := t.slow(c.Host + ": " + verb)
		said, doErr := do(ctx, proxy, c.Host)
		done()
		if doErr != nil {
			t.tell("error: %s: %v\nhint: sandwich tls status %s", c.Host, doErr, c.Host)
			err = &exitError{code: exitFailed}
			continue
		}
		t.say("%s: %s", c.Host, said)
	}
	return err
}
