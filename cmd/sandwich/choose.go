package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"
)

// choose has a person at a terminal choose; anybody else gets the first. What was taken is for the
// caller to say.
func (t *terminal) choose(question string, options []string) string {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stderr.Fd())) {
		return options[0]
	}
	t.tell("%s", question)
	for i, option := range options {
		t.tell("  %d: %s", i+1, option)
	}
	t.tell("A number, or another value; nothing for %s:", options[0])
	return chosen(os.Stdin, options)
}

// chosen reads one line: a number, a value, or nothing for the first.
func chosen(r io.Reader, options []string) string {
	line, _ := bufio.NewReader(io.LimitReader(r, 1000)).ReadString('\n')
	line = strings.TrimSpace(line)
	if line == "" {
		return options[0]
	}
	if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(options) {
		return options[n-1]
	}
	return line
}
