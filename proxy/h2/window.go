package h2

// receiveWindow is what the client may send, RFC 9113 5.2.
type receiveWindow struct {
	size int // of the whole
	left int
	owed int // was used, and the client does not know yet
}

// take says whether the client might send n bytes.
func (w *receiveWindow) take(n int) bool {
	w.left -= n
	return w.left >= 0
}

// give is for n bytes that are used, and says by how much the client is to hear that the window
// has grown. It is told rarely.
func (w *receiveWindow) give(n int) (update int) {
	if w.owed += n; w.owed < w.size/4 {
		return 0
	}
	update = w.owed
	w.left += update
	w.owed = 0
	return update
}
