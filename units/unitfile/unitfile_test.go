package unitfile

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// awkward are texts that mean something to systemd, a shell or a terminal.
var awkward = []string{
	"", " ", "plain", "two words", "\t tab \t", "a\nExecStart=/bin/false", "\r\n[Service]", "\\", "\\\\", `a\`, `\x41`, `\n`,
	`"`, `'`, `a"b'c`, "%n", "%%", "p%40ss%n%H", "$HOME", "${HOME}", "$$", "mid$X", ";", "#", "# x", "-", "@x", ":x", "+x",
	"!x", "!!x", "|x", "~x", "naïve", "☃", "🥪", "\u2028", "\ufeff", "\u00a0", "\u0085", "\x01\x1b\x7f", "[Unit]", "=", "a=b", "*?[x]",
}

func TestWordsAndAssignmentsArriveAsTheyAre(t *testing.T) {
	for _, text := range awkward {
		checkQuoting(t, text)
	}
}

func FuzzQuoting(f *testing.F) {
	for _, text := range awkward {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { checkQuoting(t, text) })
}

// checkQuoting writes a text through every constructor. What is accepted must be read back as it
// was, from a file in which it is exactly one directive.
func checkQuoting(t *testing.T, text string) {
	t.Helper()
	check := func(name string, v Value, err error, want string, read func(string) (string, error)) {
		t.Helper()
		if err != nil {
			return
		}
		got, err := read(alone(t, v))
		if err != nil || got != want {
			t.Errorf("%s(%q) = %q, read back as %q, %v", name, text, v, got, err)
		}
	}
	v, err := Word(text)
	check("Word", v, err, text, func(s string) (string, error) {
		word, err := readWord(s, true)
		if err != nil {
			return "", err
		}
		return expand(word, "$")
	})
	if err != nil && legible(text) == nil && len(text) < maxWord {
		t.Errorf("Word(%q): %v", text, err)
	}
	v, err = Assignment("A", text)
	check("Assignment", v, err, "A="+text, func(s string) (string, error) { return readWord(s, true) })
	v, err = PathWord("/" + text)
	check("PathWord", v, err, "/"+text, func(s string) (string, error) { return readWord(s, false) })
	v, err = OptionalPath("/" + text)
	check("OptionalPath", v, err, "-/"+text, func(s string) (string, error) { return readWord(s, false) })
	v, err = OptionalBind("/" + text)
	check("OptionalBind", v, err, "-/"+text, func(s string) (string, error) { return readWord(s, false) })
	v, err = EmptyDirectory("/" + text)
	check("EmptyDirectory", v, err, "/"+text+":ro", func(s string) (string, error) { return readWord(s, false) })
	v, err = Text(text)
	check("Text", v, err, text, func(s string) (string, error) { return expand(s, "%") })
	v, err = Path("/" + text)
	check("Path", v, err, "/"+text, func(s string) (string, error) { return expand(s, "%") })
	v, err = Credential("key", "/"+text)
	check("Credential", v, err, "key:/"+text, func(s string) (string, error) { return expand(s, "%") })
	for _, as := range []func(string) (Value, error){UnitName, Account, Quantity, SocketAddress, SearchPath, SocketPath, GlobPath} {
		if v, err := as(text); err == nil {
			alone(t, v)
		}
	}
	if v, err := Command(text); err == nil {
		if prefix := strings.TrimLeft(alone(t, v), `"`); strings.ContainsAny(prefix[:1], "-:+!|~") {
			t.Errorf("Command(%q) = %q has a prefix", text, v)
		}
	}
}

// alone is a value as it is read back from a file with other directives around it.
func alone(t *testing.T, v Value) string {
	t.Helper()
	var u Unit
	u.Add("Service", "Before", Literal("1"))
	u.Add("Service", "Subject", v)
	u.Add("Service", "After", Literal("2"))
	u.Add("Install", "Alias", Literal("3"))
	file, err := Seal("a.service", "/etc/sandwich/projects/a.hcl", &u)
	if err != nil {
		t.Fatal(err)
	}
	directives, err := Parse(file.Content)
	if err != nil {
		t.Fatalf("%q: %v", v, err)
	}
	got := fmt.Sprintf("%q", directives)
	if len(directives) != 4 || directives[1].Name != "Subject" {
		t.Fatalf("%q became %s", v, got)
	}
	return directives[1].Value
}

