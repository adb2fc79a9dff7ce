package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

// TestMain lets a session run this program as one of its own: where that has another standard input.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sandwich-process": main})
}

// TestSessions carries out what a person types where no machine is needed, with what is printed and what
// is left behind; sessions on a host are in test/e2e. In none of these there is a bus.
func TestSessions(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "no-bus"))
	testscript.RunT(inTurn{t}, testscript.Params{
		Dir: "testdata/sessions",
		Setup: func(env *testscript.Env) error {
			env.T().(inTurn).Chdir(env.WorkDir)
			return nil
		},
		Condition: func(condition string) (bool, error) {
			return condition == "root" && os.Geteuid() == 0, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// sandwich ARGS...: it does what is asked.
			"sandwich": func(ts *testscript.TestScript, neg bool, args []string) { exits(ts, 0, args) },
			// exits CODE sandwich ARGS...: it ends with that code.
			"exits": func(ts *testscript.TestScript, neg bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				exits(ts, code, args[2:])
			},
		},
	})
}

// inTurn is a test whose sessions come one after the other: they share this process, and so its directory.
type inTurn struct{ *testing.T }

func (t inTurn) Parallel()     {}
func (t inTurn) Verbose() bool { return testing.Verbose() }
func (t inTurn) Run(name string, session func(testscript.T)) {
	t.T.Run(name, func(t *testing.T) { session(inTurn{t}) })
}

// exits fails the session unless the program ends with the code, and with a next command to type.
func exits(ts *testscript.TestScript, want int, args []string) {
	var said strings.Builder
	code := run(context.Background(), args, ts.Stdout(), io.MultiWriter(ts.Stderr(), &said))
	if code != want {
		ts.Fatalf("it exits with %d, not %d: %s", code, want, &said)
	}
	if strings.HasPrefix(said.String(), "error: ") && !strings.Contains(said.String(), hintMark) {
		ts.Fatalf("it does not say what to type next: %s", &said)
	}
}

// typed is a line of a session without a machine: sandwich alone where it does what is asked, behind
// "exits" where it cannot.
var typed = regexp.MustCompile(`(?m)^(?:exits (\d+) )?sandwich (\S+)(?: (\S+))?`)

func TestEveryVerbHasASessionInWhichItFailsAndOneInWhichItWorks(t *testing.T) {
	works, fails := map[string]bool{}, map[string]bool{}
	for _, session := range texts(t, "testdata/sessions/*.txtar") {
		for _, line := range typed.FindAllStringSubmatch(session, -1) {
			outcome := works
			if line[1] != "" {
				outcome = fails
			}
			outcome[line[2]], outcome[line[2]+" "+line[3]] = true, true
		}
	}
	machines := strings.Join(texts(t, "../../test/e2e/*_test.go"), "\n")
	eachVerb(newRoot(&terminal{}), func(verb string, _ *cobra.Command) {
		if !fails[verb] {
			t.Errorf("there is no session in which sandwich %s fails", verb)
		}
		onAMachine := regexp.MustCompile(`"sandwich", "` + strings.ReplaceAll(verb, " ", `", "`) + `"|sandwich ` + verb + `\b`)
		if !works[verb] && !onAMachine.MatchString(machines) {
			t.Errorf("there is no session in which sandwich %s works, here or on a machine", verb)
		}
	})
}

// texts are the contents of files.
func texts(t *testing.T, pattern string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(content))
	}
	return list
}
