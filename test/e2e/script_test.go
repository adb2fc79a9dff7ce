//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sandwich/test/jsonschema"
)

// TestSessionsOnAHost carries out what a person types on a host, session after session in the order of
// their names, on one machine of each Debian: what one leaves behind, the next one finds.
func TestSessionsOnAHost(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("tiny", "site")
		m.Shell(`sed -i 's/"\.test"/"site.test"/' /srv/site/tiny/settings.py; echo '127.0.0.1 site.test rel.test' >>/etc/hosts; useradd alice`)
		m.As("site", "sh", "-ec", "cd /srv/site; ./manage.py migrate -v0").wants(t, 0)
		typist := &typist{machine: m, schema: m.schema()}
		testscript.RunT(inTurn{t}, testscript.Params{Dir: "testdata/sessions", Cmds: typist.commands()})
	})
}

// inTurn is a test whose sessions come one after the other.
type inTurn struct{ *testing.T }

func (t inTurn) Parallel()     {}
func (t inTurn) Verbose() bool { return testing.Verbose() }
func (t inTurn) Run(name string, session func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { session(inTurn{t}) })
}

// schema is what the package says of the output in JSON, by verb.
func (m *Machine) schema() map[string]map[string]any {
	m.t.Helper()
	var shipped struct {
		Defs map[string]map[string]any `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(m.MustRun("cat", "/usr/share/sandwich/schema/sandwich.json")), &shipped); err != nil {
		m.t.Fatal(err)
	}
	return shipped.Defs
}

// typist types on a machine what stands in a session.
type typist struct {
	machine *Machine
	schema  map[string]map[string]any
}

type word = func(ts *testscript.TestScript, neg bool, args []string)

func (y *typist) commands() map[string]word {
	return map[string]word{
		// sandwich ARGS...: it does what is asked.
		"sandwich": func(ts *testscript.TestScript, neg bool, args []string) {
			y.exits(ts, 0, append([]string{"sandwich"}, args...))
		},
		// as USER COMMAND...: so does it for somebody else.
		"as": func(ts *testscript.TestScript, neg bool, args []string) {
			y.exits(ts, 0, append([]string{"as"}, args...))
		},
		// host COMMAND...: something else is done on the machine.
		"host": func(ts *testscript.TestScript, neg bool, args []string) { y.exits(ts, 0, args) },
		// exits CODE COMMAND...: the command ends with that code.
		"exits": func(ts *testscript.TestScript, neg bool, args []string) {
			code, err := strconv.Atoi(args[0])
			ts.Check(err)
			y.exits(ts, code, args[1:])
		},
		// there PATH..., gone PATH...: what is left on the machine, and what is not.
		"there":       func(ts *testscript.TestScript, neg bool, args []string) { y.left(ts, args, true) },
		"gone":        func(ts *testscript.TestScript, neg bool, args []string) { y.left(ts, args, false) },
		"json":        y.json,
		"interrupted": y.interrupted,
	}
}

// exits fails the session unless a command ends with the code, and with a next one to type.
func (y *typist) exits(ts *testscript.TestScript, want int, command []string) {
	if command[0] == "as" {
		command = append([]string{"sh", "-c", `cd /; exec setpriv --reuid "$0" --regid "$(id -g "$0")" --init-groups -- "$@"`}, command[1:]...)
	}
	tool := y.machine.command(command...)
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(tool.Path, tool.Args[1:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if code != want {
		ts.Fatalf("it exits with %d, not %d", code, want)
	}
	if said := ts.ReadFile("stderr"); strings.HasPrefix(said, "error: ") && !strings.Contains(said, "hint: ") {
		ts.Fatalf("it does not say what to type next")
	}
}

func (y *typist) left(ts *testscript.TestScript, paths []string, want bool) {
	for _, path := range paths {
		if y.machine.Has(path) != want {
			ts.Fatalf("%s: it is there: %v", path, !want)
		}
	}
}

// json is "json VERB": what was printed is as the schema that the package has says of the verb.
func (y *typist) json(ts *testscript.TestScript, neg bool, args []string) {
	verb := strings.Join(args, " ")
	decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
	n := 0
	for ; decoder.More(); n++ {
		var value any
		ts.Check(decoder.Decode(&value))
		if problems := jsonschema.Problems(y.schema[verb], value, verb); len(problems) > 0 {
			ts.Fatalf("%s", strings.Join(problems, "\n"))
		}
	}
	if n == 0 || y.schema[verb] == nil {
		ts.Fatalf("it is no JSON, or the schema has no %q", verb)
	}
}

// interrupted is "interrupted CONDITION COMMAND...": Ctrl-C is typed as soon as the condition holds.
func (y *typist) interrupted(ts *testscript.TestScript, neg bool, args []string) {
	y.exits(ts, 1, append([]string{"sh", "-c", `condition=$0
		env --default-signal=INT "$@" & pid=$!
		until eval "$condition"; do kill -0 $pid || exit 99; sleep .05; done
		kill -INT $pid; wait $pid`}, args...))
}
