package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// screen is a terminal of a command's own, shown at the person's: the command gets job control and
// Ctrl-C from it as if it ran here.
type screen struct {
	ours, theirs *os.File
	before       *term.State
	resized      chan os.Signal
	shown        chan struct{} // closed when all that the command wrote is shown
}

// openScreen gives nil when input or output is no terminal: a pipe must stay one.
func openScreen() (*screen, error) {
	if !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())) {
		return nil, nil
	}
	ours, theirs, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot open a terminal: %w", err)
	}
	s := &screen{ours: ours, theirs: theirs, resized: make(chan os.Signal, 1), shown: make(chan struct{})}
	_ = pty.InheritSize(os.Stdin, ours)
	if s.before, err = term.MakeRaw(int(os.Stdin.Fd())); err != nil {
		ours.Close()
		theirs.Close()
		return nil, fmt.Errorf("cannot use the terminal: %w", err)
	}
	signal.Notify(s.resized, syscall.SIGWINCH)
	go s.resize()
	go func() { _, _ = io.Copy(ours, os.Stdin) }() // ends with the program
	go func() {
		defer close(s.shown)
		_, _ = io.Copy(os.Stdout, ours)
	}()
	return s, nil
}

func (s *screen) path() string { return s.theirs.Name() }

// environment tells the command what kind of terminal it has.
func (s *screen) environment() []string {
	list := []string{}
	for _, name := range []string{"TERM", "COLORTERM", "NO_COLOR"} {
		if value, ok := os.LookupEnv(name); ok {
			list = append(list, name+"="+value)
		}
	}
	return list
}

func (s *screen) resize() {
	for range s.resized {
		_ = pty.InheritSize(os.Stdin, s.ours)
	}
}

// close shows what is left of the command's output and gives the person's terminal back.
func (s *screen) close() {
	s.theirs.Close() // the last writer: reading ends when all is read
	<-s.shown
	signal.Stop(s.resized)
	close(s.resized)
	_ = term.Restore(int(os.Stdin.Fd()), s.before)
	s.ours.Close()
}
