package route

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	nameSyntax      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)
	hostSyntax      = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	unitSyntax      = regexp.MustCompile(`^[A-Za-z0-9:_.\\@-]{1,255}$`)
	tokenSyntax     = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^`|~-]+$") // RFC 9110 5.6.2 without '_'
	errorPageSyntax = regexp.MustCompile(`^([45]xx|[45][0-9][0-9])$`)
)

// CheckName says what is wrong with a project name: lower-case letters, digits and inner dashes,
// at most 48. It is the check of everything that becomes a part of a path here.
func CheckName(name string) error {
	if !nameSyntax.MatchString(name) {
		return fmt.Errorf("%q is no project name: a-z, 0-9 and inner '-', at most 48 characters", name)
	}
	return nil
}

func (r *Route) check() error {
	if r.Version != Version {
		return fmt.Errorf("version is %d, this proxy reads %d", r.Version, Version)
	}
	return errors.Join(
		CheckName(r.Name),
		r.checkHosts(),
		r.Upstream.check(),
		r.checkNext(),
		r.checkStatics(),
		r.checkInternals(),
		r.checkRedirects(),
		r.checkLimits(),
		r.checkStreams(),
		r.checkHeaders(),
		r.checkErrorPages(),
		r.checkAccessLog(),
		r.checkRateLimits(),
		r.checkAccess(),
		r.checkTLS(),
	)
}

func (r *Route) checkHosts() error {
	if len(r.Domains) == 0 {
		return errors.New("no domain")
	}
	seen := map[string]bool{}
	var err error
	for _, h := range append(slices.Clone(r.Domains), r.redirectHosts()...) {
		err = errors.Join(err, checkHost(h))
		if seen[h] {
			err = errors.Join(err, fmt.Errorf("domain %q is there twice", h))
		}
		seen[h] = true
	}
	return err
}

func (r *Route) redirectHosts() []string {
	hosts := make([]string, len(r.Redirects))
	for i, d := range r.Redirects {
		hosts[i] = d.From
	}
	return hosts
}

func checkHost(h string) error {
	if len(h) > 253 || !hostSyntax.MatchString(h) {
		return fmt.Errorf("%q is no lower-case host name", h)
	}
	return nil
}

func (u Upstream) check() error {
	if u.Unit != "" && !unitSyntax.MatchString(u.Unit) {
		return fmt.Errorf("upstream unit %q is no unit name", u.Unit)
	}
	switch u.Network {
	case "unix":
		// 107: sun_path of unix(7) without its NUL.
		if len(u.Address) > 107 {
			return fmt.Errorf("upstream socket path %q is longer than 107 bytes", u.Address)
		}
		return checkPath("upstream socket", u.Address)
	case "tcp":
		host, port, err := net.SplitHostPort(u.Address)
		if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
			return fmt.Errorf("upstream address %q is no host:port", u.Address)
		}
		return nil
	}
	return fmt.Errorf("upstream network %q is neither unix nor tcp", u.Network)
}

func (r *Route) checkNext() error {
	if r.Next == nil {
		return nil
	}
	if err := r.Next.check(); err != nil {
		return fmt.Errorf("next: %w", err)
	}
	if r.Next.Address == r.Upstream.Address {
		return fmt.Errorf("next: it listens where the service does, on %q", r.Next.Address)
	}
	return nil
}

func checkPath(what, p string) error {
	if !path.IsAbs(p) || path.Clean(p) != p || p == "/" || hasControl(p) {
		return fmt.Errorf("%s %q is no clean absolute path", what, p)
	}
	return nil
}

func (r *Route) checkStatics() error {
	var err error
	seen := map[string]bool{}
	for _, s := range r.Static {
		err = errors.Join(err, s.check())
		if key := s.Domain + s.Prefix; seen[key] {
			err = errors.Join(err, fmt.Errorf("static prefix %q is there twice", s.Prefix))
		} else {
			seen[key] = true
		}
		if slices.Contains(r.redirectHosts(), s.Domain) {
			err = errors.Join(err, fmt.Errorf("static domain %q is also redirected", s.Domain))
		}
	}
	return err
}

func (s Static) check() error {
	err := checkPath("static root", s.Root)
	if s.Domain != "" {
		err = errors.Join(err, checkHost(s.Domain))
	}
	if s.MaxAge < 0 {
		err = errors.Join(err, fmt.Errorf("static max_age %d is negative", s.MaxAge))
	}
	err = errors.Join(err, checkPaths("static within", s.Within), checkPaths("static earlier", s.Earlier))
	return errors.Join(err, checkPrefix("static prefix", s.Prefix, true))
}

func checkPaths(what string, paths []string) (err error) {
	for _, p := range paths {
		err = errors.Join(err, checkPath(what, p))
	}
	return err
}

func (r *Route) checkInternals() error {
	var err error
	seen := map[string]bool{}
	for _, s := range r.Static {
		seen[s.Prefix] = true
	}
	for _, i := range r.Internal {
		err = errors.Join(err, checkPath("internal root", i.Root), checkPaths("internal within", i.Within),
			checkPrefix("internal prefix", i.Prefix, true))
		if seen[i.Prefix] || i.Prefix == "/" {
			err = errors.Join(err, fmt.Errorf("internal prefix %q hides another", i.Prefix))
		}
		seen[i.Prefix] = true
	}
	return err
}

// checkPrefix accepts prefixes of decoded paths only, so that what they match is what they say.
func checkPrefix(what, p string, closed bool) error {
	clean := path.Clean(p)
	if p != "/" && strings.HasSuffix(p, "/") {
		clean += "/"
	}
	if !path.IsAbs(p) || clean != p || hasControl(p) || strings.ContainsAny(p, `%\?#`) {
		return fmt.Errorf("%s %q is no clean path beginning with '/'", what, p)
	}
	if closed && !strings.HasSuffix(p, "/") {
		return fmt.Errorf("%s %q does not end with '/'", what, p)
	}
	return nil
}

