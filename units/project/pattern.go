package project

import (
	"regexp"
	"sync"
)

// pattern is what a text must look like: a regular expression that is compiled when it is first needed. A
// command needs few of them, and to compile all took longer than what some commands do.
type pattern struct{ compiled func() *regexp.Regexp }

func newPattern(expression string) pattern {
	return pattern{sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })}
}

func (p pattern) MatchString(text string) bool { return p.compiled().MatchString(text) }

func (p pattern) FindStringSubmatch(text string) []string {
	return p.compiled().FindStringSubmatch(text)
}

func (p pattern) ReplaceAllString(text, by string) string {
	return p.compiled().ReplaceAllString(text, by)
}
