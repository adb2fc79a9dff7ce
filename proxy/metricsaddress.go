package proxy

import "sync"

// metricsAddress is where metrics are wanted besides the socket. Safe for concurrent use.
type metricsAddress struct {
	mu      sync.Mutex
	address string
	moved   chan struct{} // closed when it is another one; nil while nobody waits
}

func (m *metricsAddress) set(address string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.address != address {
		m.address = address
		wake(&m.moved)
	}
}

// MetricsAddress is where the settings want metrics, "" for nowhere, and what is closed when they
// want them elsewhere.
func (s *Server) MetricsAddress() (address string, moved <-chan struct{}) {
	m := &s.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.moved == nil {
		m.moved = make(chan struct{})
	}
	return m.address, m.moved
}
