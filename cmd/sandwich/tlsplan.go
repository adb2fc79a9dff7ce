package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/proxy/tls/limit"
	"sandwich/units"
)

// tlsPlan is what `sandwich tls plan` tells.
type tlsPlan struct {
	Hosts   []plannedHost   `json:"hosts"`
	Domains []plannedDomain `json:"domains"`
}

// plannedHost is what becomes of the certificate of one host.
type plannedHost struct {
	Host    string `json:"host"`
	Project string `json:"project"`
	Step    string `json:"step"` // keep, order, files, internal or none
	CA      string `json:"ca,omitempty"`
	Why     string `json:"why"`
}

// plannedDomain is what a CA counts for one registered domain.
type plannedDomain struct {
	Domain  string `json:"domain"`
	Ordered int    `json:"ordered"` // in the last seven days
	Planned int    `json:"planned"`
	Limit   int    `json:"limit,omitempty"` // 0: not known
}

func (d plannedDomain) isOver() bool {
	return d.Limit > 0 && d.Planned > 0 && d.Ordered+d.Planned > d.Limit
}

func newTLSPlan(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "plan [NAME...]", Args: cobra.ArbitraryArgs,
		Short: "Show which certificates apply and enable would have ordered, and what the CA takes; exit code 1 when that is less",
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("tls plan", args, *all || len(args) == 0, projectNames)
		if err != nil {
			return err
		}
		plan, mistakes, err := t.planTLS(cmd.Context(), names)
		if err != nil {
			return err
		}
		if err := t.printTLSPlan(plan, *asJSON); err != nil {
			return err
		}
		switch {
		case mistakes:
			return &exitError{code: exitMistakes}
		case slices.ContainsFunc(plan.Domains, plannedDomain.isOver):
			return &exitError{code: exitFailed}
		}
		return nil
	}
	return cmd
}

func (t *terminal) planTLS(ctx context.Context, names []string) (plan tlsPlan, mistakes bool, err error) {
	plan = tlsPlan{Hosts: []plannedHost{}, Domains: []plannedDomain{}}
	if len(names) == 0 {
		return plan, false, nil
	}
	h, err := openHost(ctx)
	if err != nil {
		return plan, false, err
	}
	defer h.close()
	found, err := read(ctx, h, names)
	if err != nil {
		return plan, false, err
	}
	mistakes = t.diagnostics(t.stderr, found, found.Diagnostics())
	served, orders, err := servedCertificates(ctx, h.proxy)
	if err != nil {
		return plan, false, err
	}
	for _, entry := range found.Entries {
		if entry.Project != nil {
			r := units.Route(entry.Project)
			plan.Hosts = append(plan.Hosts, planHosts(&r, served)...)
		}
	}
	plan.Domains = countDomains(plan.Hosts, orders)
	return plan, mistakes, nil
}

// servedCertificates is what there is; nothing without a proxy.
func servedCertificates(ctx context.Context, proxy *dbusctl.Proxy) (map[string]dbusctl.Certificate, map[string]uint32, error) {
	served, err := proxy.Certificates(ctx)
	if errors.Is(err, dbusctl.ErrNoProxy) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	orders, err := proxy.CertificateOrders(ctx)
	return served, orders, err
}

func planHosts(r *route.Route, served map[string]dbusctl.Certificate) []plannedHost {
	var list []plannedHost
	for _, host := range r.Hosts() {
		list = append(list, planHost(r, host, served[host]))
	}
	return list
}

func planHost(r *route.Route, host string, has dbusctl.Certificate) plannedHost {
	p := plannedHost{Host: host, Project: r.Name}
	switch {
	case r.TLS == nil:
		p.Step, p.Why = "none", "tls is off"
	case r.TLS.Mode == route.TLSFiles:
		p.Step, p.Why = "files", r.TLS.Certificate
	case r.TLS.Mode == route.TLSInternal:
		p.Step, p.Why = "internal", "from the CA of this host"
	case has.From == route.TLSAuto && has.CA == r.TLS.Directory() && has.State != "expired":
		p.Step, p.CA, p.Why = "keep", has.CA, "good until "+has.Ends.Format("2006-01-02")
	default:
		p.Step, p.CA, p.Why = "order", r.TLS.Directory(), "none yet"
		if has.Problem != "" {
			p.Why = has.Problem
		}
	}
	return p
}

func countDomains(hosts []plannedHost, orders map[string]uint32) []plannedDomain {
	count := map[string]*plannedDomain{}
	for _, h := range hosts {
		if h.CA == "" {
			continue
		}
		domain := limit.RegisteredDomain(h.Host)
		if count[domain] == nil {
			count[domain] = &plannedDomain{Domain: domain, Ordered: int(orders[domain])}
		}
		if h.CA == route.LetsEncrypt {
			count[domain].Limit = limit.PerDomain
		}
		if h.Step == "order" {
			count[domain].Planned++
		}
	}
	list := []plannedDomain{}
	for _, domain := range slices.Sorted(maps.Keys(count)) {
		list = append(list, *count[domain])
	}
	return list
}

// reasonWidth is how much of a reason the table has; tls status says all of it.
const reasonWidth = 60

func (t *terminal) printTLSPlan(plan tlsPlan, asJSON bool) error {
	if asJSON {
		return t.json("plan", plan)
	}
	rows := [][]string{}
	for _, h := range plan.Hosts {
		rows = append(rows, []string{h.Host, h.Project, h.Step, shortened(h.Why, reasonWidth)})
	}
	if len(rows) > 0 {
		t.table([]string{"HOST", "PROJECT", "STEP", "WHY"}, rows)
	}
	for _, d := range plan.Domains {
		of := ""
		if d.Limit > 0 {
			of = fmt.Sprintf(" of %d", d.Limit)
		}
		t.say("%s: %d to order, %d%s ordered in 7 days", d.Domain, d.Planned, d.Ordered, of)
		if d.isOver() {
			t.tell("warning: %s: the CA gives %d new certificates in 7 days; the rest wait", d.Domain, d.Limit)
		}
	}
	return nil
}
