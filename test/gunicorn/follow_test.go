//go:build e2e

package gunicorn

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"sandwich/units"
)

// watch follows the journal of a site from its first line.
type watch struct{ lines chan string }

func (s site) follow(t *testing.T) watch {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), lab, "run", s.name, "journalctl", "-f", "-n", "all", "-o", "cat", "-u", units.Service(s.Name), "-u", units.Socket(s.Name))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w := watch{make(chan string, 1000)}
	go func() {
		defer close(w.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			w.lines <- lines.Text()
		}
		cmd.Wait()
	}()
	return w
}

// until waits for a line that has the text.
func (w watch) until(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	for {
		select {
		case line, ok := <-w.lines:
			if !ok {
				t.Fatalf("the journal ended before %q", text)
			}
			if strings.Contains(line, text) {
				return
			}
		case <-ctx.Done():
			t.Fatalf("the journal never said %q", text)
		}
	}
}
