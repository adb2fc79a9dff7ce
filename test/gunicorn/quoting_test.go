//go:build e2e

package gunicorn

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"sandwich/units/unitfile"
)

// hostileTexts is every byte systemd can be given and what means something to it, then random mixes
// of these.
func hostileTexts() []string {
	texts := []string{
		"", " ", "\t", "a\nExecStart=/bin/false\n[Service]\n", "\r\n", `ends in \`, `\\`, `\x41\n`, `a"b'c`, "%n %% %H p%40ss",
		"$HOME ${HOME} $$ a$b", ";", "\\;", "#x", "; x", "-x", "@x", ":x", "+x", "!x", "!!x", "|x", "~x", "naïve ☃ 🥪", "\u0085\u2028\ufeff", "[Unit]", "{}", "{",
	}
	var all strings.Builder
	for b := rune(1); b < 256; b++ {
		all.WriteRune(b)
	}
	texts = append(texts, all.String())
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune(" \t\n\\\"'%$;#-@:+!|~{}nxH41=é☃")
	for range 200 {
		var mix strings.Builder
		for range 1 + random.IntN(20) {
			mix.WriteRune(alphabet[random.IntN(len(alphabet))])
		}
		texts = append(texts, mix.String())
	}
	return texts
}

func TestHostileTextsReachTheProcessUnchanged(t *testing.T) {
	texts := hostileTexts()
	environment := make(map[string]string)
	for i, text := range texts {
		environment[fmt.Sprintf("T%03d", i)] = text
	}
	onEach(t, func(t *testing.T, m machine) {
		out := m.runUnit(t, "quoting", "/opt/$dump it%n", texts, environment)
		arguments, variables, _ := strings.Cut(out, "\x00\x00ENV\x00")
		if got := strings.Split(arguments, "\x00")[1:]; !slices.Equal(got, texts) {
			for i := range min(len(got), len(texts)) {
				if got[i] != texts[i] {
					t.Errorf("argument %q arrived as %q", texts[i], got[i])
				}
			}
			t.Errorf("%d arguments, want %d", len(got), len(texts))
		}
		got := make(map[string]string)
		for _, variable := range strings.Split(variables, "\x00") {
			if name, value, _ := strings.Cut(variable, "="); len(name) == 4 && name[0] == 'T' && name != "TERM" {
				got[name] = value
			}
		}
		if !maps.Equal(got, environment) {
			t.Errorf("the environment is %q", got)
		}
	})
}

// runUnit runs a program that writes down its arguments and environment as the kernel has them, in
// a unit with quoted paths, and returns what it wrote.
func (m machine) runUnit(t *testing.T, name, program string, arguments []string, environment map[string]string) string {
	t.Helper()
	script := "#!/bin/sh\n{ cat /proc/$$/cmdline; printf '\\0ENV\\0'; cat /proc/$$/environ; } >out\n"
	dir := `/srv/a b%n$x"\it's`
	var u unitfile.Unit
	add := func(directive unitfile.Fixed, v unitfile.Value, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		u.Add("Service", directive, v)
	}
	add("Type", unitfile.Literal("oneshot"), nil)
	for _, name := range slices.Sorted(maps.Keys(environment)) {
		v, err := unitfile.Assignment(name, environment[name])
		add("Environment", v, err)
	}
	v, err := unitfile.Path(dir)
	add("WorkingDirectory", v, err)
	v, err = unitfile.GlobPath(dir + `/*[x]?\{a,b}~ env`)
	add("EnvironmentFile", v, err)
	v, err = unitfile.Command(program, arguments...)
	add("ExecStart", v, err)
	file, err := unitfile.Seal("sandwich-"+name+".service", "/etc/sandwich/projects/x.hcl", &u)
	if err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{program: script, dir + `/*[x]?\{a,b}~ env`: "FROM_FILE=1\n", path.Join("/etc/systemd/system", file.Name): file.Content} {
		if err := m.write(path, content); err != nil {
			t.Fatal(err)
		}
	}
	m.run(t, "chmod", "+x", program)
	m.run(t, "systemctl", "daemon-reload")
	m.run(t, "systemctl", "start", file.Name)
	out := m.run(t, "cat", dir+"/out")
	if !strings.Contains(out, "\x00FROM_FILE=1\x00") {
		t.Error("the environment file was not read")
	}
	// The interpreter comes before the script's own path.
	_, out, _ = strings.Cut(out, "\x00")
	return out
}

func TestAWholeLineWithANoncharacterWouldBeSkipped(t *testing.T) {
	onEach(t, func(t *testing.T, m machine) {
		if err := m.write("/run/systemd/system/nonchar.service", "[Service]\nType=oneshot\nExecStart=/bin/true\nEnvironment=A=\ufdd0\n"); err != nil {
			t.Fatal(err)
		}
		m.run(t, "systemctl", "daemon-reload")
		if out := m.run(t, "systemctl", "show", "-P", "Environment", "nonchar.service"); strings.TrimSpace(out) != "" {
			t.Errorf("systemd reads it now as %q: Word need not refuse it", out)
		}
	})
}
