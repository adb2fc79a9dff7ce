// Package limit says how many certificates a CA gives (letsencrypt.org/docs/rate-limits). Who has
// ordered how many is left to others.
package limit

import (
	"time"

	"golang.org/x/net/publicsuffix"
)

// What Let's Encrypt takes. Of the 300 orders of an account in three hours some are left for
// another host with the same account.
const (
	PerDomain = 50 // new certificates for a registered domain in Week; renewals do not count
	Week      = 7 * 24 * time.Hour
	Orders    = 250
	Window    = 3 * time.Hour
)

// RegisteredDomain is the part of a host name that somebody has registered: what CAs count by.
func RegisteredDomain(host string) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return host
	}
	return domain
}
