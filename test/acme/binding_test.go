package acme

import (
	"strings"
	"testing"
	"time"

	certs "sandwich/proxy/tls"
)

const (
	bindingKey = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	wrongKey   = "BBBBZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
)

func TestAnAccountIsBoundToOneThatTheCAKnows(t *testing.T) {
	f := newBoundFront(t, "0", &binding{"known-1", bindingKey, bindingKey + "="}, "demo.example")
	f.start()
	f.await("demo.example")
	wantNoKey(t, f)
}

func TestAWrongBindingIsRefusedAndItsKeyNotShown(t *testing.T) {
	for told, said := range map[string]string{wrongKey: "the CA refuses: external account binding", "no base64!": "cannot use the key of eab"} {
		f := newBoundFront(t, "0", &binding{"known-1", bindingKey, told}, "demo.example")
		f.start()
		f.logged(said)
		if s := f.state("demo.example"); s.State != certs.Failing || time.Until(s.Next) < 30*time.Second || f.taken() != 0 {
			t.Errorf("%d orders, %+v", f.taken(), s)
		}
		wantNoKey(t, f)
		f.stop()
	}
}

// wantNoKey wants the key told to nobody.
func wantNoKey(t *testing.T, f *front) {
	t.Helper()
	for _, key := range []string{bindingKey, wrongKey, "no base64!"} {
		if strings.Contains(f.log.String(), key) {
			t.Errorf("the journal has the key:\n%s", f.log)
		}
	}
}
