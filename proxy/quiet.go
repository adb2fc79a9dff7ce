package proxy

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// quiet says when memory is to be given back to the system: when the server has done much, and then next
// to nothing for a few seconds. Go's own collector runs by what is allocated, so that what thousands of
// idle connections have needed for their last request would stay until the next rush.
type quiet struct {
	last    uint64 // bytes allocated until the last look
	given   uint64 // and until memory was given back
	seconds int    // that were quiet
}

const (
	quietBytes   = 256 << 10 // a second: a request allocates a few thousand
	worthBytes   = 4 << 20
	quietSeconds = int(parkAfter/time.Second) + 2
)

// due is asked once a second.
func (q *quiet) due(allocated uint64) bool {
	if q.seconds++; allocated-q.last >= quietBytes {
		q.seconds = 0
	}
	q.last = allocated
	return q.seconds >= quietSeconds && allocated-q.given > worthBytes
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
