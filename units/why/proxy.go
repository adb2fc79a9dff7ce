package why

import (
	"cmp"
	"fmt"
	"strings"

	"sandwich/units/django"
)

// proxyDown is a front proxy that nobody gets through.
func proxyDown(f *Facts) []Cause {
	p := f.Proxy
	start := []string{"systemctl restart sandwich-proxy.socket sandwich-proxy.service", "sandwich proxy status"}
	switch {
	case p.Socket.Load == "masked" || p.Service.Load == "masked":
		return one("proxy-masked", "the front proxy is masked: no site of this host answers", "Lift the mask.",
			append([]string{"systemctl unmask sandwich-proxy.socket sandwich-proxy.service"}, start...)...)
	case p.Frozen:
		return one("proxy-frozen", "the front proxy runs and does not answer: it is stopped, or stuck",
			"Restart it; connections wait meanwhile.", "systemctl restart sandwich-proxy.service", "journalctl -u sandwich-proxy -n 50")
	case p.Socket.Active != "" && p.Socket.Active != "active" && p.Holder != "":
		return one("proxy-port-taken", "another program has the front proxy's port: "+p.Holder,
			"Stop that program for good, or have the proxy listen elsewhere (proxy { http } in /etc/sandwich/sandwich.hcl).", start...)
	case p.Socket.Active != "" && p.Socket.Active != "active":
		return one("proxy-down", "the front proxy does not listen: no site of this host answers",
			"Start it.", start...)
	case p.Service.Active == "failed" || p.Service.Active == "activating":
		return one("proxy-failing", "the front proxy does not come up ("+cmp.Or(p.Service.Result, p.Service.Active)+")",
			"Its last lines say why.", "journalctl -u sandwich-proxy -n 50")
	}
	return nil
}

// stranded is a restart that was killed half-way.
func stranded(f *Facts) []Cause {
	if f.Proxy.Upstream != "next" {
		return nil
	}
	return one("restart-unfinished", "a restart was ended half-way: visitors are served by sandwich-"+f.Name+".next.service",
		"Finish it; no visitor notices.", "sandwich restart "+f.Name)
}

// closed is a project that somebody closed for visitors.
func closed(f *Facts) []Cause {
	if !f.Closed {
		return nil
	}
	return one("maintenance", "maintenance is on: visitors get a page with status 503", "Open it again.", "sandwich maintenance off "+f.Name)
}

// unserved is a project that runs and that the proxy does not know, or not as it should be.
func unserved(f *Facts) []Cause {
	switch {
	case !f.Proxy.Known:
		return nil
	case !f.Proxy.Served:
		return one("not-served", "the front proxy does not serve the project: its visitors get 421", "Have it load the route.", "sandwich apply "+f.Name)
	case !f.Proxy.Current:
		return one("route-stale", "the front proxy serves an older route of the project", "Have it load the route.", "sandwich apply "+f.Name)
	}
	return nil
}

// page is what a visitor gets now.
func page(f *Facts) []Cause {
	if f.Page == nil {
		return nil
	}
	address := "http://" + first(f.Domains) + "/"
	if f.Page.Err != "" {
		c := one("no-answer", address+" gives no answer through the proxy: "+f.Page.Err, "See what both say.", "sandwich logs "+f.Name, "sandwich proxy status")[0]
		return []Cause{c.because(f.Proxy.LastError)}
	}
	switch status := f.Page.Status; {
	case status == 400 && !allowed(f):
		return one("allowed-hosts", "ALLOWED_HOSTS of the settings does not have "+first(f.Domains)+": visitors get 400",
			"Add the name to ALLOWED_HOSTS.", "sandwich restart "+f.Name)
	case status == 500:
		return []Cause{fails(f, address)}
	case status == 502, status == 503, status == 504:
		c := one("bad-answer", fmt.Sprintf("%s answers %d", address, status), "See what both say.", "sandwich logs "+f.Name)[0]
		return []Cause{c.because(f.Proxy.LastError)}
	}
	return nil
}

// fails is a page with an exception behind it, which the settings may not log anywhere.
func fails(f *Facts, address string) Cause {
	if e := f.Examined; e != nil && len(e.Traceback) > 0 {
		lines := make([]Line, 0, len(e.Traceback))
		for _, text := range e.Traceback {
			lines = append(lines, Line{Text: text})
		}
		if found := symptomsOf(f, lines); len(found) > 0 && found[0].Kind != "import-broken" {
			return found[0]
		}
		last := e.Traceback[len(e.Traceback)-1]
		return one("page-fails", address+" answers 500: "+strings.TrimSpace(last), "Correct what the traceback shows.", "sandwich restart "+f.Name)[0].
			because(e.Traceback[max(0, len(e.Traceback)-7):]...)
	}
	return one("page-fails", address+" answers 500 Internal Server Error",
		"See the log. If nothing is in it, the settings log errors nowhere: add a handler for django.request to LOGGING.", "sandwich logs "+f.Name)[0]
}

func allowed(f *Facts) bool {
	if f.Examined == nil || len(f.Domains) == 0 {
		return false
	}
	return django.HostAllowed(f.Domains[0], f.Examined.Hosts)
}

func first(list []string) string {
	if len(list) == 0 {
		return "localhost"
	}
	return list[0]
}
