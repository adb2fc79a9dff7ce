package socketact

import (
	"net"
	"regexp"
	"testing"
)

func TestWhatTheServiceManagerIsTold(t *testing.T) {
	path := t.TempDir() + "/notify"
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	cases := []struct {
		state []string
		want  string
	}{
		{[]string{"READY=1", "STATUS=Serving 2 projects"}, `^READY=1\nSTATUS=Serving 2 projects$`},
		{[]string{"RELOADING=1"}, `^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n$`},
		{[]string{"WATCHDOG=1"}, `^WATCHDOG=1$`},
	}
	buf := make([]byte, 4096)
	for _, c := range cases {
		if err := Notify(c.state...); err != nil {
			t.Fatal(err)
		}
		n, err := l.Read(buf)
		if got := string(buf[:n]); err != nil || !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("told %q, %v, want %s", got, err, c.want)
		}
	}
	if err := Notify("STATUS=a\nMAINPID=1"); err == nil {
		t.Error("a line break becomes a second assignment")
	}
}

func TestWithoutAServiceManagerNothingIsTold(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	if err := Notify("READY=1"); err != nil {
		t.Error(err)
	}
	if d, err := Watchdog(); d != 0 || err != nil {
		t.Errorf("Watchdog: %s, %v", d, err)
	}
}
