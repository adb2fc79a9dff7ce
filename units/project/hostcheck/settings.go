package hostcheck

import (
	"fmt"
	"path/filepath"
	"strings"

	"sandwich/units/django"
	"sandwich/units/project"
)

// settings warns of what the project's settings say that does not fit how it is served. They are
// the project's own affair, so nothing of it keeps the project from being enabled.
func (c *check) settings(f *django.Facts) {
	c.debug(f)
	c.secretKey(f)
	c.allowedHosts(f)
	c.trustedOrigins(f)
	c.bodies(f)
	c.connections(f)
	c.ages(f)
	c.mediaApart()
	for _, s := range c.p.Statics {
		c.manifest(s)
	}
}

func (c *check) debug(f *django.Facts) {
	if f.Debug {
		c.warn("settings", "DEBUG is on", "Errors show source and settings to every visitor, and static files are not looked up where they are collected. Set DEBUG = False in the settings for this host.")
	}
}

func (c *check) secretKey(f *django.Facts) {
	if f.SecretWeak {
		c.warn("settings", "SECRET_KEY is weak", `Who guesses it can forge sessions: it is short, or the one that "startproject" wrote. Make another (%s -c "import secrets; print(secrets.token_urlsafe(50))"), and keep it in a file that env_file names.`, shell(c.p.Python))
	}
}

// allowedHosts is asked with DEBUG, too: then Django adds only localhost.
func (c *check) allowedHosts(f *django.Facts) {
	for _, domain := range c.p.Domains {
		if !django.HostAllowed(domain, f.AllowedHosts) {
			c.warn(c.stated(fmt.Sprintf("domains[%q]", domain), "domains", "settings"), "ALLOWED_HOSTS does not have a domain",
				"Visitors of %q get 400 Bad Request. Add the name to ALLOWED_HOSTS in the settings.", domain)
		}
	}
}

// trustedOrigins checks the form that Django wants since 4.0 (4_0.E001), without which every form
// that is sent is refused.
func (c *check) trustedOrigins(f *django.Facts) {
	for _, origin := range f.CSRFTrustedOrigins {
		if !strings.Contains(origin, "://") && !older(f.Django, 4, 0) {
			c.warn("settings", "CSRF_TRUSTED_ORIGINS has an entry without a scheme", "%q is not looked at by Django 4.0 and later. Write \"https://%s\".", origin, origin)
		}
	}
	c.https(f)
}

// https is about Django's way to know that a visitor came by it: without, SECURE_SSL_REDIRECT leads in a
// circle, and the origin of a form is not the page's, so that it is refused.
func (c *check) https(f *django.Facts) {
	if c.p.Command == nil || f.ProxySSLHeader {
		return
	}
	const remedy = `Set SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https").`
	switch {
	case f.SSLRedirect:
		c.warn("settings", "SECURE_PROXY_SSL_HEADER is not set",
			"Only gunicorn tells Django by itself that a visitor came by https. With a command of its own and SECURE_SSL_REDIRECT, every page redirects to itself. "+remedy)
	case c.p.TLS.Mode != "off" && len(f.CSRFTrustedOrigins) == 0:
		c.warn(c.stated("command", "settings"), "Django does not know that visitors come by https",
			"Only gunicorn tells it by itself. With a command of its own, and with neither SECURE_PROXY_SSL_HEADER nor CSRF_TRUSTED_ORIGINS, forms that come by https are refused. "+remedy)
	}
}

// bodies compares what Django takes with what the proxy lets through.
func (c *check) bodies(f *django.Facts) {
	if f.DataUploadMax > c.p.Proxy.MaxBody {
		c.warn(c.stated("proxy.max_body", "settings"), "The proxy takes less than Django",
			"DATA_UPLOAD_MAX_MEMORY_SIZE allows %d bytes, but the proxy answers 413 to more than %d. Raise proxy { max_body }, or lower the setting.", f.DataUploadMax, c.p.Proxy.MaxBody)
	}
}

// manyConnections is half of what PostgreSQL allows all its clients together (max_connections).
const manyConnections = 50

// connections counts the database connections that the workers keep between requests.
func (c *check) connections(f *django.Facts) {
	if f.ConnMaxAge == 0 || c.p.Command != nil {
		return
	}
	if c.p.ASGI {
		c.warn("settings", "CONN_MAX_AGE is set under ASGI", "Under ASGI Django cannot reuse connections, and those that it keeps pile up. Set CONN_MAX_AGE = 0, and use a pool of the database.")
		return
	}
	g := c.p.Gunicorn
	if n := g.Workers * max(g.Threads, 1); n > manyConnections {
		c.warn(c.stated("gunicorn.threads", "gunicorn.workers", "gunicorn", "settings"), "The workers keep many database connections",
			"%d workers with %d threads and CONN_MAX_AGE keep up to %d connections open; PostgreSQL allows 100 for all its clients by default. Run fewer, or set CONN_MAX_AGE = 0.", g.Workers, max(g.Threads, 1), n)
	}
}

// mediaApart warns of uploads inside collected files: there they are pages of the site's own.
func (c *check) mediaApart() {
	for _, uploads := range c.p.Statics {
		for _, s := range c.p.Statics {
			if uploads.Uploads && !s.Uploads && s.Root != "" && inside(placeOf(uploads), placeOf(s)) {
				block := fmt.Sprintf("static[%q]", uploads.Prefix)
				c.warn(c.stated(block+".root", block, "settings"), "Uploads are among the static files",
					"%q is inside %q, where a page that somebody uploads is shown as one of the site's own. Give MEDIA_ROOT a directory of its own.", uploads.Root, s.Root)
			}
		}
	}
}

func placeOf(s project.Static) string {
	if s.Real != "" {
		return s.Real
	}
	return filepath.Clean(s.Root)
}
