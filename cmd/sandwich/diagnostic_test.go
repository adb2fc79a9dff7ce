package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

func TestAMistakeIsShownWithItsPlaceAndItsLine(t *testing.T) {
	m := mistake{Severity: "error", Summary: "Unsupported argument", Detail: "Did you mean \"domains\"?\nOr not.", File: "/etc/x.hcl", Line: 2, Column: 3}
	file := &hcl.File{Bytes: []byte("root = \"/\"\n\täd\x1b = \"x\"\n")}
	want := `/etc/x.hcl:2,3: error: Unsupported argument
     2 |  äd? = "x"
       |   ^
  Did you mean "domains"?
  Or not.

`
	if got := m.text(false, file); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := m.text(true, nil); !strings.HasPrefix(got, "/etc/x.hcl:2,3: \x1b[1;31merror\x1b[0m: ") {
		t.Errorf("in colour: %q", got)
	}
}

func TestPlacesThatAreNotInTheFileHaveNoSnippet(t *testing.T) {
	for _, at := range [][2]int{{0, 1}, {1, 0}, {9, 1}, {1, 1000}} {
		if got := snippet([]byte("x = 1\n"), at[0], at[1]); got != "" {
			t.Errorf("%v: %q", at, got)
		}
	}
	if got := snippet([]byte("x\n"), 1, 90); !strings.HasSuffix(got, "|  ^\n") {
		t.Errorf("%q", got)
	}
}

func TestColourIsForTerminalsOnly(t *testing.T) {
	if paint(&bytes.Buffer{}) {
		t.Error("a buffer is painted")
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if paint(file) {
		t.Error("a file is painted")
	}
}