func TestWhatSystemdCannotReadIsRefused(t *testing.T) {
	for name, err := range map[string]error{
		"word with NUL":            second(Word("a\x00b")),
		"word in Latin-1":          second(Word("caf\xe9")),
		"word with a noncharacter": second(Word("\ufdd0")),
		"word too long":            second(Word(strings.Repeat("x", maxWord+1))),
		"variable name":            second(Assignment("A B", "")),
		"text of two lines":        second(Text("a\nb")),
		"text that continues":      second(Text(`a\`)),
		"relative path":            second(Path("a")),
		"path with ..":             second(Path("/a/../b")),
		"path of two lines":        second(Path("/a\nb")),
		"socket path":              second(SocketPath("/" + strings.Repeat("x", 107))),
		"listen on a name":         second(SocketAddress("example.com:80")),
		"listen without port":      second(SocketAddress("127.0.0.1")),
		"unit":                     second(UnitName("a b.service")),
		"unit with specifier":      second(UnitName("%n.service")),
		"user":                     second(Account("a b")),
		"quantity":                 second(Quantity("1G\nX=y")),
		"credential":               second(Credential("a:b", "/x")),
		"program with option":      second(Command("-x")),
		"program with quote":       second(Command(`/a"b`)),
	} {
		if err == nil {
			t.Errorf("%s is accepted", name)
		} else if !strings.HasPrefix(err.Error(), "cannot ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ Value, err error) error { return err }

func TestSecretIsNotRepeatedInAnError(t *testing.T) {
	if _, err := Assignment("KEY", "hunter2\x00"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func TestValuesAreWrittenAsSystemdWantsThem(t *testing.T) {
	listen := func(s string) string { v, _ := SocketAddress(s); return v.String() }
	quantity := func(s string) string { v, _ := Quantity(s); return v.String() }
	command := func(words ...string) string { v, _ := Command(words[0], words[1:]...); return v.String() }
	for _, c := range []struct{ got, want string }{
		{Seconds(1500 * time.Millisecond).String(), "2"},
		{Number(-3).String(), "-3"},
		{listen(":8001"), "8001"},
		{listen("localhost:8001"), "127.0.0.1:8001"},
		{listen("[::1]:8001"), "[::1]:8001"},
		{quantity("512M"), "512M"},
		{quantity("150%"), "150%"},
		{quantity("infinity"), "infinity"},
		{command("/bin/echo", "a b", "$x"), `/bin/echo "a b" "$$x"`},
		{command("/opt/$x/run"), `"@/opt/$x/run" "/opt/$$x/run"`},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestCheckTellsIntactEditedAndForeignFiles(t *testing.T) {
	var u Unit
	u.Add("Unit", "Description", Literal("x"))
	file, err := Seal("a.service", "/etc/sandwich/projects/a.hcl", &u)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, content string
		intact, ok    bool
	}{
		{"as written", file.Content, true, true},
		{"line added", file.Content + "X=y\n", false, true},
		{"value changed", strings.Replace(file.Content, "=x", "=y", 1), false, true},
		{"source changed", strings.Replace(file.Content, "a.hcl", "b.hcl", 1), false, true},
		{"blank line removed", strings.Replace(file.Content, "\n\n", "\n", 1), false, true},
		{"hash removed", strings.Replace(file.Content, hashBegin, "# ", 1), false, true},
		{"cut off", file.Content[:len(sealBegin)+3], false, false},
		{"foreign", "[Unit]\nDescription=x\n", false, false},
		{"empty", "", false, false},
	} {
		intact, _, ok := Check(c.content)
		if intact != c.intact || ok != c.ok {
			t.Errorf("%s: intact %v, ok %v", c.name, intact, ok)
		}
	}
	if _, source, _ := Check(file.Content); source != "/etc/sandwich/projects/a.hcl" {
		t.Errorf("source is %q", source)
	}
}

func TestParseReadsWhatPeopleWrite(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	content := "# head\r\n; more\n\n[Service]\r\n Environment = A=1 \\\n# between\n  B=2\nExecStart=/bin/x \\\\\n[Unit]\nDescription=" + long + "\nLast=a \\"
	directives, err := Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	want := []Directive{
		{"Service", "Environment", "A=1  B=2"},
		{"Service", "ExecStart", `/bin/x \\`},
		{"Unit", "Description", long},
		{"Unit", "Last", "a"},
	}
	if fmt.Sprint(directives) != fmt.Sprint(want) {
		t.Errorf("%.300q", directives)
	}
	if _, err := Parse("[Unit]\n\nnonsense\n"); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("[Unit]\nA=b \\\n c\n")
	f.Fuzz(func(t *testing.T, content string) {
		directives, err := Parse(content)
		if err != nil {
			return
		}
		for _, d := range directives {
			if strings.ContainsAny(d.Section+d.Name+d.Value, "\n\r\x00") {
				t.Errorf("%q holds a line end", d)
			}
		}
	})
}
