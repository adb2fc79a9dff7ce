package proxy

import "testing"

func TestMemoryIsGivenBackOnceAfterEachRush(t *testing.T) {
	var q quiet
	for i, c := range []struct {
		allocates uint64 // in that second
		due       bool
	}{
		{10 << 10, false}, {100 << 20, false}, {50 << 20, false}, {10 << 10, false}, {0, false}, {10 << 10, true}, {0, false},
		{1 << 20, false}, {0, false}, {0, false}, {0, false}, {0, false}, // not worth it
		{9 << 20, false}, {0, false}, {0, false}, {1 << 20, false}, {0, false}, {0, false}, {0, true}, {0, false},
	} {
		now := q.last + c.allocates
		due := q.due(now)
		if due != c.due {
			t.Errorf("second %d: %v", i, due)
		}
		if due {
			q.given = now
		}
	}
}

func TestWhatIsAllocatedIsCounted(t *testing.T) {
	before := allocated()
	block := make([]byte, 8<<20)
	if now := allocated(); now-before < uint64(len(block)) {
		t.Errorf("%d bytes are %d", len(block), now-before)
	}
}
