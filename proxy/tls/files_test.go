package tls

import (
	"crypto/ecdsa"
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/proxy/route"
)

// files are a project's own certificate and key.
type files struct {
	testing.TB
	certificate, key string
	ca               *authority
}

func newFiles(t testing.TB) files {
	dir := t.TempDir()
	return files{t, filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem"), newAuthority()}
}

func (f files) want() route.TLS {
	return route.TLS{Mode: route.TLSFiles, Certificate: f.certificate, Key: f.key}
}

// put writes a new pair for a name, and gives its serial number.
func (f files) put(name string) string {
	f.Helper()
	pair := f.ca.leaf(name)
	certificate, key := f.parts(pair)
	must(f, os.WriteFile(f.key, key, 0o600))
	must(f, os.WriteFile(f.certificate, certificate, 0o600))
	return pair.Leaf.SerialNumber.String()
}

func (f files) parts(pair *tls.Certificate) (certificate, key []byte) {
	whole := string(encodePair(pair.Certificate, mustECDSA(pair)))
	end := strings.Index(whole, "-----BEGIN CERTIFICATE")
	return []byte(whole[end:]), []byte(whole[:end])
}

func serialOf(t testing.TB, k *Keeper, name string) string {
	t.Helper()
	return shown(t, k, name).SerialNumber.String()
}

func TestAProjectsOwnFilesAreServedAndReadAgainWhenTheyChange(t *testing.T) {
	f := newFiles(t)
	first := f.put("a.example")
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	if serialOf(t, k, "a.example") != first || !k.Trusted("a.example") {
		t.Error("the pair is not served")
	}
	changed := make(chan string, 10)
	k.conf.Changed = func(host string) { changed <- host }
	start(t, k)
	second := f.put("a.example")
	for serialOf(t, k, "a.example") != second {
		if host := <-changed; host != "a.example" {
			t.Errorf("changed: %s", host)
		}
	}
}

func TestABrokenPairKeepsTheOneBeforeAndSaysSo(t *testing.T) {
	f := newFiles(t)
	first := f.put("a.example")
	k, log := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example", "b.example")})
	if k.Trusted("b.example") || shown(t, k, "b.example").VerifyHostname("b.example") != nil {
		t.Error("a host that the pair is not for gets it")
	}
	certificate, key := f.parts(f.ca.leaf("a.example"))
	for what, write := range map[string]func(){
		"the key of another":  func() { must(t, os.WriteFile(f.key, key, 0o600)) },
		"half a certificate":  func() { must(t, os.WriteFile(f.certificate, certificate[:len(certificate)/2], 0o600)) },
		"an empty file":       func() { must(t, os.WriteFile(f.certificate, nil, 0o600)) },
		"no file":             func() { must(t, os.Remove(f.key)) },
		"another host's pair": func() { f.put("c.example") },
	} {
		write()
		if k.host("a.example").loadFiles() == nil || serialOf(t, k, "a.example") != first || !k.Trusted("a.example") {
			t.Errorf("%s: it is used", what)
		}
	}
	if text := log.String(); !strings.Contains(text, "keeping the one before") || !strings.Contains(text, f.certificate) {
		t.Errorf("log: %s", text)
	}
	second := f.put("a.example")
	if err := k.host("a.example").loadFiles(); err != nil || serialOf(t, k, "a.example") != second {
		t.Errorf("a whole pair again is not used: %v", err)
	}
}

// Handshakes go on while files are replaced byte by byte.
func TestNoHandshakeNoticesThatFilesAreReplaced(t *testing.T) {
	f := newFiles(t)
	f.put("a.example")
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	done := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		defer close(done)
		for range 200 {
			certificate, key := f.parts(f.ca.leaf("a.example"))
			os.WriteFile(f.key, key[:len(key)/2], 0o600)
			os.WriteFile(f.certificate, certificate[:len(certificate)/3], 0o600)
			k.host("a.example").loadFiles()
			os.WriteFile(f.key, key, 0o600)
			k.host("a.example").loadFiles()
			os.WriteFile(f.certificate, certificate, 0o600)
			k.host("a.example").loadFiles()
		}
	})
	shakes := 0
	for ; ; shakes++ {
		select {
		case <-done:
			writing.Wait()
			if shakes < 1000 {
				t.Errorf("only %d handshakes", shakes)
			}
			return
		default:
			leaf := shown(t, k, "a.example")
			if leaf.VerifyHostname("a.example") != nil || time.Now().After(leaf.NotAfter) || leaf.Issuer.CommonName != f.ca.root.Subject.CommonName {
				t.Fatalf("handshake %d gets %s of %s", shakes, leaf.DNSNames, leaf.Issuer)
			}
		}
	}
}

func TestTheMomentSettingsChangeTheOldCertificateStays(t *testing.T) {
	f := newFiles(t)
	first := f.put("a.example")
	k, _ := newKeeper(t, t.TempDir())
	k.Follow([]*route.Route{routeOf("a", f.want(), "a.example")})
	broken := f.want()
	broken.Key = "/nowhere"
	k.Follow([]*route.Route{routeOf("a", broken, "a.example")})
	if serialOf(t, k, "a.example") != first {
		t.Error("it is gone")
	}
	k.Follow([]*route.Route{routeOf("a", route.TLS{Mode: route.TLSInternal}, "a.example")})
	if serialOf(t, k, "a.example") == first {
		t.Error("internal was asked for")
	}
	k.Follow(nil)
	if shown(t, k, "a.example") != nil {
		t.Error("a forgotten host gets a certificate")
	}
}

func mustECDSA(pair *tls.Certificate) *ecdsa.PrivateKey { return pair.PrivateKey.(*ecdsa.PrivateKey) }
