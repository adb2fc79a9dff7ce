package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/inventory"
)

// diagnostics prints what is wrong, each with its place, the line it stands in and the remedy, and
// says whether any of it is an error. No value of an expression is printed: it may be secret.
func (t *terminal) diagnostics(w io.Writer, i *inventory.Inventory, diags hcl.Diagnostics) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := paint(w)
	files := i.Files()
	for _, m := range mistakes(diags) {
		fmt.Fprint(w, m.text(p, files[m.File]))
	}
	return diags.HasErrors()
}

// text is a mistake for a person: compilers' first line, so that editors find the place.
func (m mistake) text(p palette, file *hcl.File) string {
	var b strings.Builder
	place := m.place()
	if place != "" {
		place += ": "
	}
	b.WriteString(place + p.severity(m.Severity) + ": " + clean(m.Summary) + "\n")
	if file != nil {
		b.WriteString(snippet(file.Bytes, m.Line, m.Column))
	}
	for line := range strings.Lines(clean(m.Detail)) {
		b.WriteString("  " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String() + "\n"
}

// widest is how much of a line is shown.
const widest = 160

// snippet is a line of a file with a mark below the column, which counts characters from 1.
func snippet(src []byte, line, column int) string {
	lines := bytes.Split(src, []byte("\n"))
	if line < 1 || line > len(lines) || column < 1 {
		return ""
	}
	text := []rune(clean(strings.ReplaceAll(string(lines[line-1]), "\t", " ")))
	if len(text) == 0 || column > widest {
		return ""
	}
	shown := string(text[:min(len(text), widest)])
	head := fmt.Sprintf("  %4d | ", line)
	return head + shown + "\n" + strings.Repeat(" ", len(head)-2) + "| " + strings.Repeat(" ", min(column, len(text)+1)-1) + "^\n"
}

// clean replaces what could act on a terminal.
func clean(s string) string {
	return strings.Map(func(c rune) rune {
		if c != '\n' && (c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}

// palette colours words, on a terminal that wants it.
type palette bool

// paint looks at where is written to: colour is for terminals only, and not for everybody (no-color.org).
func paint(w io.Writer) palette {
	return palette(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w))
}

func (p palette) severity(severity string) string {
	if severity == "error" {
		return p.in("1;31", severity)
	}
	return p.in("1;33", severity)
}

func (p palette) in(code, text string) string {
	if !p {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}
