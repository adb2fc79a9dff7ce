package dbusctl

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
)

// journalSocket is where journald takes records (systemd.journal-fields(7)).
const journalSocket = "/run/systemd/journal/socket"

// Note writes one record with fields of its own into the journal. Names are upper case.
func Note(message string, fields map[string]string) error {
	connection, err := net.Dial("unixgram", journalSocket)
	if err != nil {
		return fmt.Errorf("cannot write to the journal: %w", err)
	}
	defer connection.Close()
	if _, err := connection.Write(note(message, fields)); err != nil {
		return fmt.Errorf("cannot write to the journal: %w", err)
	}
	return nil
}

// note is a field on each line: a value that had a line end would begin another field.
func note(message string, fields map[string]string) []byte {
	var b strings.Builder
	oneLine := strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ")
	fmt.Fprintf(&b, "MESSAGE=%s\nPRIORITY=5\nSYSLOG_IDENTIFIER=sandwich\n", oneLine.Replace(message))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "%s=%s\n", name, oneLine.Replace(fields[name]))
	}
	return []byte(b.String())
}
