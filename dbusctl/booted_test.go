package dbusctl

import (
	"errors"
	"testing"
)

func TestAMachineOfAnotherInitIsTold(t *testing.T) {
	broken := errors.New("connection refused")
	for _, c := range []struct {
		booted bool
		first  string
		want   string
	}{
		{true, "systemd", "cannot connect to systemd over D-Bus: connection refused"},
		{false, "runit", "cannot do anything without systemd: this machine was not booted with it (its first process is runit), and sandwich runs projects as units of systemd. " +
			"In an image that is being built, do this after its first boot: connection refused"},
		{false, "", "cannot do anything without systemd: this machine was not booted with it, and sandwich runs projects as units of systemd. " +
			"In an image that is being built, do this after its first boot: connection refused"},
	} {
		if got := unbooted(broken, c.booted, c.first); got.Error() != c.want || !errors.Is(got, broken) {
			t.Errorf("%v, %q: %v", c.booted, c.first, got)
		}
	}
}
