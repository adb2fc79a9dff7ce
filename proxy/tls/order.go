package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"

	"sandwich/proxy/route"
)

// order is one order at a CA, from its beginning to the certificate on the disk (RFC 8555 7.1). A
// single challenge is tried: one that fails costs the order.
type order struct {
	h       *host
	client  *acme.Client
	account acme.Account
	method  int // which challenge is preferred
	pending *pending
	order   acme.Order
}

// methods are the challenges that are tried in turn.
var methods = []string{acme.ChallengeTypeHTTP01, acme.ChallengeTypeTLSALPN01}

var errToken = errors.New("the CA's token is none")

// refusedError is an answer of the CA; what is none of these never got one.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// order gets a certificate and keeps it. It goes on with an order that is under way already.
func (h *host) order(ctx context.Context, method int) (*tls.Certificate, error) {
	client, err := h.k.newClient(&h.want)
	if err != nil {
		return nil, err
	}
	defer client.HTTPClient.CloseIdleConnections()
	o := &order{h: h, client: client, method: method}
	for _, step := range []func(context.Context) error{o.signIn, o.place, o.prove, o.finalize} {
		if err := step(ctx); err != nil {
			return nil, o.failed(err)
		}
	}
	pair, err := o.collect(ctx)
	if err != nil {
		return nil, o.failed(err)
	}
	return pair, nil
}

// failed tells an answer of the CA from none, and drops what cannot be gone on with.
func (o *order) failed(err error) error {
	var problem acme.Problem
	if !errors.As(err, &problem) {
		return err
	}
	switch problem.Type {
	case acme.ProblemTypeAccountDoesNotExist:
		o.h.k.forgetAccount(&o.h.want)
	case acme.ProblemTypeBadNonce, acme.ProblemTypeServerInternal, acme.ProblemTypeRateLimited:
		return &refusedError{err: told(err)} // the order itself may be good
	}
	o.h.dropPending()
	return &refusedError{err: told(err)}
}

// told is what the CA said, without its addresses and numbers.
func told(err error) error {
	var problem acme.Problem
	if errors.As(err, &problem) && problem.Detail != "" {
		return fmt.Errorf("the CA refuses: %s", problem.Detail)
	}
	return fmt.Errorf("the CA refuses: %w", err)
}

func (o *order) signIn(ctx context.Context) (err error) {
	o.account, err = o.h.k.account(ctx, o.client, &o.h.want)
	return err
}

// place orders, or finds the order that was placed before.
func (o *order) place(ctx context.Context) error {
	if p := o.h.pending(); p != nil {
		found, err := o.client.GetOrder(ctx, o.account, acme.Order{Location: p.URL})
		found.Location = p.URL
		if err == nil && found.Status != acme.StatusInvalid {
			o.pending, o.order = p, found
			return nil
		}
		var problem acme.Problem
		if err != nil && !errors.As(err, &problem) {
			return err
		}
		o.h.dropPending()
	}
	if err := o.h.reserve(); err != nil {
		return err
	}
	o.pending = newPending(o.h.want.Directory())
	if err := o.h.keepPending(o.pending); err != nil {
		return err
	}
	return o.placeNew(ctx)
}

func (o *order) placeNew(ctx context.Context) error {
	wanted := acme.Order{Identifiers: []acme.Identifier{{Type: "dns", Value: o.h.name}}}
	old := o.h.issued()
	if dir, err := o.client.GetDirectory(ctx); err == nil && dir.RenewalInfo != "" && old != nil {
		wanted.Replaces, _ = acme.ARIUniqueIdentifier(old.Leaf) // RFC 9773 5
	}
	placed, err := o.client.NewOrder(ctx, o.account, wanted)
	if err != nil && wanted.Replaces != "" && isProblem(err) { // the CA may not like what it replaces
		wanted.Replaces = ""
		placed, err = o.client.NewOrder(ctx, o.account, wanted)
	}
	if err != nil {
		return err
	}
	o.order, o.pending.URL = placed, placed.Location
	if err := o.h.k.write(func(b *book) error {
		b.Orders = append(b.Orders, ordered{At: time.Now(), Host: o.h.name, CA: o.h.want.Directory(), Renewal: old != nil})
		return nil
	}); err != nil {
		o.h.k.log.Warn(err.Error() + ", ignoring")
	}
	return o.h.keepPending(o.pending)
}

func isProblem(err error) bool {
	var problem acme.Problem
	return errors.As(err, &problem)
}

// prove shows the CA that the name leads here.
func (o *order) prove(ctx context.Context) error {
	if o.order.Status != acme.StatusPending {
		return nil
	}
	for _, url := range o.order.Authorizations {
		authz, err := o.client.GetAuthorization(ctx, o.account, url)
		if err == nil && authz.Status == acme.StatusPending {
			err = o.solve(ctx, authz)
		} else if err == nil && authz.Status != acme.StatusValid {
			err = fmt.Errorf("the authorization is %s", authz.Status)
			o.h.dropPending()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (o *order) solve(ctx context.Context, authz acme.Authorization) error {
	challenge, err := o.choose(authz)
	if err != nil {
		return err
	}
	takeBack, err := o.h.k.challenges.present(o.h.name, challenge)
	if err != nil {
		return err
	}
	defer takeBack()
	if _, err := o.client.InitiateChallenge(ctx, o.account, challenge); err != nil {
		return err
	}
	_, err = o.client.PollAuthorization(ctx, o.account, authz)
	return err
}

func (o *order) choose(authz acme.Authorization) (acme.Challenge, error) {
	for i := range methods {
		wanted := methods[(o.method+i)%len(methods)]
		for _, c := range authz.Challenges {
			if c.Type == wanted {
				return c, nil
			}
		}
	}
	o.h.dropPending()
	return acme.Challenge{}, &refusedError{err: errors.New("the CA offers neither http-01 nor tls-alpn-01")}
}

func (o *order) finalize(ctx context.Context) error {
	if o.order.Status == acme.StatusValid {
		return nil
	}
	csr, err := acmez.NewCSR(o.pending.key, []string{o.h.name})
	if err != nil {
		return err
	}
	done, err := o.client.FinalizeOrder(ctx, o.account, o.order, csr.Raw)
	if err != nil {
		return err
	}
	o.order = done
	return nil
}

// collect downloads the certificate and keeps it, when it is one for this host.
func (o *order) collect(ctx context.Context) (*tls.Certificate, error) {
	chains, err := o.client.GetCertificateChain(ctx, o.account, o.order.Certificate)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		return nil, errors.New("the CA has no certificate for its order")
	}
	whole := append(encodePair(nil, o.pending.key), chains[0].ChainPEM...)
	pair, err := decodePair(whole)
	if err == nil {
		err = covers(pair, o.h.name, time.Now())
	}
	if err != nil {
		o.h.dropPending()
		return nil, &refusedError{err: fmt.Errorf("the CA's certificate is no good: %w", err)}
	}
	if err := o.h.k.store.write(certificateName(&o.h.want, o.h.name), whole); err != nil {
		return nil, err
	}
	o.h.dropPending()
	return pair, nil
}

// issued is the certificate from the CA that is served, or nil.
func (h *host) issued() *tls.Certificate {
	if s := h.serving.Load(); s != nil && s.from == route.TLSAuto {
		return s.pair
	}
	return nil
}
