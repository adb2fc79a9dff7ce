package project

import (
	"strconv"
	"unicode/utf8"
)

// maxShown is how much of a value a message repeats.
const maxShown = 80

// quote is s as a message shows it: on one line, without control characters, not too long.
func quote(s string) string {
	cut := s
	if len(cut) > maxShown {
		cut = cut[:maxShown]
		for !utf8.ValidString(cut) && len(cut) > maxShown-utf8.UTFMax {
			cut = cut[:len(cut)-1]
		}
	}
	if cut != s {
		return strconv.Quote(cut) + "..."
	}
	return strconv.Quote(s)
}
