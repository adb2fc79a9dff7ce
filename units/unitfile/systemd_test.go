package unitfile

import (
	"errors"
	"strconv"
	"strings"
)

// words splits a value as extract_first_word() of systemd does with EXTRACT_UNQUOTE, cescape
// meaning EXTRACT_CUNESCAPE. It is written from systemd.syntax(7), not from quote.
func words(value string, cescape bool) ([]string, error) {
	var all []string
	var word []byte
	inWord, quote := false, byte(0)
	for i := 0; i < len(value); i++ {
		c := value[i]
		switch {
		case c == '\\':
			if i++; i == len(value) {
				return nil, errors.New("backslash at the end")
			}
			inWord = true
			if !cescape {
				word = append(word, value[i])
				break
			}
			unescaped, size, err := unescape(value[i:])
			if err != nil {
				return nil, err
			}
			word = append(word, unescaped...)
			i += size - 1
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				all = append(all, string(word))
			}
			word, inWord = nil, false
		default:
			word, inWord = append(word, c), true
		}
	}
	if quote != 0 {
		return nil, errors.New("quote not closed")
	}
	if inWord {
		all = append(all, string(word))
	}
	return all, nil
}

// unescape reads one C escape after its backslash.
func unescape(s string) (text string, size int, err error) {
	const letters, meanings = `abfnrtv\"'s`, "\a\b\f\n\r\t\v\\\"' "
	if at := strings.IndexByte(letters, s[0]); at >= 0 {
		return meanings[at : at+1], 1, nil
	}
	if s[0] != 'x' || len(s) < 3 {
		return "", 0, errors.New("unknown escape")
	}
	code, err := strconv.ParseUint(s[1:3], 16, 8)
	return string([]byte{byte(code)}), 3, err
}

// expand gives '%' and, in a command line, '$' their meaning. Anything but the doubled one is an error.
func expand(s, sign string) (string, error) {
	const placeholder = "\x00"
	s = strings.ReplaceAll(s, sign+sign, placeholder)
	if strings.Contains(s, sign) {
		return "", errors.New("it expands " + sign)
	}
	return strings.ReplaceAll(s, placeholder, sign), nil
}

// readWord is what a process or directive gets of a value that is one word.
func readWord(value string, cescape bool) (string, error) {
	all, err := words(value, cescape)
	if err != nil {
		return "", err
	}
	if len(all) != 1 {
		return "", errors.New(strconv.Itoa(len(all)) + " words")
	}
	return expand(all[0], "%")
}
