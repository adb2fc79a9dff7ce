package hostcheck

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// jobs checks what is run beside the web service: that the programs of workers, timers and steps
// are there, and that systemd understands when.
func (c *check) jobs() {
	for _, w := range c.p.Workers {
		c.program(fmt.Sprintf("worker[%q].command", w.Name), w.Command)
	}
	for _, t := range c.p.Timers {
		key := fmt.Sprintf("timer[%q].", t.Name)
		c.program(key+"command", t.Command)
		c.program(key+"on_failure", t.OnFailure)
		c.calendar(key+"schedule", t.Calendar)
	}
	for _, step := range c.p.Release.Steps {
		c.program("release.steps", step)
	}
}

// program checks the first word of a command.
func (c *check) program(key string, command []string) {
	if len(command) == 0 || c.p.Dir == "" {
		return
	}
	places := c.places(command[0])
	for _, place := range places {
		info, err := c.sys.stat(place)
		switch {
		case err != nil || info.Mode.IsDir():
			continue
		case info.Mode.Perm()&0o111 == 0 && !strings.HasSuffix(place, ".py"):
			c.refuse(key, "The program cannot be run", "%q is no executable file. Run: chmod +x %s", place, shell(place))
		}
		return
	}
	if strings.Contains(command[0], "/") || strings.HasSuffix(command[0], ".py") {
		c.refuse(key, "The program is not there", "There is no %q. Write the program to run.", places[0])
		return
	}
	c.refuse(key, "The program is not there", "There is no program %q beside the project's python (%s), in its root or on the host. Install it there, or write its path.",
		command[0], filepath.Dir(c.p.Python))
}

// places are where a program is looked for, as the units look for it.
func (c *check) places(word string) []string {
	switch {
	case filepath.IsAbs(word):
		return []string{word}
	case strings.Contains(word, "/") || strings.HasSuffix(word, ".py"):
		return []string{filepath.Join(c.p.Dir, word)}
	}
	var places []string
	for _, dir := range []string{filepath.Dir(c.p.Python), c.p.Root, "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin"} {
		places = append(places, filepath.Join(dir, word))
	}
	return places
}

func (c *check) calendar(key, schedule string) {
	if schedule == "" || c.sys.Calendar == nil {
		return
	}
	if err := c.sys.Calendar(schedule); err != nil {
		c.refuse(key, "systemd does not understand the schedule",
			`It says of %q: %s. Write "hourly", "daily", "Mon..Fri *-*-* 06:30" or "every 5m"; "systemd-analyze calendar" tries one.`, schedule, err)
	}
}

// calendar asks systemd itself whether it understands a time.
func calendar(schedule string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemd-analyze", "calendar", "--", schedule).CombinedOutput()
	if _, ended := err.(*exec.ExitError); !ended {
		return nil // it could not be asked; systemd says so itself when it reads the unit
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return fmt.Errorf("%s", strings.TrimSuffix(first, "."))
}
