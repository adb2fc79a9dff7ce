package route

import (
	"fmt"
	"net/netip"
	"time"
)

// Maintenance is that a project is closed for visitors for a while: the content of
// /var/lib/sandwich/maintenance/NAME.json, which is there as long as it lasts.
type Maintenance struct {
	Version int            `json:"version"`
	Since   time.Time      `json:"since"`
	RetryS  int            `json:"retry_s,omitempty"` // when visitors are told to come back, in seconds; 0: five minutes
	Allow   []netip.Prefix `json:"allow,omitempty"`   // who may see the site meanwhile
}

// Retry is when visitors are told to come back.
func (m *Maintenance) Retry() time.Duration {
	if m.RetryS == 0 {
		return 5 * time.Minute
	}
	return time.Duration(m.RetryS) * time.Second
}

// EncodeMaintenance is the content of the file of m.
func EncodeMaintenance(m *Maintenance) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("cannot encode maintenance: %w", err)
	}
	return marshal(m)
}

// DecodeMaintenance reads such a file, as strictly as Decode reads a route.
func DecodeMaintenance(data []byte) (*Maintenance, error) {
	m := new(Maintenance)
	if err := unmarshal(data, m); err != nil {
		return nil, fmt.Errorf("cannot decode maintenance: %w", err)
	}
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("cannot use maintenance: %w", err)
	}
	return m, nil
}

func (m *Maintenance) check() error {
	if m.Version != Version {
		return fmt.Errorf("version is %d, this proxy reads %d", m.Version, Version)
	}
	if m.RetryS < 0 {
		return fmt.Errorf("retry_s %d is negative", m.RetryS)
	}
	for _, p := range m.Allow {
		if !p.IsValid() || p != p.Masked() {
			return fmt.Errorf("network %q is none (host bits must be zero)", p)
		}
	}
	return nil
}
