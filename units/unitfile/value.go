package unitfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Value is the right-hand side of one directive, already in the syntax that directive is read with.
// Only the constructors of this package make one, and none of them lets a line break, a NUL or an
// unescaped '%' of its argument through: a Value never adds a directive and never expands.
// The zero Value is the empty one, which resets a list.
type Value struct{ text string }

// Fixed is text from sandwich's own source code. Nothing that a project file says is ever converted
// to it.
type Fixed string

// String is the value as it stands in the file.
func (v Value) String() string { return v.text }

// Literal is a value whose every byte sandwich chose itself, specifiers included. It panics on a
// line break.
func Literal(text Fixed) Value {
	if strings.ContainsAny(string(text), "\n\r\x00") {
		panic(fmt.Sprintf("unitfile: literal %q is not one line", text))
	}
	return Value{string(text)}
}

// Number is a plain decimal.
func Number(n int) Value { return Value{strconv.Itoa(n)} }

// Seconds is a time span, rounded up to whole seconds.
func Seconds(d time.Duration) Value {
	return Value{strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)}
}

// Quantity is a size or a share as systemd.resource-control(5) writes it: "512M", "150%",
// "infinity". These directives expand no specifiers, so '%' stands as it is.
func Quantity(s string) (Value, error) {
	digits := strings.TrimSuffix(strings.TrimRight(s, "KMGTPE"), "%")
	if s != "infinity" && (digits == "" || len(s)-len(digits) > 1 || strings.Trim(digits, "0123456789.") != "") {
		return Value{}, fmt.Errorf("cannot use %q as a quantity: not a number with at most one of K M G T P E %%", s)
	}
	return Value{s}, nil
}

// Bandwidth is a directory, for the disk that it is on, and how many bytes a second may go there, as
// IOReadBandwidthMax= takes it.
func Bandwidth(dir, rate string) (Value, error) {
	path, err := PathWord(dir)
	if err != nil {
		return Value{}, err
	}
	quantity, err := Quantity(rate)
	return Value{path.text + " " + quantity.text}, err
}

// Text is one line of prose, as Description= and SyslogIdentifier= take it: read to the end of the
// line without unquoting, specifiers expanded (systemd.syntax(7), systemd.unit(5)).
func Text(s string) (Value, error) {
	if err := plain(s); err != nil {
		return Value{}, fmt.Errorf("cannot use %q as text: %w", s, err)
	}
	return Value{escapePercent(s)}, nil
}

// plain says why a text cannot stand in a unit file without quotes.
func plain(s string) error {
	switch {
	case strings.ContainsFunc(s, isControl):
		return errors.New("it has a control character")
	case s != strings.TrimSpace(s):
		return errors.New("it begins or ends with white space")
	case strings.HasSuffix(s, `\`):
		return errors.New("a backslash at the end continues the line")
	}
	return legible(s)
}

// legible says why systemd would skip a whole line that holds the text. Its notion of valid UTF-8
// leaves out the noncharacters (utf8_is_valid() in systemd, seen on 252 and 257).
func legible(s string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not valid UTF-8")
	}
	if strings.ContainsRune(s, 0) {
		return errors.New("it has a NUL")
	}
	for _, r := range s {
		if r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE {
			return fmt.Errorf("it has %U, which is no character", r)
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func escapePercent(s string) string { return strings.ReplaceAll(s, "%", "%%") }
