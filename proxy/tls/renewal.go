package tls

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// renewal is when a certificate is to be replaced: when the CA wants it (RFC 9773), or else when
// two thirds of its life are over.
type renewal struct {
	serial string    // of the certificate that the rest is about
	wanted time.Time // by the CA; zero: it did not say
	ask    time.Time // when to ask it again
}

// The pauses between two questions to the CA.
const (
	shortestAsk = time.Hour
	usualAsk    = 6 * time.Hour
	longestAsk  = 24 * time.Hour
)

// when is the time for the next certificate: at once when there is none from the CA.
func (r *renewal) when(ctx context.Context, h *host) time.Time {
	pair := h.issued()
	if pair == nil {
		return time.Time{}
	}
	due, now := renewalOf(pair, h.name), time.Now()
	if id := pair.Leaf.SerialNumber.String(); r.serial != id {
		*r = renewal{serial: id, ask: now.Add(time.Duration(spread(h.name) * float64(shortestAsk)))}
	}
	if now.Before(due) && !now.Before(r.ask) {
		r.wanted, r.ask = h.askRenewal(ctx, pair)
	}
	if !r.wanted.IsZero() {
		return r.wanted
	}
	return due
}

// untilAsk is how long it takes until the CA is to be asked, as far as that is to come.
func (r *renewal) untilAsk() time.Duration {
	if d := time.Until(r.ask); d > 0 {
		return d
	}
	return maxPause
}

// renewalOf is when a certificate is to be replaced if the CA says nothing: after two thirds of its
// life, a little earlier for some hosts.
func renewalOf(pair *tls.Certificate, host string) time.Time {
	life := lifeOf(pair)
	return pair.Leaf.NotAfter.Add(-life/3 - time.Duration(spread(host)*float64(life)/20))
}

func lifeOf(pair *tls.Certificate) time.Duration {
	return pair.Leaf.NotAfter.Sub(pair.Leaf.NotBefore)
}

// askRenewal asks the CA. One that cannot say is asked again later.
func (h *host) askRenewal(ctx context.Context, pair *tls.Certificate) (wanted, again time.Time) {
	now := time.Now()
	client, err := h.k.newClient(&h.want)
	if err != nil {
		return wanted, now.Add(usualAsk)
	}
	defer client.HTTPClient.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	info, err := client.GetRenewalInfo(ctx, pair.Leaf)
	if err != nil || !info.HasWindow() {
		return wanted, now.Add(usualAsk)
	}
	return wantedBy(info), askAgain(info, now)
}

// wantedBy is a time in the CA's window that is always the same one: not a new throw of the dice
// at each question. A window that ends after the certificate does is no help.
func wantedBy(info acme.RenewalInfo) time.Time {
	window := info.SuggestedWindow.End.Sub(info.SuggestedWindow.Start)
	return info.SuggestedWindow.Start.Add(time.Duration(spread(info.UniqueIdentifier) * float64(window)))
}

func askAgain(info acme.RenewalInfo, now time.Time) time.Time {
	pause := usualAsk
	if info.RetryAfter != nil {
		pause = min(max(info.RetryAfter.Sub(now), shortestAsk), longestAsk)
	}
	return now.Add(pause)
}
