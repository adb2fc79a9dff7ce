package why

import (
	"slices"
	"strings"
	"unicode"
)

// rules are asked in order: what keeps everything else from working first, what only looks odd last.
var rules = []func(*Facts) []Cause{
	fileGone, notEnabled,
	unitFiles, proxyDown, listening,
	ending, stopped,
	closed, stranded, refused,
	databases, migrations, page,
	limits, troubles, disks, needs, journal,
	mistakes, hosts,
	unserved, drifted, changed,
}

// Judge gives the causes, the likeliest first; none when nothing wrong was seen.
func Judge(f *Facts) []Cause {
	var told []Cause
	for _, rule := range rules {
		for _, cause := range rule(f) {
			if !slices.ContainsFunc(told, cause.repeats) {
				told = append(told, printed(cause))
			}
		}
		if len(told) > 0 && told[0].Kind == "not-enabled" {
			break
		}
	}
	return told
}

// repeats says whether a cause was told already: in the same words, or with the same remedy.
func (c Cause) repeats(told Cause) bool {
	return c.Kind == told.Kind && (c.Kind != "project-file" || c.Says == told.Says) || c.Kind == "project-file" && c.Remedy == told.Remedy
}

// printed takes away what could act on a terminal: lines of the journal are the project's.
func printed(c Cause) Cause {
	c.Says, c.Remedy = printable(c.Says), printable(c.Remedy)
	for _, list := range [][]string{c.Evidence, c.Next} {
		for i := range list {
			list[i] = printable(list[i])
		}
	}
	return c
}

func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' {
			return c
		}
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return c
	}, strings.ToValidUTF8(s, "?"))
}

// one is a rule's answer with one cause.
func one(kind, says, remedy string, next ...string) []Cause {
	return []Cause{{Kind: kind, Says: says, Remedy: remedy, Next: next}}
}

func (c Cause) because(evidence ...string) Cause {
	c.Evidence = slices.DeleteFunc(evidence, func(s string) bool { return s == "" })
	return c
}

// quote is a word as a person can paste it into a shell.
func quote(s string) string {
	plain := strings.IndexFunc(s, func(c rune) bool {
		return !strings.ContainsRune("/._-+@:=", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) < 0
	if plain && s != "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
