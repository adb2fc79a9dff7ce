package proxy

// Signal is news for the bus: a member of its interface, and what it carries.
type Signal struct {
	Member string
	Args   []any
}

// Signals is where news for the bus come out. While nobody listens they are dropped.
func (s *Server) Signals() <-chan Signal { return s.signals }

func (s *Server) tell(member string, args ...any) {
	select {
	case s.signals <- Signal{member, args}:
	default:
	}
}
