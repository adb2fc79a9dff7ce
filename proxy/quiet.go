package proxy

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// quiet says when memory is to be given back to the system: in the first second in which the server has
// done next to nothing after it has done much. Go's own collector runs by what is allocated, so that the
// stacks of thousands of idle connections would stay as large as their last request had made them until
// the next rush.
type quiet struct {
	last  uint64 // bytes allocated until the last look
	given uint64 // and until memory was given back
}

const (
	quietBytes = 256 << 10 // a second: a request allocates a few thousand
	worthBytes = 4 << 20
)

func (q *quiet) due(allocated uint64) bool {
	due := allocated-q.last < quietBytes && allocated-q.given > worthBytes
	q.last = allocated
	return due
}

// shrinks is how many collections bring a stack back to its least: each halves it.
const shrinks = 3

// giveBack gives memory back whenever it is quiet, until ctx ends.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var q quiet
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if q.due(allocated()) {
			for range shrinks {
				debug.FreeOSMemory()
			}
			q.given = allocated()
		}
	}
}

// allocated is how many bytes the process has ever allocated.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
