package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// terminal is where a command speaks. Safe for concurrent use.
type terminal struct {
	mu             sync.Mutex
	stdout, stderr io.Writer
}

// say prints a fact.
func (t *terminal) say(format string, args ...any) { t.line(t.stdout, format, args) }

// tell prints what is not a fact: progress, warnings, hints.
func (t *terminal) tell(format string, args ...any) { t.line(t.stderr, format, args) }

func (t *terminal) line(w io.Writer, format string, args []any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(w, format+"\n", args...)
}

// table prints rows in aligned columns without borders, as systemd's tools do.
func (t *terminal) table(header []string, rows [][]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := tabwriter.NewWriter(t.stdout, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{header}, rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
}

// width is that of the terminal that facts go to, 0 where they go elsewhere: what reads them there
// wants all of them.
func (t *terminal) width() int {
	out, ok := t.stdout.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(out.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// fitting joins words, so many of them as fit into a width, and says how many are left out; the first
// word is there always. Without a width all are.
func fitting(words []string, separator string, width int) string {
	text := strings.Join(words, separator)
	if width == 0 || len(text) <= width || len(words) < 2 {
		return text
	}
	text = words[0]
	for i, word := range words[1:] {
		more := text + separator + word
		if len(more)+len(leftOut(len(words)-i-2)) > width {
			return text + leftOut(len(words)-i-1)
		}
		text = more
	}
	return text
}

func leftOut(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}

// formatVersion is that of all JSON output. A field is never given another meaning under it.
const formatVersion = 1

// json prints one object with the format's version and a value under a key.
func (t *terminal) json(key string, value any) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	encoder := json.NewEncoder(t.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"format_version": formatVersion, key: value})
}

// jsonFlag adds --json to a verb.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON")
}

// worthALine is how long something may take before a person is told that it is going on.
const worthALine = time.Second

// slow prints the line if done is not called within a second, to a person: what is no terminal gets
// none of it.
func (t *terminal) slow(line string) (done func()) {
	if !isTerminal(t.stderr) {
		return func() {}
	}
	timer := time.AfterFunc(worthALine, func() { t.tell("%s ...", line) })
	return func() { timer.Stop() }
}

// isTerminal says whether a person reads what is written there.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ago words a moment in the past.
func ago(since time.Time) string {
	if since.IsZero() {
		return ""
	}
	d := time.Since(since)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dmin ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// count words a number of things.
func count[N int | uint32 | uint64](n N, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// size words an amount of memory.
func size(bytes uint64) string {
	switch {
	case bytes == 0:
		return ""
	case bytes < 1<<20:
		return fmt.Sprintf("%.0fK", float64(bytes)/(1<<10))
	case bytes < 1<<30:
		return fmt.Sprintf("%.1fM", float64(bytes)/(1<<20))
	}
	return fmt.Sprintf("%.1fG", float64(bytes)/(1<<30))
}
