package dbusctl

import (
	"slices"
	"testing"
)

func TestLinesAndTheirCursor(t *testing.T) {
	for out, want := range map[string]struct {
		text   []string
		cursor string
	}{
		"":                             {nil, ""},
		"a\nb\n-- cursor: s=1\n":       {[]string{"a", "b"}, "s=1"},
		"-- cursor: s=2\n":             {nil, "s=2"},
		"-- cursor: x\n-- cursor: y\n": {[]string{"-- cursor: x"}, "y"},
	} {
		text, cursor := cutCursor([]byte(out))
		if !slices.Equal(text, want.text) || cursor != want.cursor {
			t.Errorf("%q: %q %q", out, text, cursor)
		}
	}
}
