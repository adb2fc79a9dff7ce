package dbusctl

import (
	"fmt"
	"os"
	"strings"
)

// unbooted puts first what it means that systemd does not answer where it is not there: what runs is
// the first process ("": nobody knows), and sd_booted(3) says whether that is systemd.
func unbooted(err error, booted bool, first string) error {
	if booted {
		return fmt.Errorf("cannot connect to systemd over D-Bus: %w", err)
	}
	if first != "" {
		first = " (its first process is " + first + ")"
	}
	return fmt.Errorf("cannot do anything without systemd: this machine was not booted with it%s, and sandwich runs projects as units of systemd. "+
		"In an image that is being built, do this after its first boot: %w", first, err)
}

// booted is sd_booted(3).
func booted() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// firstProcess is the name of the process that everything else descends from.
func firstProcess() string {
	name, _ := os.ReadFile("/proc/1/comm")
	return strings.TrimSpace(string(name))
}
