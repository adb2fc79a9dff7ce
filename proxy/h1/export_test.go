package h1

// Parked is how many connections wait without a goroutine.
func (s *Server) Parked() int {
	lot := s.lot.Load()
	if lot == nil {
		return 0
	}
	lot.mu.Lock()
	defer lot.mu.Unlock()
	return len(lot.parked)
}