func (r *Route) checkRedirects() error {
	var err error
	for _, d := range r.Redirects {
		err = errors.Join(err, d.check())
	}
	return err
}

func (d Redirect) check() error {
	u, err := url.Parse(d.To)
	if err != nil || hasControl(d.To) || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
		u.User != nil || strings.ContainsAny(d.To, `?#\" `) {
		return fmt.Errorf("redirect target %q is no http(s)://host[/path]", d.To)
	}
	if !slices.Contains([]int{301, 302, 303, 307, 308}, d.Status) {
		return fmt.Errorf("redirect status %d is none of 301, 302, 303, 307, 308", d.Status)
	}
	return nil
}

func (r *Route) checkLimits() error {
	const most = math.MaxInt64 / int64(time.Millisecond)
	switch {
	case r.MaxBody < 0:
		return fmt.Errorf("max_body %d is negative", r.MaxBody)
	case r.TimeoutMS <= 0 || r.TimeoutMS > most:
		return fmt.Errorf("timeout_ms %d is no time to wait", r.TimeoutMS)
	case r.HoldMS < 0 || r.HoldMS > most:
		return fmt.Errorf("hold_ms %d is no time to wait", r.HoldMS)
	case r.DrainMS < 0 || r.DrainMS > most:
		return fmt.Errorf("drain_ms %d is no time to wait", r.DrainMS)
	case r.IdleMS < 0 || r.IdleMS > most:
		return fmt.Errorf("idle_ms %d is no time", r.IdleMS)
	case r.InFlight < 0:
		return fmt.Errorf("in_flight %d is negative", r.InFlight)
	}
	return nil
}

func (r *Route) checkStreams() error {
	var err error
	for _, p := range r.Stream {
		err = errors.Join(err, checkPrefix("stream prefix", p, false))
	}
	return err
}

// framing are the response headers that only the proxy itself may set.
var framing = []string{"connection", "content-length", "transfer-encoding", "trailer", "upgrade", "date", "keep-alive"}

func (r *Route) checkHeaders() error {
	var err error
	for name, value := range r.Headers {
		if !tokenSyntax.MatchString(name) || slices.Contains(framing, strings.ToLower(name)) {
			err = errors.Join(err, fmt.Errorf("header %q cannot be set on responses", name))
		}
		if hasControl(value) {
			err = errors.Join(err, fmt.Errorf("header %s has a control character in its value", name))
		}
	}
	return err
}

func (r *Route) checkErrorPages() error {
	var err error
	for status, file := range r.ErrorPages {
		if !errorPageSyntax.MatchString(status) {
			err = errors.Join(err, fmt.Errorf("error page for %q: not a status like 503 or 5xx", status))
		}
		err = errors.Join(err, checkPath("error page", file))
	}
	return errors.Join(err, checkPaths("error page within", r.PagesWithin))
}

func (r *Route) checkAccessLog() error {
	if !slices.Contains([]string{"", "combined", "json", "journal", "off"}, r.AccessLog) {
		return fmt.Errorf("access_log %q is none of combined, json, journal, off", r.AccessLog)
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}
