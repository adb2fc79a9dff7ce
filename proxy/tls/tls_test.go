package tls

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy/route"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logBuffer is a journal that a test can read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// newKeeper is a keeper in a directory of its own, with what it logs.
func newKeeper(t testing.TB, dir string) (*Keeper, *logBuffer) {
	t.Helper()
	log := new(logBuffer)
	return New(Config{Dir: dir, Log: slog.New(slog.NewTextHandler(log, nil))}), log
}

// start runs the keeper until the test ends, or until stop is called.
func start(t testing.TB, k *Keeper) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

func routeOf(name string, want route.TLS, hosts ...string) *route.Route {
	return &route.Route{Name: name, Domains: hosts, TLS: &want}
}

// shown is what a client gets that asks for a name, or nil.
func shown(t testing.TB, k *Keeper, name string) *x509.Certificate {
	t.Helper()
	pair, err := k.certificate(&tls.ClientHelloInfo{ServerName: name})
	must(t, err)
	if pair == nil {
		return nil
	}
	return pair.Leaf
}

func TestTheInternalCAIsMadeOnceAndIsNobodyElsesToRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	first, _ := newKeeper(t, dir)
	again, _ := newKeeper(t, dir)
	if !first.authority.root.Equal(again.authority.root) {
		t.Error("there are two")
	}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		must(t, err)
		if info, _ := d.Info(); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", path, info.Mode())
		}
		return nil
	}))
	data, err := os.ReadFile(filepath.Join(dir, RootFile))
	must(t, err)
	if strings.Contains(string(data), "PRIVATE") {
		t.Error("the root's file has its key in it")
	}
}

func TestTwoProcessesAgreeOnOneInternalCA(t *testing.T) {
	dir := t.TempDir()
	roots := make(chan string, 10)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			k, _ := newKeeper(t, dir)
			roots <- string(k.authority.root.Raw)
		})
	}
	all.Wait()
	for first := <-roots; len(roots) > 0; {
		if <-roots != first {
			t.Fatal("they do not")
		}
	}
}

func TestABrokenInternalCAIsReplacedAndKept(t *testing.T) {
	dir := t.TempDir()
	newKeeper(t, dir)
	must(t, os.WriteFile(filepath.Join(dir, rootKeyFile), []byte("rubbish"), 0o600))
	k, log := newKeeper(t, dir)
	again, _ := newKeeper(t, dir)
	if !k.authority.root.Equal(again.authority.root) || !strings.Contains(log.String(), "cannot use internal CA") {
		t.Errorf("log: %s", log)
	}
	if data, err := os.ReadFile(filepath.Join(dir, rootKeyFile+".broken")); string(data) != "rubbish" {
		t.Errorf("the broken one is lost: %v", err)
	}
}

func TestWithoutADirectoryHostsAreServedAllTheSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	k, log := newKeeper(t, filepath.Join(file, "tls"))
	k.Follow([]*route.Route{routeOf("a", route.TLS{Mode: route.TLSInternal}, "a.example")})
	if shown(t, k, "a.example") == nil || !strings.Contains(log.String(), "cannot keep the internal CA") {
		t.Errorf("log: %s", log)
	}
}

func TestAnInternalCertificateIsForItsNameAndMadeAgainInTime(t *testing.T) {
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", route.TLS{Mode: route.TLSInternal}, "a.example", "www.a.example")})
	pool := x509.NewCertPool()
	pool.AddCert(k.authority.root)
	first := shown(t, k, "A.example.")
	if _, err := first.Verify(x509.VerifyOptions{DNSName: "a.example", Roots: pool}); err != nil {
		t.Error(err)
	}
	if first.VerifyHostname("www.a.example") == nil {
		t.Error("it gives away another name")
	}
	if !shown(t, k, "a.example").Equal(first) {
		t.Error("each handshake gets another one")
	}
	old := *first
	old.NotAfter = time.Now().Add(leafLife/3 - time.Minute)
	k.host("a.example").serving.Store(&served{pair: &tls.Certificate{Certificate: [][]byte{old.Raw}, Leaf: &old}, from: route.TLSInternal})
	if shown(t, k, "a.example").Equal(first) {
		t.Error("it is served to its end")
	}
	if shown(t, k, "b.example") != nil || shown(t, k, "") != nil || shown(t, k, "127.0.0.1") != nil {
		t.Error("names that nobody has get a certificate")
	}
}

func FuzzWhatIsReadFromFiles(f *testing.F) {
	a := newAuthority()
	good := encodePair([][]byte{a.root.Raw}, a.key)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		pair, err := decodePair(data)
		if err == nil {
			_ = covers(pair, "a.example", time.Now())
		}
	})
}
