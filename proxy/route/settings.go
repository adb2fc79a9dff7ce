package route

import (
	"fmt"
	"net/netip"
)

// Settings is what concerns the proxy as a whole: the content of /var/lib/sandwich/proxy.json.
// The zero value with Version set is what an absent file means.
type Settings struct {
	Version int `json:"version"`
	// TrustedProxies are the peers whose X-Forwarded-* are believed.
	TrustedProxies []netip.Prefix `json:"trusted_proxies,omitempty"`
	// Metrics is a loopback address, host:port, on which metrics are offered; "": none.
	Metrics string `json:"metrics,omitempty"`
	// ProxyProtocol says that they begin each connection with a PROXY protocol header.
	ProxyProtocol bool `json:"proxy_protocol,omitempty"`
	// HTTPS are the addresses, of those that the proxy listens on, where HTTPS is spoken. Nil: port
	// 443; empty: none.
	HTTPS []string `json:"https"`
	// MemoryBudget is how many bytes all projects together may use before the one that has been
	// unvisited for longest is stopped, if it may be. 0: any.
	MemoryBudget int64 `json:"memory_budget,omitempty"`
}

// checkMetrics lets nobody offer them to the world by mistake.
func (s *Settings) checkMetrics() error {
	if s.Metrics == "" {
		return nil
	}
	if at, err := netip.ParseAddrPort(s.Metrics); err != nil || !at.Addr().IsLoopback() || at.Port() == 0 {
		return fmt.Errorf("metrics address %q is no loopback address with a port", s.Metrics)
	}
	return nil
}

// DefaultSettings is what an absent settings file means.
func DefaultSettings() *Settings { return &Settings{Version: Version} }

// EncodeSettings is the content of the settings file of s.
func EncodeSettings(s *Settings) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("cannot encode proxy settings: %w", err)
	}
	return marshal(s)
}

// DecodeSettings reads a settings file, as strictly as Decode reads a route.
func DecodeSettings(data []byte) (*Settings, error) {
	s := new(Settings)
	if err := unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("cannot decode proxy settings: %w", err)
	}
	if err := s.check(); err != nil {
		return nil, fmt.Errorf("cannot use proxy settings: %w", err)
	}
	return s, nil
}

func (s *Settings) check() error {
	if s.Version != Version {
		return fmt.Errorf("version is %d, this proxy reads %d", s.Version, Version)
	}
	if err := s.checkMetrics(); err != nil {
		return err
	}
	if s.MemoryBudget < 0 {
		return fmt.Errorf("memory budget is %d bytes", s.MemoryBudget)
	}
	for _, p := range s.TrustedProxies {
		if !p.IsValid() || p != p.Masked() {
			return fmt.Errorf("trusted proxy %q is no network (host bits must be zero)", p)
		}
	}
	return s.checkHTTPS()
}
