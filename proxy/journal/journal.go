// Package journal chooses where log records go: to the journal in its own protocol when standard
// error leads there, so that priorities and fields survive, and to standard error as text otherwise.
package journal

import (
	"log/slog"
	"os"
	"strings"

	stream "github.com/coreos/go-systemd/v22/journal"
	slogjournal "github.com/systemd/slog-journal"
)

// New is the logger of this process.
func New() *slog.Logger {
	if is, err := stream.StderrIsJournalStream(); err == nil && is {
		if h, err := slogjournal.NewHandler(&slogjournal.Options{ReplaceAttr: field}); err == nil {
			return slog.New(h)
		}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// field names an attribute as journald wants it: "request_id" becomes SANDWICH_REQUEST_ID.
func field(_ []string, a slog.Attr) slog.Attr {
	a.Key = "SANDWICH_" + strings.ToUpper(a.Key)
	return a
}
