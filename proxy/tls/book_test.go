package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sandwich/proxy/route"
	"sandwich/proxy/tls/limit"
)

func TestOrdersStayBelowWhatTheCATakes(t *testing.T) {
	now := time.Now()
	b := &book{}
	for i := range limit.PerDomain {
		b.Orders = append(b.Orders, ordered{At: now.Add(-time.Duration(i+4) * time.Hour), Host: fmt.Sprintf("s%d.a.co.uk", i), CA: route.LetsEncrypt})
	}
	next, err := b.allows(route.LetsEncrypt, "new.a.co.uk", false, now)
	if want := now.Add(-time.Duration(limit.PerDomain+3) * time.Hour).Add(limit.Week); err == nil || next.After(now.Add(limit.Week)) || !next.After(now) {
		t.Errorf("the 51st of a week is ordered: %v, next %s, want about %s", err, next, want)
	}
	for what, err := range map[string]error{
		"a renewal":      second(b.allows(route.LetsEncrypt, "s1.a.co.uk", true, now)),
		"another domain": second(b.allows(route.LetsEncrypt, "b.co.uk", false, now)),
		"another CA":     second(b.allows("https://ca.example/dir", "new.a.co.uk", false, now)),
	} {
		if err != nil {
			t.Errorf("%s waits: %v", what, err)
		}
	}
	for i := range limit.Orders {
		b.Orders = append(b.Orders, ordered{At: now.Add(-time.Minute), Host: fmt.Sprintf("x%d.example", i), CA: "https://ca.example/dir"})
	}
	if next, err := b.allows("https://ca.example/dir", "b.example", false, now); err == nil || next.After(now.Add(limit.Window)) {
		t.Errorf("there is no end of orders: %v, %s", err, next)
	}
	b.prune(now.Add(8 * 24 * time.Hour))
	if len(b.Orders) != 0 {
		t.Errorf("%d old orders are kept", len(b.Orders))
	}
}

func second(_ time.Time, err error) error { return err }

func TestACAThatRefusesIsAskedLessAndLess(t *testing.T) {
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", route.TLS{Mode: route.TLSAuto}, "a.example")})
	h := k.host("a.example")
	before := time.Duration(0)
	for i := range 10 {
		pause := time.Until(h.refused(errors.New("no"))).Round(time.Minute)
		if pause < time.Hour || pause < before || pause > lastOrderPause {
			t.Errorf("after %d refusals it waits %s", i+1, pause)
		}
		before = pause
	}
	again, _ := newKeeper(t, k.conf.Dir)
	if a := again.readBook().Tries["a.example"]; a.Failures != 10 || a.Error != "no" || time.Until(a.Next) < lastOrderPause-time.Minute {
		t.Errorf("the next process knows %+v", a)
	}
}

func TestABrokenBookIsBegunAnew(t *testing.T) {
	k, log := newKeeper(t, t.TempDir())
	must(t, os.WriteFile(filepath.Join(k.conf.Dir, bookName), []byte("{"), 0o600))
	must(t, k.write(func(b *book) error {
		b.Orders = append(b.Orders, ordered{At: time.Now(), Host: "a.example"})
		return nil
	}))
	if n := k.Orders()["a.example"]; n != 1 || !strings.Contains(log.String(), "beginning it anew") {
		t.Errorf("%d orders, log %s", n, log)
	}
}

func pairOf(begins, ends time.Time) *tls.Certificate {
	return &tls.Certificate{Leaf: &x509.Certificate{NotBefore: begins, NotAfter: ends}}
}

func TestACertificateIsRenewedInTheLastThirdOfItsLifeButNotWithAllOthers(t *testing.T) {
	now := time.Now()
	pair := pairOf(now, now.Add(90*24*time.Hour))
	times := map[time.Time]bool{}
	for i := range 100 {
		at := renewalOf(pair, fmt.Sprintf("s%d.example", i)).Sub(now)
		if at < 55*24*time.Hour || at > 60*24*time.Hour {
			t.Errorf("it is renewed after %s", at)
		}
		times[now.Add(at)] = true
	}
	if len(times) < 90 {
		t.Errorf("100 hosts renew at %d times", len(times))
	}
}

func TestStatesAreWhatSomebodyHasToKnow(t *testing.T) {
	now := time.Now()
	h := &host{name: "a.example", want: route.TLS{Mode: route.TLSAuto}}
	young, old, over := pairOf(now, now.Add(90*24*time.Hour)), pairOf(now.Add(-80*24*time.Hour), now.Add(10*24*time.Hour)), pairOf(now.Add(-90*24*time.Hour), now.Add(-time.Hour))
	for _, c := range []struct {
		pair    *tls.Certificate
		from    string
		trouble string
		waiting bool
		want    State
	}{
		{young, route.TLSAuto, "", false, OK}, {young, route.TLSAuto, "the CA is down", false, OK}, {old, route.TLSAuto, "", false, OK},
		{old, route.TLSAuto, "the CA is down", false, Expiring}, {over, route.TLSAuto, "the CA is down", false, Expired},
		{young, route.TLSInternal, "", false, Waiting}, {young, route.TLSInternal, "no DNS", true, Waiting}, {young, route.TLSInternal, "refused", false, Failing},
	} {
		h.trouble, h.waiting = c.trouble, c.waiting
		if got := h.state(c.pair, c.from, now); got != c.want {
			t.Errorf("from %s, %q: %s, want %s", c.from, c.trouble, got, c.want)
		}
	}
}

