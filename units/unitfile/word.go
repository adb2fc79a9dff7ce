package unitfile

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// maxWord is the longest argument or assignment the kernel takes at exec: MAX_ARG_STRLEN, 32 pages
// with the closing NUL (execve(2)).
const maxWord = 32*4096 - 1

var (
	bare         = regexp.MustCompile(`^[A-Za-z0-9_./:=,@+-]+$`)
	variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	fileName     = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.+-]*$`)
)

// Word is one argument of a command line. Quotes, backslashes and control characters are escaped,
// '%' and '$' doubled, so the process gets exactly s (systemd.service(5), "Command lines").
func Word(s string) (Value, error) {
	if err := argument(s); err != nil {
		return Value{}, fmt.Errorf("cannot use %.80q as an argument: %w", s, err)
	}
	return Value{quote(strings.ReplaceAll(s, "$", "$$"))}, nil
}

// Assignment is one NAME=value of Environment=. '$' has no meaning there (systemd.exec(5)).
func Assignment(name, value string) (Value, error) {
	if !variableName.MatchString(name) {
		return Value{}, fmt.Errorf("cannot set the environment variable %.80q: a name is letters, digits and '_'", name)
	}
	if err := argument(name + "=" + value); err != nil {
		// The value may be a secret: it is not repeated.
		return Value{}, fmt.Errorf("cannot set the environment variable %s: %w", name, err)
	}
	return Value{quote(name + "=" + value)}, nil
}

// Command is a whole command line: the program, an absolute path or a name to be searched for, and
// its arguments.
func Command(program string, arguments ...string) (Value, error) {
	line, err := executable(program)
	if err != nil {
		return Value{}, fmt.Errorf("cannot run %.80q: %w", program, err)
	}
	for _, argument := range arguments {
		word, err := Word(argument)
		if err != nil {
			return Value{}, err
		}
		line += " " + word.text
	}
	return Value{line}, nil
}

// Prefixed puts the special prefixes of a command line, such as "+" and "-", before one
// (systemd.service(5), "Command lines").
func Prefixed(prefix Fixed, command Value) Value { return Value{string(prefix) + command.text} }

// executable is the first word of a command line. systemd takes its prefixes (-@:+!|) even from
// inside quotes, refuses quotes and backslashes in it, and expands '$' in what the program sees as
// its own name but not in the path; '@' gives the two apart.
func executable(program string) (string, error) {
	if !path.IsAbs(program) && !fileName.MatchString(program) {
		return "", errors.New("it is neither an absolute path nor a plain file name")
	}
	if path.Clean(program) != program {
		return "", errors.New("the path is not in its shortest form")
	}
	if strings.ContainsFunc(program, isControl) || strings.ContainsAny(program, `'"\`) {
		return "", errors.New("systemd takes no quotes, backslashes or control characters in the path of a program")
	}
	if err := argument(program); err != nil {
		return "", err
	}
	if strings.Contains(program, "$") {
		return quote("@"+program) + " " + quote(strings.ReplaceAll(program, "$", "$$")), nil
	}
	return quote(program), nil
}

// argument says why a process cannot be given s.
func argument(s string) error {
	if len(s) > maxWord {
		return fmt.Errorf("it has %d bytes, more than the %d the kernel takes", len(s), maxWord)
	}
	return legible(s)
}

// quote makes s one word for extract_first_word() with C escapes, specifiers doubled.
func quote(s string) string {
	if bare.MatchString(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		b.WriteString(escape(r))
	}
	b.WriteByte('"')
	return b.String()
}

func escape(r rune) string {
	switch {
	case r == '"' || r == '\\':
		return `\` + string(r)
	case r == '%':
		return "%%"
	case r == '\n':
		return `\n`
	case r == '\t':
		return `\t`
	case isControl(r):
		return fmt.Sprintf(`\x%02x`, r)
	}
	return string(r)
}
