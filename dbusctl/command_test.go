package dbusctl

import (
	"slices"
	"testing"
)

func TestTheCommandThatFailedIsFound(t *testing.T) {
	entry := func(word string, code, status int32) []any {
		return []any{"/bin/" + word, []string{word, "x"}, false, uint64(1), uint64(1), uint64(1), uint64(1), uint32(7), code, status}
	}
	for _, c := range []struct {
		list    [][]any
		command []string
		how     string
	}{
		{[][]any{entry("a", exited, 0), entry("b", exited, 2), entry("c", 0, 0)}, []string{"b", "x"}, "ended with status 2"},
		{[][]any{entry("a", killed, 9)}, []string{"a", "x"}, "was killed by signal 9 (SIGKILL)"},
		{[][]any{entry("a", exited, 203)}, []string{"a", "x"}, "did not start: its program cannot be executed (status 203)"},
		{[][]any{entry("a", exited, 0), {}}, nil, ""},
	} {
		if command, how := failedCommand(c.list); !slices.Equal(command, c.command) || how != c.how {
			t.Errorf("%v: %q %q", c.list, command, how)
		}
	}
}
