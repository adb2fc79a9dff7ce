package acme

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	certs "sandwich/proxy/tls"
)

func TestACertificateIsOrderedRenewedAndRevoked(t *testing.T) {
	f := newFront(t, "0", "demo.example", "www.demo.example")
	f.start()
	f.await("demo.example", "www.demo.example")
	first, err := f.shake("demo.example")
	must(t, err)
	if s := f.state("demo.example"); s.State != certs.OK || s.From != "auto" || s.Problem != "" || s.Next.Before(time.Now()) {
		t.Errorf("%+v", s)
	}
	wantPrivate(t, f.dir)

	must(t, f.keeper.Renew(context.Background(), "demo.example"))
	second, err := f.shake("demo.example")
	if err != nil || second.Equal(first) {
		t.Errorf("renewing gave the same one: %v", err)
	}
	must(t, f.keeper.Revoke(context.Background(), "demo.example", 1))
	f.await("demo.example")
	third, err := f.shake("demo.example")
	if err != nil || third.Equal(second) {
		t.Errorf("revoking left the same one: %v", err)
	}
	if f.taken() != 4 {
		t.Errorf("%d orders", f.taken())
	}
	if got := f.keeper.Orders()["demo.example"]; got != 3 { // the renewal replaces one
		t.Errorf("%d orders count", got)
	}
}

// wantPrivate wants nothing that others may read, and the account's key among it.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	accounts := 0
	must(t, filepath.Walk(filepath.Join(dir, "tls"), func(path string, info os.FileInfo, err error) error {
		must(t, err)
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		if strings.Contains(path, "/accounts/") && strings.HasSuffix(path, ".json") {
			accounts++
		}
		return nil
	}))
	if accounts != 1 {
		t.Errorf("%d accounts", accounts)
	}
}

func TestTheOtherChallengeIsTriedAfterOneThatFailed(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	f.dns.AddDNSARecord("demo.example", []string{"127.0.0.2"}) // nobody listens there
	f.start()
	f.logged("the CA refuses")
	s := f.state("demo.example")
	if left := time.Until(s.Next); s.State != certs.Failing || left < 50*time.Minute || left > time.Hour || f.taken() != 1 {
		t.Errorf("%d orders, next in %s, %+v", f.taken(), left, s)
	}
	f.dns.DeleteDNSARecord("demo.example")
	f.plain.Close() // what follows has no port 80 but the copy, which answers for HTTP only
	must(t, f.keeper.Renew(context.Background(), "demo.example"))
	if _, err := f.shake("demo.example"); err != nil {
		t.Error(err)
	}
}

func TestANameThatLeadsElsewhereCostsNoOrder(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	stranger := &http.Server{Handler: http.NotFoundHandler()}
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.3:%d", port(f.plain)))
	must(t, err)
	go stranger.Serve(l)
	defer stranger.Close()
	for why, points := range map[string]func(string) ([]netip.Addr, error){
		"not in DNS": func(string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		},
		"not this host": func(string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")}, nil
		},
	} {
		f.points = points
		f.start()
		f.logged(why)
		if s := f.state("demo.example"); s.State != certs.Waiting || !strings.Contains(s.Problem, why) {
			t.Errorf("%+v", s)
		}
		if c, err := f.shake("demo.example"); err == nil || c == nil {
			t.Errorf("meanwhile there is no internal certificate: %v", err)
		}
		f.stop()
	}
	if f.taken() != 0 {
		t.Errorf("%d orders", f.taken())
	}
}

func TestCertificatesOutliveTheProcess(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	f.start()
	f.await("demo.example")
	first, err := f.shake("demo.example")
	must(t, err)
	f.stop()
	f.start()
	again, err := f.shake("demo.example")
	must(t, err)
	if !again.Equal(first) || f.taken() != 1 {
		t.Errorf("%d orders", f.taken())
	}
}

