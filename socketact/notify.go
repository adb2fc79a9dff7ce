package socketact

import (
	"fmt"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Notify sends assignments like READY=1 and STATUS=... to the service manager, in one message
// (sd_notify(3)). RELOADING=1 gets the MONOTONIC_USEC that Type=notify-reload wants. Without a
// service manager it does nothing and succeeds. Safe for concurrent use.
func Notify(state ...string) error {
	for _, s := range state {
		if strings.ContainsAny(s, "\n\x00") {
			return fmt.Errorf("cannot notify service manager: line break in %q", s)
		}
	}
	if len(state) > 0 && state[0] == daemon.SdNotifyReloading {
		state = append(state, daemon.SdNotifyMonotonicUsec())
	}
	if _, err := daemon.SdNotify(false, strings.Join(state, "\n")); err != nil {
		return fmt.Errorf("cannot notify service manager: %w", err)
	}
	return nil
}

// Watchdog is how often the service manager wants to hear WATCHDOG=1; 0 when it does not.
func Watchdog() (time.Duration, error) {
	d, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("cannot read watchdog settings: %w", err)
	}
	return d, nil
}
