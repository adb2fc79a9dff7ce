package proxy

import (
	"context"
	"time"
)

// tunnelPatience is how long a tunnel to a generation that ends may go on: a WebSocket ends by
// itself only by chance, and whoever restarts a project waits for it.
const tunnelPatience = 5 * time.Second

// drain waits until no request is in flight with a generation that gets no new ones, and returns
// how many are left when ctx ends. Tunnels are told to end on the way; at once when visitors wait.
func (s *site) drain(ctx context.Context) (left int) {
	patience := tunnelPatience
	if s.gate.isHolding() {
		patience = 0
	}
	if left = s.drainFor(ctx, patience); left == 0 {
		return 0
	}
	tellAll(s.gate.quittingTunnels(), closeServiceRestart)
	if left = s.gate.drain(ctx); left == 0 {
		return 0
	}
	return s.drainFor(context.Background(), goodbyeTime+100*time.Millisecond)
}

func (s *site) drainFor(ctx context.Context, d time.Duration) (left int) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return s.gate.drain(ctx)
}
