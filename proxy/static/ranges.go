package static

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// span is a part of a file, in bytes.
type span struct{ start, length int64 }

// contentRange is the value of Content-Range for the part of a file of that size.
func (s span) contentRange(size int64) string {
	b := make([]byte, 0, 48)
	b = append(b, "bytes "...)
	b = strconv.AppendInt(b, s.start, 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, s.start+s.length-1, 10)
	b = append(b, '/')
	return string(strconv.AppendInt(b, size, 10))
}

// maxSpans is how many parts a request may want. More have no use but to cost work.
const maxSpans = 50

// spans reads a Range field for a file of a size. Nothing of it is to be sent in parts when it gives
// none and is satisfiable: the unit is not bytes, or so many parts or overlapping ones are wanted that
// the whole file costs less. It is not satisfiable when no part is there, and when it cannot be read,
// as in nginx.
func spans(field string, size int64) (parts []span, satisfiable bool) {
	unit, set, ok := strings.Cut(field, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") || size == 0 {
		return nil, true // an empty file has no parts, and is what the client wants
	}
	var total int64
	for item := range strings.SplitSeq(set, ",") {
		item = strings.Trim(item, " \t")
		if item == "" {
			continue
		}
		s, ok := parseSpan(item, size)
		if !ok {
			return nil, false
		}
		if s.length > 0 {
			parts = append(parts, s)
			total += s.length
		}
		if len(parts) > maxSpans || total > size {
			return nil, true
		}
	}
	if overlap(parts) {
		return nil, true
	}
	return parts, len(parts) > 0
}

// parseSpan reads "first-last", "first-" or "-suffix". A part that is not there has no length.
func parseSpan(item string, size int64) (span, bool) {
	from, to, ok := strings.Cut(item, "-")
	if !ok {
		return span{}, false
	}
	if from == "" {
		n, ok := position(to)
		n = min(n, size)
		return span{size - n, n}, ok
	}
	first, ok := position(from)
	last := int64(math.MaxInt64)
	if ok && to != "" {
		last, ok = position(to)
	}
	switch {
	case !ok || last < first:
		return span{}, false
	case first >= size:
		return span{}, true
	}
	return span{first, min(last, size-1) - first + 1}, true
}

// position is a number of digits only. One that is too large for any file is as large as can be.
func position(s string) (int64, bool) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return math.MaxInt64, true
	}
	return n, true
}

func overlap(parts []span) bool {
	sorted := slices.SortedFunc(slices.Values(parts), func(a, b span) int { return cmp.Compare(a.start, b.start) })
	for i := 1; i < len(sorted); i++ {
		if sorted[i].start < sorted[i-1].start+sorted[i-1].length {
			return true
		}
	}
	return false
}