const day = 24 * time.Hour

// storeIssued puts a certificate of a CA into the store, as if it had been ordered.
func storeIssued(t *testing.T, k *Keeper, want *route.TLS, begins, ends time.Duration) *x509.Certificate {
	t.Helper()
	key := newKey()
	leaf := mustSign(&x509.Certificate{SerialNumber: serial(), DNSNames: []string{"a.example"}, NotBefore: time.Now().Add(begins), NotAfter: time.Now().Add(ends)},
		k.authority.root, key, k.authority.key)
	must(t, k.store.write(certificateName(want, "a.example"), encodePair([][]byte{leaf.Raw}, key)))
	return leaf
}

// A clock that was set takes no certificate away: the visitors' clocks may be right.
func TestACertificateThatSeemsOverOrYetToComeIsServed(t *testing.T) {
	for _, set := range []time.Duration{-400 * day, 400 * day} {
		k, _ := newKeeper(t, t.TempDir())
		want := route.TLS{Mode: route.TLSAuto}
		leaf := storeIssued(t, k, &want, set-10*day, set+80*day)
		k.Follow([]*route.Route{routeOf("a", want, "a.example")})
		if !shown(t, k, "a.example").Equal(leaf) || k.Trusted("a.example") {
			t.Error("the internal CA's is served instead, or it counts as good")
		}
		f := newFiles(t)
		key := newKey()
		leaf = mustSign(&x509.Certificate{SerialNumber: serial(), DNSNames: []string{"a.example"}, NotBefore: time.Now().Add(set - 10*day), NotAfter: time.Now().Add(set + 80*day)},
			k.authority.root, key, k.authority.key)
		must(t, os.WriteFile(f.certificate, encodePair([][]byte{leaf.Raw}, key), 0o600))
		must(t, os.WriteFile(f.key, encodePair([][]byte{leaf.Raw}, key), 0o600))
		k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
		if !shown(t, k, "a.example").Equal(leaf) {
			t.Error("the internal CA's is served instead of the project's file")
		}
	}
}

// What was put off while the clock was a year ahead is not put off for a year.
func TestAClockThatWasAheadPutsNothingOffForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k, _ := newKeeper(t, t.TempDir())
		must(t, k.write(func(b *book) error {
			b.Tries["a.example"] = attempt{Failures: 3, Next: time.Now().Add(400 * day), Error: "no"}
			return nil
		}))
		tried := make(chan time.Time, 1)
		k.conf.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			select {
			case tried <- time.Now():
			default:
			}
			return nil, errors.New("no name server")
		}
		k.Follow([]*route.Route{routeOf("a", route.TLS{Mode: route.TLSAuto, CA: "https://ca.invalid/dir"}, "a.example")})
		began := time.Now()
		stop := start(t, k)
		if after := (<-tried).Sub(began); after > lastOrderPause {
			t.Errorf("the next try is after %s", after)
		}
		stop()
	})
}

func TestACAThatIsDownForADayIsAskedLessAndLess(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	nobody.Close()
	synctest.Test(t, func(t *testing.T) {
		k, log := newKeeper(t, t.TempDir())
		want := route.TLS{Mode: route.TLSAuto, CA: "https://" + nobody.Addr().String() + "/dir"}
		leaf := storeIssued(t, k, &want, -70*day, 20*day)
		tries := 0
		k.conf.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			tries++
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
		k.Follow([]*route.Route{routeOf("a", want, "a.example")})
		stop := start(t, k)
		time.Sleep(day)
		synctest.Wait()
		if tries < 24 || tries > 40 {
			t.Errorf("it is asked %d times in a day", tries)
		}
		if c := k.Certificates()[0]; !shown(t, k, "a.example").Equal(leaf) || c.State != Expiring || c.Problem == "" {
			t.Errorf("meanwhile the certificate is %+v", c)
		}
		stop()
		if lines := strings.Count(log.String(), "\n"); strings.Count(log.String(), "could not be renewed") < 1 || lines > 5 {
			t.Errorf("the journal has\n%s", log)
		}
	})
}

func TestOnlyPublicNamesAreAPublicCAs(t *testing.T) {
	for name, public := range map[string]bool{"a.example": false, "intranet": false, "a.local": false, "a.test": false, "a.co.uk": true, "example.com": true} {
		if (notPublic(name) == "") != public {
			t.Errorf("%s: %q", name, notPublic(name))
		}
	}
	if !isPublic(route.LetsEncrypt) || isPublic("https://localhost:14000/dir") || isPublic("https://ca.internal/dir") {
		t.Error("CAs are taken for others")
	}
	if !isOwn(netip.MustParseAddr("127.0.0.1")) || isOwn(netip.MustParseAddr("192.0.2.1")) {
		t.Error("addresses are taken for others'")
	}
}

func FuzzWhatIsKeptOfOrders(f *testing.F) {
	f.Add([]byte(`{"orders":[{"at":"2026-01-01T00:00:00Z","host":"a.example","ca":"x"}],"tries":{"a":{"failures":1}}}`))
	f.Add([]byte(`{"url":"u","ca":"c","key":"-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n"}`))
	f.Add([]byte(`{"account":{},"key":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if b, err := decodeBook(data); err == nil {
			b.prune(time.Now())
			b.allows(route.LetsEncrypt, "a.example", false, time.Now())
		}
		decodePending(data)
		decodeAccount(data)
	})
}
