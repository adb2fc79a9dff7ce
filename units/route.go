package units

import (
	"maps"
	"net/netip"
	"slices"

	"sandwich/proxy/route"
	"sandwich/units/project"
)

// Route is what the proxy is told about a completed project. It holds no secret: neither the
// environment nor the names of secret files are part of it.
func Route(p *project.Project) route.Route {
	return route.Route{
		Version:         route.Version,
		Name:            p.Name,
		Domains:         slices.Clone(p.Domains),
		Upstream:        upstream(p),
		Next:            next(p),
		Static:          statics(p),
		Internal:        internals(p),
		Redirects:       redirects(p),
		MaxBody:         p.Proxy.MaxBody,
		TimeoutMS:       p.Proxy.Timeout.Milliseconds(),
		HoldMS:          p.Proxy.Hold.Milliseconds(),
		DrainMS:         p.Gunicorn.GracefulTimeout.Milliseconds(),
		InFlight:        p.Proxy.InFlight,
		IdleMS:          p.Idle.After.Milliseconds(),
		BufferRequests:  p.Proxy.BufferRequests,
		BufferResponses: p.Proxy.BufferResponses,
		Stream:          slices.Clone(p.Proxy.Stream),
		Headers:         maps.Clone(p.Proxy.Headers),
		TLS:             encryption(p.TLS),
		ErrorPages:      maps.Clone(p.Proxy.ErrorPages),
		PagesWithin:     pagesWithin(p),
		Compress:        p.Proxy.Compress,
		CompressAll:     p.Proxy.CompressSecrets,
		AccessLog:       p.Proxy.AccessLog,
		RateLimits:      rateLimits(p),
		Access:          access(p),
	}
}

// rateLimits are the longest paths first: that is how they are asked.
func rateLimits(p *project.Project) []route.RateLimit {
	var all []route.RateLimit
	for _, l := range p.Proxy.RateLimits {
		all = append(all, route.RateLimit{Path: l.Path, Per: l.Per, Count: l.Count, PeriodMS: l.Period.Milliseconds(), Burst: l.Burst})
	}
	slices.SortStableFunc(all, func(a, b route.RateLimit) int { return len(b.Path) - len(a.Path) })
	return all
}

func access(p *project.Project) *route.Access {
	a := p.Proxy.Access
	if a == nil {
		return nil
	}
	return &route.Access{Allow: networks(a.Allow), Deny: networks(a.Deny), UserFile: a.UserFile, Realm: a.Realm}
}

// networks are those of a project file, which were checked when it was read.
func networks(list []string) []netip.Prefix {
	var all []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func encryption(t project.TLS) *route.TLS {
	compiled := &route.TLS{Mode: t.Mode, Redirect: t.Redirect, HSTS: int64(t.HSTS.Seconds())}
	switch t.Mode {
	case route.TLSAuto:
		compiled.Email, compiled.CA, compiled.CARoot = t.Email, t.CA, t.CARoot
		compiled.EABKeyID, compiled.EABKeyFile = t.EAB.KeyID, t.EAB.KeyFile
		compiled.Unchecked = !t.CheckDNS
	case route.TLSFiles:
		compiled.Certificate, compiled.Key = t.Certificate, t.Key
	case route.TLSInternal:
	default:
		return nil
	}
	return compiled
}

func upstream(p *project.Project) route.Upstream {
	if p.Listen != "" {
		return route.Upstream{Network: "tcp", Address: p.Listen, Unit: Service(p.Name)}
	}
	return route.Upstream{Network: "unix", Address: p.SocketPath(), Unit: Service(p.Name)}
}

func next(p *project.Project) *route.Upstream {
	if !p.Overlap {
		return nil
	}
	return &route.Upstream{Network: "unix", Address: p.NextSocketPath(), Unit: NextService(p.Name)}
}

func statics(p *project.Project) []route.Static {
	var all []route.Static
	for _, s := range p.Statics {
		all = append(all, route.Static{
			Prefix:  s.Prefix,
			Root:    s.Root,
			Domain:  s.Domain,
			MaxAge:  int64(s.MaxAge.Seconds()),
			Uploads: s.Uploads,
			Index:   s.Index,
			Earlier: slices.Clone(s.Earlier),
			Within:  servedFrom(p, s.Real),
		})
	}
	return all
}

func internals(p *project.Project) []route.Internal {
	var all []route.Internal
	for _, i := range p.Internals {
		all = append(all, route.Internal{Prefix: i.Prefix, Root: i.Root, Within: servedFrom(p, i.Real)})
	}
	return all
}

// pagesWithin is where the error pages may lie.
func pagesWithin(p *project.Project) []string {
	if len(p.Proxy.ErrorPages) == 0 {
		return nil
	}
	return servedFrom(p, p.Proxy.PagesReal...)
}

// servedFrom is where files that are served may lie: below the project, and where they were when it
// was applied.
func servedFrom(p *project.Project, real ...string) []string {
	var dirs []string
	for _, dir := range append([]string{p.Base}, real...) {
		if dir != "" && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

func redirects(p *project.Project) []route.Redirect {
	var all []route.Redirect
	for _, r := range p.Redirects {
		all = append(all, route.Redirect{From: r.From, To: r.To, Status: r.Status})
	}
	return all
}
