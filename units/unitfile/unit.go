package unitfile

import (
	"fmt"
	"strings"
)

// maxLine is the longest line systemd reads; a longer one fails the whole file (LONG_LINE_MAX, 1 MiB).
const maxLine = 1<<20 - 1

// Unit is a unit file in the making: sections in the order of their first directive, directives in
// the order they were added.
type Unit struct {
	sections []section
}

type section struct {
	name       Fixed
	directives []directive
}

type directive struct {
	name  Fixed
	value Value
}

// Add appends a directive to a section. A directive may stand several times: systemd makes a list
// of most, and the empty value resets it.
func (u *Unit) Add(sectionName, directiveName Fixed, value Value) {
	for i := range u.sections {
		if u.sections[i].name == sectionName {
			u.sections[i].directives = append(u.sections[i].directives, directive{directiveName, value})
			return
		}
	}
	u.sections = append(u.sections, section{sectionName, []directive{{directiveName, value}}})
}

// render is the text of the unit without a header.
func (u *Unit) render() (string, error) {
	var b strings.Builder
	for i, s := range u.sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", s.name)
		for _, d := range s.directives {
			line := string(d.name) + "=" + d.value.text
			if len(line) > maxLine {
				return "", fmt.Errorf("cannot write %s= with %d bytes: systemd reads lines of 1 MiB", d.name, len(line))
			}
			b.WriteString(line + "\n")
		}
	}
	return b.String(), nil
}
