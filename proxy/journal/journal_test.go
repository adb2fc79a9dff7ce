package journal

import (
	"log/slog"
	"testing"
)

func TestAttributesBecomeFieldsOfOurs(t *testing.T) {
	for key, want := range map[string]string{"project": "SANDWICH_PROJECT", "request_id": "SANDWICH_REQUEST_ID"} {
		if got := field(nil, slog.String(key, "x")); got.Key != want || got.Value.String() != "x" {
			t.Errorf("%s becomes %s", key, got)
		}
	}
}

func TestWithoutAJournalItIsText(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "")
	if _, ok := New().Handler().(*slog.TextHandler); !ok {
		t.Errorf("the handler is a %T", New().Handler())
	}
}
