package h2

// closing says how a stream was closed, which is how frames that come later are judged.
type closing byte

const (
	closedLongAgo  closing = iota // or never opened
	closedInOrder                 // both sides had ended it
	closedByClient                // with RST_STREAM
	closedByUs                    // with RST_STREAM, which the client may not have read yet
)

// closedStreams remembers the last streams that were closed.
type closedStreams struct {
	list [128]struct {
		id  uint32
		how closing
	}
	next int
}

func (s *closedStreams) add(id uint32, how closing) {
	s.list[s.next].id, s.list[s.next].how = id, how
	s.next = (s.next + 1) % len(s.list)
}

func (s *closedStreams) how(id uint32) closing {
	for i := range s.list {
		if s.list[i].id == id {
			return s.list[i].how
		}
	}
	return closedLongAgo
}
