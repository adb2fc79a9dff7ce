package main

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/spf13/cobra"

	"sandwich/units/inventory"
)

func newCheck(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [NAME...]",
		Short: "Say everything that is wrong with project files, each with file, line and remedy",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("check", args, *all || len(args) == 0, fileNames)
		if err != nil || len(names) == 0 {
			return err
		}
		h, err := openHost(cmd.Context())
		if err != nil {
			return err
		}
		defer h.close()
		done := t.slow("reading " + strings.Join(names, ", "))
		found, err := read(cmd.Context(), h, names)
		done()
		if err != nil {
			return err
		}
		return t.report(found, *asJSON)
	}
	return cmd
}

// report prints what is wrong; exit code 5 says that something is.
func (t *terminal) report(found *inventory.Inventory, asJSON bool) error {
	diags := found.Diagnostics()
	if asJSON {
		if err := t.json("diagnostics", mistakes(diags)); err != nil {
			return err
		}
	} else {
		t.diagnostics(t.stdout, found, diags)
		for _, entry := range found.Entries {
			if entry.Project != nil {
				t.say("%s: good", entry.Name)
			}
		}
	}
	switch {
	case diags.HasErrors():
		return &exitError{code: exitMistakes}
	case len(found.Missing()) > 0:
		return noProject(found.Missing()[0])
	}
	return nil
}

// mistake is a diagnostic as --json shows it. hcl's own has the expression's values in it, which
// may be secret.
type mistake struct {
	Severity string `json:"severity"` // error or warning
	Summary  string `json:"summary"`
	Detail   string `json:"detail"`
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Project  string `json:"project,omitempty"` // whom a finding of doctor is about
}

func mistakes(diags hcl.Diagnostics) []mistake {
	list := make([]mistake, 0, len(diags))
	for _, diag := range diags {
		m := mistake{Severity: "error", Summary: diag.Summary, Detail: diag.Detail}
		if diag.Severity == hcl.DiagWarning {
			m.Severity = "warning"
		}
		if diag.Subject != nil {
			m.File, m.Line, m.Column = diag.Subject.Filename, diag.Subject.Start.Line, diag.Subject.Start.Column
		}
		list = append(list, m)
	}
	return list
}

// place is where a mistake stands, in one word.
func (m mistake) place() string {
	if m.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d,%d", m.File, m.Line, m.Column)
}
