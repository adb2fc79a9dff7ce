package socketact

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain serves one connection when it runs as the process that systemd would start.
func TestMain(m *testing.M) {
	if os.Getenv("SOCKETACT_TEST_CHILD") == "" {
		os.Exit(m.Run())
	}
	os.Setenv("LISTEN_PID", os.Getenv("SOCKETACT_TEST_PID"))
	child()
}

// child answers one connection with what it knows about its sockets.
func child() {
	sockets, err := Receive()
	if err != nil {
		io.WriteString(os.Stdout, err.Error())
		os.Exit(1)
	}
	list := sockets.Listeners
	io.WriteString(os.Stdout, list[0].Addr().String()+"\n")
	c, err := list[0].Accept()
	if err != nil {
		os.Exit(1)
	}
	io.WriteString(c, "hello")
	c.Close()
}

// file is the descriptor of a socket under the name that systemd would give it.
func file(t *testing.T, l interface{ File() (*os.File, error) }, name string) *os.File {
	t.Helper()
	f, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return rename(t, f, name)
}

func rename(t *testing.T, f *os.File, name string) *os.File {
	t.Helper()
	fd, err := unix.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	named := os.NewFile(uintptr(fd), name)
	t.Cleanup(func() { named.Close() })
	return named
}

func TestASocketIsHandedOverToAProcess(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	// The shell is replaced by the test itself, so that LISTEN_PID is right as systemd makes it.
	cmd := exec.Command("/bin/sh", "-c", `SOCKETACT_TEST_PID=$$ exec "$0"`, os.Args[0])
	cmd.Env = append(os.Environ(), "SOCKETACT_TEST_CHILD=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=http")
	cmd.ExtraFiles = []*os.File{file(t, l.(*net.TCPListener), "http")}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); string(got) != "hello" || err != nil {
		t.Errorf("the process says %q, %v", got, err)
	}
}

func TestWithoutActivationTheErrorSaysSo(t *testing.T) {
	t.Setenv("LISTEN_PID", "1")
	t.Setenv("LISTEN_FDS", "1")
	if _, err := Receive(); !errors.Is(err, ErrNotActivated) {
		t.Errorf("Receive: %v", err)
	}
}

func TestAnythingButAListenerOrAPacketSocketIsRefusedByName(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	good := func() *os.File { return file(t, tcp.(*net.TCPListener), "http") }
	cases := []struct {
		bad  *os.File
		want string
	}{
		{file(t, admin.(*net.UnixListener), "admin"), "admin is a unix socket"},
		{rename(t, null, "stored"), "stored is a descriptor that is no socket"},
	}
	for _, c := range cases {
		_, err := receive([]*os.File{good(), c.bad})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "http is a TCP listener") {
			t.Errorf("receive: %v, want %q", err, c.want)
		}
	}
	s, err := receive([]*os.File{good(), file(t, udp.(*net.UDPConn), "http")})
	if err != nil || len(s.Listeners) != 1 || len(s.Packets) != 1 {
		t.Fatalf("receive: %v, %+v", err, s)
	}
	if s.Packets[0].LocalAddr().String() != udp.LocalAddr().String() {
		t.Errorf("the UDP socket is %s", s.Packets[0].LocalAddr())
	}
}
