// Package acme orders certificates for a whole front proxy from a real ACME server, in one process.
// It is a module of its own, so that the server is no part of what is shipped.
package acme

import (
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// authority is an ACME server with the name server that it asks.
type authority struct {
	testing.TB
	root      string // file with what to trust when talking to it
	directory string
	server    *httptest.Server
	ca        *ca.CAImpl
	store     *db.MemoryStore
	dns       *challtestsrv.ChallSrv

	down   atomic.Bool // it answers nothing
	before atomic.Pointer[func(*http.Request)]

	mu     sync.Mutex
	orders int // that it has taken
}

// newAuthority validates on these ports.
func newAuthority(t testing.TB, httpPort, tlsPort int, nonceReject string, b *binding) *authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", nonceReject)
	quiet := log.New(io.Discard, "", 0)
	a := &authority{TB: t}
	names := freeTCP(t) // which is what is asked over
	var err error
	a.dns, err = challtestsrv.New(challtestsrv.Config{DNSAddrs: []string{names}, Log: quiet})
	must(t, err)
	a.dns.SetDefaultDNSIPv4("127.0.0.1")
	a.dns.SetDefaultDNSIPv6("")
	go a.dns.Run()
	t.Cleanup(a.dns.Shutdown)
	answering(t, names)
	store := db.NewMemoryStore()
	a.store = store
	if b != nil {
		must(t, store.AddExternalAccountKeyByID(b.id, b.key))
	}
	a.ca = ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 3600}})
	validator := va.New(quiet, httpPort, tlsPort, false, names, store)
	front := wfe.New(quiet, store, validator, a.ca, nil, false, b != nil, 1, 1)
	handler := front.Handler()
	a.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.down.Load() {
			panic(http.ErrAbortHandler)
		}
		if before := a.before.Load(); before != nil {
			(*before)(r)
		}
		if strings.HasPrefix(r.URL.Path, "/order-plz") {
			w = &counting{w, a}
		}
		handler.ServeHTTP(w, r)
	}))
	a.server.Config.ErrorLog = quiet
	t.Cleanup(a.server.Close)
	a.directory = a.server.URL + wfe.DirectoryPath
	a.root = filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(a.root, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.server.Certificate().Raw}), 0o644))
	return a
}

// binding is an account that the authority knows from elsewhere, without which it opens none.
type binding struct {
	id, key string
	told    string // what the front is told
}

// counting counts orders that are taken.
type counting struct {
	http.ResponseWriter
	a *authority
}

func (c *counting) WriteHeader(status int) {
	if status == http.StatusCreated {
		c.a.mu.Lock()
		c.a.orders++
		c.a.mu.Unlock()
	}
	c.ResponseWriter.WriteHeader(status)
}

func (a *authority) taken() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.orders
}

// trust is what browsers that trust the authority have.
func (a *authority) trust() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.ca.GetRootCert(0).Cert)
	return pool
}

func freeTCP(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// answering returns when something listens there: a name server does not say when it has begun, and an
// authority that finds none refuses the order.
func answering(t testing.TB, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
