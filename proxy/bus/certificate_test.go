package bus_test

import (
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"sandwich/proxy/bus"
	certs "sandwich/proxy/tls"
)

func TestCertificatesAreShownRenewedAndRevoked(t *testing.T) {
	d := newDaemon(t)
	d.start()
	ends := time.UnixMicro(2_000_000_000_000_000)
	f := &fake{calls: make(chan string, 10), certificates: []certs.Certificate{{
		Host: "a.example", Project: "a", Mode: "auto", From: "internal", State: certs.Waiting, Issuer: "ours", Serial: "1f",
		Names: []string{"a.example"}, Ends: ends, Problem: "the name is not in DNS", Next: ends, CA: "https://ca.example/dir",
	}}}
	offer(t, f).wait(t, "owning")
	object := client(t)
	var hosts map[string]map[string]dbus.Variant
	must(t, object.Call(bus.Name+".Certificates", 0).Store(&hosts))
	got := hosts["a.example"]
	for key, want := range map[string]any{
		"project": "a", "mode": "auto", "from": "internal", "state": "waiting", "issuer": "ours", "serial": "1f", "ca": "https://ca.example/dir",
		"not_after": uint64(ends.UnixMicro()), "next": uint64(ends.UnixMicro()), "problem": "the name is not in DNS",
	} {
		if got[key].Value() != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	var orders map[string]uint32
	must(t, object.Call(bus.Name+".CertificateOrders", 0).Store(&orders))
	if orders["a.example"] != 3 {
		t.Errorf("orders: %v", orders)
	}
	must(t, object.Call(bus.Name+".RenewCertificate", 0, "a.example").Err)
	must(t, object.Call(bus.Name+".RevokeCertificate", 0, "a.example", uint32(1)).Err)
	if one, two := <-f.calls, <-f.calls; one != "RenewCertificate a.example" || two != "RevokeCertificate a.example 1" {
		t.Errorf("calls: %s, %s", one, two)
	}
}

func TestAChangedCertificateIsASignal(t *testing.T) {
	d := newDaemon(t)
	d.start()
	f := &fake{changes: make(chan string)}
	offer(t, f).wait(t, "owning")
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	defer conn.Close()
	must(t, conn.AddMatchSignal(dbus.WithMatchInterface(bus.Name)))
	signals := make(chan *dbus.Signal, 10)
	conn.Signal(signals)
	f.changes <- "a.example"
	select {
	case s := <-signals:
		if s.Name != bus.Name+".CertificateChanged" || len(s.Body) != 1 || s.Body[0] != "a.example" {
			t.Errorf("%+v", s)
		}
	case <-time.After(patience):
		t.Fatal("nobody hears of it")
	}
}
