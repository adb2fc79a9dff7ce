package proxy

// LimitWakings sets how many projects are woken at the same time, and gives what takes that back.
func LimitWakings(n int) (back func()) {
	was := wakingsMost
	wakingsMost = n
	return func() { wakingsMost = was }
}

// Queued is how many projects wait to be woken.
func (s *Server) Queued() int {
	s.wakings.mu.Lock()
	defer s.wakings.mu.Unlock()
	return len(s.wakings.queue)
}
