package dbusctl

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Journal gives the last lines that one run of a unit wrote, oldest first. An empty invocation
// means any run. It asks journalctl, which brings the caller's access rights with it.
func Journal(ctx context.Context, unit, invocation string, lines int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	// What a process wrote last may still be on its way to the journal. Only root may ask to wait.
	_ = exec.CommandContext(ctx, "journalctl", "--sync").Run()
	args := []string{"--no-pager", "--quiet", "--output=cat", "--all", "--lines=" + strconv.Itoa(lines)}
	if invocation == "" {
		args = append(args, "--unit="+unit)
	} else {
		args = append(args, "_SYSTEMD_INVOCATION_ID="+invocation)
	}
	out, err := exec.CommandContext(ctx, "journalctl", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal of %s: %w", unit, err)
	}
	return splitLines(out), nil
}

func splitLines(out []byte) []string {
	text := strings.TrimRight(string(bytes.ToValidUTF8(out, []byte("\uFFFD"))), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// Traceback picks the first Python traceback out of log lines, up to the line that names the
// exception, without the import machinery's own frames; without a traceback it gives the last few
// lines. At most max lines, the end of them. The first is the cause: workers that are ended while
// they import leave odd ones after it.
func Traceback(lines []string, max int) []string {
	start := slices.IndexFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "Traceback (most recent call last)")
	})
	if start < 0 {
		return tail(lines, max)
	}
	end := start + 1
	for end < len(lines) && strings.HasPrefix(lines[end], " ") {
		end++
	}
	return tail(slices.DeleteFunc(slices.Clone(lines[start:min(end+1, len(lines))]), isNoise), max)
}

// isNoise picks the lines of a traceback that tell nothing about the application: the frames of
// the import machinery and the marks below a line of code.
func isNoise(line string) bool {
	return strings.Contains(line, `File "<frozen importlib`) || strings.Trim(line, " ~^") == ""
}

func tail(lines []string, max int) []string {
	return lines[len(lines)-min(max, len(lines)):]
}