func TestACAThatIsDownIsNoHarmAndAskedLessAndLess(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	f.start()
	f.await("demo.example")
	first, err := f.shake("demo.example")
	must(t, err)
	f.down.Store(true)
	if err := f.keeper.Renew(context.Background(), "demo.example"); err == nil {
		t.Fatal("it renews without a CA")
	}
	if still, err := f.shake("demo.example"); err != nil || !still.Equal(first) {
		t.Errorf("the certificate is gone: %v", err)
	}
	if s := f.state("demo.example"); s.Problem == "" || time.Until(s.Next) > time.Hour {
		t.Errorf("%+v", s)
	}
	f.down.Store(false)
	must(t, f.keeper.Renew(context.Background(), "demo.example"))
	if f.taken() != 2 {
		t.Errorf("%d orders", f.taken())
	}
}

func TestACAThatTakesNoNonceIsAskedOnceAnHour(t *testing.T) {
	f := newFront(t, "100", "demo.example")
	f.start()
	f.logged("the CA refuses")
	f.stop()
	f.start() // also by the next process
	s := f.state("demo.example")
	for deadline := time.Now().Add(patience); s.Problem == ""; s = f.state("demo.example") {
		if time.Now().After(deadline) {
			t.Fatal("it is not known any more")
		}
	}
	if left := time.Until(s.Next); f.taken() != 0 || left < 50*time.Minute || left > time.Hour {
		t.Errorf("%d orders, next in %s", f.taken(), left)
	}
	if _, err := f.shake("demo.example"); err == nil {
		t.Error("where is it from?")
	}
}

func TestManyDomainsAtOnce(t *testing.T) {
	var hosts []string
	for i := range 200 {
		hosts = append(hosts, fmt.Sprintf("site-%d.example", i))
	}
	f := newFront(t, "5", hosts...)
	f.start()
	f.await(hosts...)
	if f.taken() != len(hosts) {
		t.Errorf("%d orders", f.taken())
	}
}

// A process dies when the CA has made the certificate and nobody has it yet.
func TestWhatTheCAHasMadeIsNotLostWithTheProcess(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	finalized := make(chan struct{}, 100)
	before := func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/certZ/") {
			finalized <- struct{}{}
			panic(http.ErrAbortHandler)
		}
	}
	f.before.Store(&before)
	f.start()
	select {
	case <-finalized:
	case <-time.After(patience):
		t.Fatal("the order is not finalized")
	}
	f.logged("certificate of demo.example:")
	f.stop()
	f.authority.before.Store(nil)
	f.start()
	f.await("demo.example")
	if f.taken() != 1 {
		t.Errorf("%d orders for one certificate", f.taken())
	}
}

func TestAFullDiskCostsNoOrderAndLosesNoCertificate(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	dir := filepath.Join(f.dir, "tls")
	must(t, os.Mkdir(dir, 0o700))
	must(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=256k,mode=0700"))
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	fill := func() {
		file, err := os.Create(filepath.Join(dir, "fill"))
		must(t, err)
		defer file.Close()
		for block := make([]byte, 4096); err == nil; _, err = file.Write(block) {
		}
	}
	fill()
	f.start()
	f.logged("no space left")
	if f.taken() != 0 {
		t.Errorf("%d orders with a full disk", f.taken())
	}
	must(t, os.Remove(filepath.Join(dir, "fill")))
	full := false
	before := func(r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/certZ/") && !full {
			full = true
			fill()
		}
	}
	f.before.Store(&before)
	if err := f.keeper.Renew(context.Background(), "demo.example"); err == nil {
		t.Fatal("a certificate was kept on a full disk")
	}
	must(t, os.Remove(filepath.Join(dir, "fill")))
	must(t, f.keeper.Renew(context.Background(), "demo.example"))
	if _, err := f.shake("demo.example"); err != nil || f.taken() != 1 {
		t.Errorf("%d orders: %v", f.taken(), err)
	}
}

func TestWhatTheJournalIsToldHasNoSecretsAndNoChatter(t *testing.T) {
	f := newFront(t, "0", "demo.example")
	f.start()
	f.await("demo.example")
	f.logged("certificate of demo.example is from")
	text := f.log.String()
	if n := strings.Count(text, "\n"); n > 6 || strings.Contains(text, "PRIVATE") {
		t.Errorf("%d lines:\n%s", n, text)
	}
}
