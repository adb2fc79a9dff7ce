package proxy

import (
	"context"
	"time"
)

// drain waits until no request is in flight with a generation that gets no new ones, and returns
// how many are left when ctx ends. Tunnels are told to end then; at once when visitors wait for it.
func (s *site) drain(ctx context.Context) (left int) {
	if s.gate.isHolding() {
		tellAll(s.gate.quittingTunnels(), closeServiceRestart)
	}
	if left = s.gate.drain(ctx); left == 0 {
		return 0
	}
	tellAll(s.gate.quittingTunnels(), closeServiceRestart)
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTime+100*time.Millisecond)
	defer cancel()
	return s.gate.drain(ctx)
}
