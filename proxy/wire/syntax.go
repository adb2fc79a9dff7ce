// Package wire is the syntax that HTTP/1 requests and responses share, read strictly: names,
// values, lengths and chunks. What a message means is left to whoever reads it.
package wire

// IsToken says which characters a name may have (RFC 9110 5.6.2).
var IsToken = func() (set [256]bool) {
	for c := range set {
		set[c] = '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
	}
	for _, c := range []byte("!#$%&'*+-.^_`|~") {
		set[c] = true
	}
	return set
}()

// IsDigit says whether c is a decimal digit.
func IsDigit(c byte) bool { return '0' <= c && c <= '9' }

// Span is a part of something, by offsets.
type Span struct{ Begin, End int }

// SplitField finds name and value in a line NAME ":" OWS VALUE OWS (RFC 9112 5) without its end.
// Which of the two is wrong tells ok: a name of other characters than it may have, or a control
// character in the value.
func SplitField(line []byte) (name, value Span, nameOK, valueOK bool) {
	n := 0
	for n < len(line) && IsToken[line[n]] {
		n++
	}
	if n == 0 || n == len(line) || line[n] != ':' {
		return name, value, false, false
	}
	value, valueOK = trim(line, n+1)
	return Span{0, n}, value, true, valueOK
}

// trim is the value that begins at from, and whether it has nothing but printable characters.
func trim(line []byte, from int) (Span, bool) {
	end := len(line)
	for from < end && isBlank(line[from]) {
		from++
	}
	for from < end && isBlank(line[end-1]) {
		end--
	}
	for _, c := range line[from:end] {
		if c < ' ' && c != '\t' || c == 0x7f {
			return Span{}, false
		}
	}
	return Span{from, end}, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// IsName says whether s may be the name of a field.
func IsName(s string) bool {
	for i := range len(s) {
		if !IsToken[s[i]] {
			return false
		}
	}
	return s != ""
}

// IsText says whether s has no control character, and so can stand in a line.
func IsText(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Length reads a Content-Length: digits only, without a zero in front, because whoever pads a length
// wants it to be read differently somewhere.
func Length(value string) (n int64, ok bool) {
	if value == "" || len(value) > 18 || value[0] == '0' && len(value) > 1 {
		return 0, false
	}
	for i := range len(value) {
		if !IsDigit(value[i]) {
			return 0, false
		}
		n = 10*n + int64(value[i]-'0')
	}
	return n, true
}
