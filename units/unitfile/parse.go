package unitfile

import (
	"fmt"
	"strings"
)

// space is WHITESPACE of systemd without the line ends.
const space = " \t"

// lineEnds are what read_line() of systemd ends a line at besides "\n".
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\n")

// Directive is one setting as it was read: Value still has its quotes, escapes and specifiers.
type Directive struct {
	Section string
	Name    string
	Value   string
}

// Parse reads any unit file as systemd does (systemd.syntax(7)): comments and blank lines are
// skipped, also between the lines of a continued one, and a backslash at the end of a line becomes
// a space. Lines of any length are read.
func Parse(content string) ([]Directive, error) {
	var directives []Directive
	section := ""
	for number, line := range logicalLines(content) {
		if name, ok := sectionHeader(line); ok {
			section = name
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || section == "" {
			return nil, fmt.Errorf("cannot read line %d: %.80q is no directive of a section", number, line)
		}
		directives = append(directives, Directive{section, strings.Trim(name, space), strings.Trim(value, space)})
	}
	return directives, nil
}

// logicalLines yields each line that means something with the number it begins at, continuations
// joined.
func logicalLines(content string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		begun, joined := 0, ""
		for i, line := range strings.Split(lineEnds.Replace(content), "\n") {
			line = strings.TrimLeft(line, space)
			if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") || line == "" && begun == 0 {
				continue
			}
			if begun == 0 {
				begun = i + 1
			}
			if head, ok := continued(line); ok {
				joined += head + " "
				continue
			}
			if !yield(begun, strings.Trim(joined+line, space)) {
				return
			}
			begun, joined = 0, ""
		}
		if begun > 0 {
			yield(begun, strings.Trim(joined, space))
		}
	}
}

// continued says whether a line goes on in the next one: it ends in a backslash that no other
// backslash takes the meaning from.
func continued(line string) (string, bool) {
	slashes := len(line) - len(strings.TrimRight(line, `\`))
	if slashes%2 == 0 {
		return line, false
	}
	return line[:len(line)-1], true
}

func sectionHeader(line string) (string, bool) {
	inner, begun := strings.CutPrefix(line, "[")
	inner, ended := strings.CutSuffix(inner, "]")
	return inner, begun && ended
}
