package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the sessions run this program as "sandwich".
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sandwich": main})
}

// TestSessions runs what a person types where no machine is needed, with what it prints and what it
// leaves behind; sessions on a host are in test/e2e.
func TestSessions(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/sessions",
		Condition: func(condition string) (bool, error) {
			return condition == "root" && os.Geteuid() == 0, nil
		},
	})
}
