package tls

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// featureExtension is what a certificate asks of TLS (RFC 7633 4), statusRequest that its status is
// told with it: browsers that know it refuse the certificate otherwise.
var featureExtension = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}

const statusRequest = 5

func asksForStaple(leaf *x509.Certificate) bool {
	for _, e := range leaf.Extensions {
		var features []int
		if e.Id.Equal(featureExtension) {
			_, err := asn1.Unmarshal(e.Value, &features)
			return err == nil && slices.Contains(features, statusRequest)
		}
	}
	return false
}

const (
	stapleLimit = 20 * time.Second // for one question to a CA
	maxStaple   = 16 << 10         // bytes of its answer, which are sent in each handshake
)

// staples keeps the CA's word about the certificate with it, when the certificate asks for that, until
// ctx ends. No handshake waits for it.
func (h *host) staples(ctx context.Context) {
	failures := 0
	for {
		select {
		case <-h.replaced: // by what is looked at now
		default:
		}
		next, err := h.staple(ctx)
		if err != nil {
			next, failures = time.Now().Add(backOff(firstPause, lastPause, failures)), failures+1
		} else {
			failures = 0
		}
		h.stapled(err)
		timer := time.NewTimer(min(time.Until(next), maxPause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-h.replaced:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// staple has the certificate served with what is on the disk or else with what the CA says, and gives
// the time to do so again.
func (h *host) staple(ctx context.Context) (next time.Time, err error) {
	s := h.serving.Load()
	if s == nil || !asksForStaple(s.pair.Leaf) {
		return time.Now().Add(maxPause), nil
	}
	leaf, issuer, err := chainOf(s.pair)
	if err != nil {
		return next, err
	}
	name := stapleName(leaf)
	raw, err := h.k.store.read(name)
	kept, good := isStaple(raw, leaf, issuer)
	if err == nil && good == nil {
		h.attach(s, raw)
		if next = renewStaple(kept); time.Now().Before(next) {
			return next, nil
		}
	}
	if raw, err = askStatus(ctx, leaf, issuer); err != nil {
		h.detach(s, leaf, issuer)
		return next, err
	}
	fresh, err := isStaple(raw, leaf, issuer)
	if err != nil {
		h.detach(s, leaf, issuer)
		return next, err
	}
	if err := h.k.store.write(name, raw); err != nil {
		h.k.log.Warn(err.Error() + ", ignoring")
	}
	h.attach(s, raw)
	return renewStaple(fresh), nil
}

func stapleName(leaf *x509.Certificate) string {
	sum := sha256.Sum256(leaf.Raw)
	return filepath.Join("staples", hex.EncodeToString(sum[:16])+".der")
}

func chainOf(pair *tls.Certificate) (leaf, issuer *x509.Certificate, err error) {
	if len(pair.Certificate) < 2 {
		return nil, nil, errors.New("it is to be stapled, but the certificate of its CA does not stand after it")
	}
	issuer, err = x509.ParseCertificate(pair.Certificate[1])
	return pair.Leaf, issuer, err
}

// isStaple says what keeps an answer of a CA from being sent with a certificate.
func isStaple(raw []byte, leaf, issuer *x509.Certificate) (*ocsp.Response, error) {
	r, err := ocsp.ParseResponseForCert(raw, leaf, issuer)
	if err != nil {
		return nil, fmt.Errorf("cannot use the status that its CA gives: %w", err)
	}
	now := time.Now()
	switch {
	case r.Status == ocsp.Revoked:
		return nil, errors.New("its CA says that it is revoked")
	case r.Status != ocsp.Good:
		return nil, errors.New("its CA does not know it")
	case now.Before(r.ThisUpdate.Add(-time.Hour)) || !now.Before(r.NextUpdate):
		return nil, errors.New("the status that its CA gives is not of now")
	}
	return r, nil
}

// renewStaple is the middle of its life.
func renewStaple(r *ocsp.Response) time.Time {
	return r.ThisUpdate.Add(r.NextUpdate.Sub(r.ThisUpdate) / 2)
}

// askStatus asks the CA (RFC 6960 A.1).
func askStatus(ctx context.Context, leaf, issuer *x509.Certificate) ([]byte, error) {
	if len(leaf.OCSPServer) == 0 {
		return nil, errors.New("it is to be stapled, but names nobody who tells its status")
	}
	question, err := ocsp.CreateRequest(leaf, issuer, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stapleLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, leaf.OCSPServer[0], bytes.NewReader(question))
	if err != nil {
		return nil, fmt.Errorf("cannot ask for its status: %w", err)
	}
	r.Header.Set("Content-Type", "application/ocsp-request")
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: http.ProxyFromEnvironment, MaxResponseHeaderBytes: maxStaple},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("cannot ask for its status: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("cannot ask for its status: %s answers %s", r.URL.Host, res.Status)
	}
	return io.ReadAll(io.LimitReader(res.Body, maxStaple))
}

// attach serves a certificate with its staple, unless another one is served by now.
func (h *host) attach(s *served, staple []byte) {
	if bytes.Equal(s.pair.OCSPStaple, staple) {
		return
	}
	pair := *s.pair
	pair.OCSPStaple = staple
	h.serving.CompareAndSwap(s, &served{pair: &pair, from: s.from})
}

// detach takes a staple away that is good no more.
func (h *host) detach(s *served, leaf, issuer *x509.Certificate) {
	if _, err := isStaple(s.pair.OCSPStaple, leaf, issuer); err != nil {
		h.attach(s, nil)
	}
}

// stapled keeps what is wrong, and logs it when that is news.
func (h *host) stapled(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	h.mu.Lock()
	news := h.unstapled != text
	h.unstapled = text
	h.mu.Unlock()
	if news && text != "" {
		h.k.log.Warn(fmt.Sprintf("certificate of %s: %s", h.name, text), "project", h.project, "host", h.name)
	}
}

// tellReplaced tells who staples that there is another certificate.
func (h *host) tellReplaced() {
	select {
	case h.replaced <- struct{}{}:
	default:
	}
}
