package route

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// RateLimit bounds how often each visitor may ask the application for paths below a prefix. Files
// count when the prefix is theirs.
type RateLimit struct {
	Path     string `json:"path"`
	Per      string `json:"per"` // "ip", "user" or "header:NAME"
	Count    int    `json:"count"`
	PeriodMS int64  `json:"period_ms"`
	Burst    int    `json:"burst"`
}

// Access says who may see the project at all. Networks of no bits are everybody's.
type Access struct {
	Allow    []netip.Prefix `json:"allow,omitempty"`
	Deny     []netip.Prefix `json:"deny,omitempty"`
	UserFile string         `json:"user_file,omitempty"`
	Realm    string         `json:"realm,omitempty"`
}

func (r *Route) checkRateLimits() error {
	var err error
	seen := map[string]bool{}
	for _, l := range r.RateLimits {
		err = errors.Join(err, l.check())
		if seen[l.Path] {
			err = errors.Join(err, fmt.Errorf("rate limit of %q is there twice", l.Path))
		}
		seen[l.Path] = true
	}
	return err
}

func (l RateLimit) check() error {
	name, isHeader := strings.CutPrefix(l.Per, "header:")
	switch {
	case l.Count < 1 || l.Burst < 1 || l.Count > 1<<24 || l.Burst > 1<<24:
		return fmt.Errorf("rate limit of %q lets nothing through, or anything", l.Path)
	case l.PeriodMS < 1 || l.PeriodMS > 24*time.Hour.Milliseconds():
		return fmt.Errorf("rate limit of %q has the period %d ms", l.Path, l.PeriodMS)
	case isHeader && !tokenSyntax.MatchString(name), !isHeader && l.Per != "ip" && l.Per != "user":
		return fmt.Errorf("rate limit of %q is per %q", l.Path, l.Per)
	}
	return checkPrefix("rate limit path", l.Path, false)
}

func (r *Route) checkAccess() error {
	if r.Access == nil {
		return nil
	}
	var err error
	for _, p := range append(append([]netip.Prefix{}, r.Access.Allow...), r.Access.Deny...) {
		if !p.IsValid() || p != p.Masked() {
			err = errors.Join(err, fmt.Errorf("network %q is none (host bits must be zero)", p))
		}
	}
	if r.Access.UserFile != "" {
		err = errors.Join(err, checkPath("password file", r.Access.UserFile))
	}
	if hasControl(r.Access.Realm) || strings.ContainsAny(r.Access.Realm, `"\`) {
		err = errors.Join(err, fmt.Errorf("realm %q cannot be quoted", r.Access.Realm))
	}
	return err
}
