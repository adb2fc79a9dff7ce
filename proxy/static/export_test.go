package static

// KeepAtOnce lets files be kept that were written a moment ago, until restore is called.
func KeepAtOnce() (restore func()) {
	before := tick
	tick = -1e15
	return func() { tick = before }
}

// Kept says whether a file is kept.
func (d *Dir) Kept(name string) bool { return kept.get(d.id, name) != nil }

// NewShelf is a shelf for itself.
func NewShelf(limit int) *shelf { return newShelf(limit) }

// Put, Has and Weight are for tests of the shelf.
func (s *shelf) Put(name string, size int) {
	s.put(1, name, &entry{forms: [4]*form{{body: make([]byte, size)}}})
}
func (s *shelf) Has(name string) bool { return s.get(1, name) != nil }
func (s *shelf) Weight() int          { return s.weight }

// Spans is spans.
func Spans(field string, size int64) (parts [][2]int64, satisfiable bool) {
	all, ok := spans(field, size)
	for _, s := range all {
		parts = append(parts, [2]int64{s.start, s.length})
	}
	return parts, ok
}
