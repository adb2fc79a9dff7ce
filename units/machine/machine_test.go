package machine

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestWhoListensIsNamed(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(l.Addr().(*net.TCPAddr).Port)
	if got := Holder(port); !strings.Contains(got, "(pid ") || !strings.HasPrefix(got, "machine.test") {
		t.Errorf("%q", got)
	}
	l.Close()
	if got := Holder(port); got != "" {
		t.Errorf("after it was closed: %q", got)
	}
}

func TestOnlyListeningSocketsHoldAPort(t *testing.T) {
	table := `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0050 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1
   2: garbage
`
	if got := listener(table, 80); got != "22" {
		t.Errorf("%q", got)
	}
	if got := listener(table, 81); got != "" {
		t.Errorf("%q", got)
	}
}

func TestAProcessThatWasStoppedIsSeen(t *testing.T) {
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := cmd.Process.Pid
	if Stopped(uint32(pid)) {
		t.Error("one that runs is called stopped")
	}
	_ = cmd.Process.Signal(syscall.SIGSTOP)
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, syscall.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v %v", status, err)
	}
	if !Stopped(uint32(pid)) {
		t.Error("one that was stopped is not seen")
	}
}

func TestTheRoomOnADiskIsToldAndAPathThatIsNotThereIsAnError(t *testing.T) {
	if room, err := RoomOf(t.TempDir()); err != nil || room.Free == 0 {
		t.Errorf("%+v %v", room, err)
	}
	if _, err := RoomOf("/no/such/path"); err == nil {
		t.Error("no error")
	}
}

func TestTheCertificateThatIsShownHasAnEnd(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{}
	server.StartTLS()
	defer server.Close()
	ends, err := Expiry(t.Context(), server.Listener.Addr().String(), "x.example")
	if err != nil || !ends.Equal(server.Certificate().NotAfter) {
		t.Errorf("%v %v", ends, err)
	}
	server.Close()
	if _, err := Expiry(t.Context(), server.Listener.Addr().String(), "x.example"); err == nil {
		t.Error("nobody shows a certificate, and that is no error")
	}
}

func TestPublicAddresses(t *testing.T) {
	for text, want := range map[string]bool{"198.51.100.7": true, "2001:db8::1": true, "10.0.0.1": false, "100.64.0.1": false, "127.0.0.1": false, "fe80::1": false, "fd00::1": false} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestNamesLeadSomewhereOrSayWhyNot(t *testing.T) {
	if got, err := Where(t.Context(), "localhost"); err != nil || len(got) == 0 {
		t.Errorf("%v %v", got, err)
	}
	began := time.Now()
	if got, err := Where(t.Context(), "no-such-name.invalid"); err == nil {
		t.Errorf("%v", got)
	}
	if time.Since(began) > 2*nameLimit {
		t.Error("it took too long")
	}
}
