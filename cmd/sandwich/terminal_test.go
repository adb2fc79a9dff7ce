package main

import (
	"bufio"
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/creack/pty"
)

// shownAfter is what a person is shown of something that takes that long.
func shownAfter(t *testing.T, stderr io.Writer, took time.Duration) {
	synctest.Test(t, func(*testing.T) {
		done := (&terminal{stderr: stderr}).slow("client-x: restart")
		time.Sleep(took)
		synctest.Wait()
		done()
	})
}

func TestWhatTakesLongSaysSoAtATerminalOnly(t *testing.T) {
	screen, stderr, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	defer stderr.Close()
	shownAfter(t, stderr, time.Second/2)
	shownAfter(t, stderr, 2*time.Second)
	if _, err := io.WriteString(stderr, "end\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(screen)
	for _, want := range []string{"client-x: restart ...", "end"} {
		if line, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(line) != want {
			t.Errorf("a terminal shows %q, %v, not %q", line, err, want)
		}
	}
	var log bytes.Buffer
	shownAfter(t, &log, 2*time.Second)
	if log.Len() > 0 {
		t.Errorf("what is no terminal gets %q", log.String())
	}
}

func TestTheHelpNamesEveryVerb(t *testing.T) {
	stdout, _, code := said(t, "--help")
	for _, verb := range strings.Fields("init check fmt plan apply enable disable start stop restart reload status list top logs why " +
		"kill scale manage run shell jobs deploy rollback maintenance doctor tls idle proxy version completion") {
		if !strings.Contains(stdout, "\n  "+verb+" ") {
			t.Errorf("--help does not name %s", verb)
		}
	}
	if code != 0 || strings.Contains(stdout, "\n  hook ") || strings.Contains(stdout, "\n  schema ") {
		t.Errorf("exit code %d, and what is not for people: %s", code, stdout)
	}
}
