package project

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

var redirectSettings = []setting[Redirect]{
	{"to", text(func(r *Redirect) *string { return &r.To }, target)},
	{"status", readStatus},
}

var redirectStatuses = []int{301, 302, 303, 307, 308}

func readStatus(v value, r *Redirect) {
	n, ok := v.number(300, 399)
	if !ok {
		return
	}
	if !slices.Contains(redirectStatuses, n) {
		at := v.attr.Expr.Range()
		v.d.refuse(&at, "Invalid value for "+v.key, fmt.Sprintf("%d is no redirect. Write 301, 302, 303, 307 or 308.", n))
		return
	}
	r.Status = n
}

func decodeRedirect(d *decoder, g *group) {
	r := Redirect{Status: 301}
	fill(d, g, redirectSettings, &r)
	from, f := hostName(d, g.label)
	if f != nil {
		d.refuse(&g.at, "Invalid host of a redirect block", quote(g.label)+" "+f.why+". "+f.remedy)
		return
	}
	r.From = from
	if _, stated := g.attrs["to"]; !stated {
		d.refuse(&g.at, "to is not stated", `Write where the redirect leads: to = "https://client-x.example".`)
	}
	if host := hostOf(r.To); host == from {
		d.refuse(d.source.At(g.path("to")), "A redirect leads to itself", fmt.Sprintf("Requests for %s would go round for ever. Write another host.", quote(from)))
	}
	d.p.Redirects = append(d.p.Redirects, r)
}

// target is where a redirect leads: a scheme and a host, perhaps a path that the request's own
// path is added to.
func target(d *decoder, s string) (string, *fault) {
	const example = `Write it like "https://client-x.example".`
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", wrong("is no address of a site", example)
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.ContainsAny(s, "#\\\" <>") {
		return "", wrong("holds more than a scheme, a host and a path", "The request's own path and query are added. "+example)
	}
	if _, f := hostName(d, u.Hostname()); f != nil {
		return "", wrong("has no host name in it", example)
	}
	if port := u.Port(); port != "" && !isPort(port) {
		return "", wrong("has a port that is none", example)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + u.EscapedPath(), nil
}

func hostOf(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// wholeRedirects refuses a host that is served and redirected.
func (d *decoder) wholeRedirects() {
	seen := map[string]bool{}
	for _, r := range d.p.Redirects {
		at := d.source.At(element("redirect", r.From))
		if slices.Contains(d.p.Domains, r.From) {
			d.refuse(at, "A host is served and redirected", quote(r.From)+" is one of domains, too. Remove it there, or remove this block.")
		}
		if seen[r.From] {
			d.refuse(at, "The block is there twice", "There is another redirect block for "+quote(r.From)+". Keep one of them.")
		}
		seen[r.From] = true
	}
}
