package dbusctl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strconv"
	"time"
)

// Record is one line of the journal with what is needed to tell runs of a unit apart.
type Record struct {
	At         time.Time
	Invocation string // the run of the unit that it belongs to, "" when it is of none
	Text       string
}

// Records gives the last lines of a unit, its own and systemd's about it, oldest first. Like
// Journal, it brings the caller's access rights with it.
func Records(ctx context.Context, unit string, lines int) ([]Record, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = exec.CommandContext(ctx, "journalctl", "--sync").Run()
	out, err := exec.CommandContext(ctx, "journalctl", "--no-pager", "--quiet", "--output=json", "--all",
		"--output-fields=MESSAGE,_SYSTEMD_INVOCATION_ID,INVOCATION_ID,_PID", "--unit="+unit, "--lines="+strconv.Itoa(lines)).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal of %s: %w", unit, err)
	}
	return readRecords(out), nil
}

// rawRecord is an entry as journalctl prints it: MESSAGE is an array of numbers when it is no text.
type rawRecord struct {
	At      string          `json:"__REALTIME_TIMESTAMP"`
	PID     string          `json:"_PID"`
	Own     string          `json:"_SYSTEMD_INVOCATION_ID"`
	About   string          `json:"INVOCATION_ID"`
	Message json.RawMessage `json:"MESSAGE"`
}

// readRecords leaves out what it cannot read: a project chooses what it logs.
func readRecords(out []byte) []Record {
	var records []Record
	for line := range bytes.Lines(out) {
		var raw rawRecord
		if json.Unmarshal(line, &raw) != nil {
			continue
		}
		usec, _ := strconv.ParseInt(raw.At, 10, 64)
		r := Record{At: time.UnixMicro(usec), Invocation: raw.Own, Text: message(raw.Message)}
		if raw.PID == "1" {
			r.Invocation = raw.About
		}
		records = append(records, r)
	}
	return records
}

func message(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var numbers []int
	if json.Unmarshal(raw, &numbers) != nil {
		return ""
	}
	data := make([]byte, len(numbers))
	for i, n := range numbers {
		data[i] = byte(n)
	}
	return string(bytes.ToValidUTF8(data, []byte("\uFFFD")))
}
