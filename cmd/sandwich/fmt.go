package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"sandwich/units/apply"
)

func newFmt(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fmt [NAME|FILE|-]...",
		Short: "Write project files in their usual form; without names all of them and sandwich.hcl",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	check := cmd.Flags().Bool("check", false, "change nothing; exit with 1 when a file has another form")
	show := cmd.Flags().Bool("diff", false, "change nothing; show what would change")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := either("fmt", *all, args); err != nil {
			return err
		}
		if len(args) == 1 && args[0] == "-" {
			return t.formatInput(cmd.InOrStdin())
		}
		files, err := filesToFormat(args)
		if err != nil {
			return err
		}
		return t.formatAll(files, formatting{check: *check, show: *show})
	}
	return cmd
}

// formatting is what is to be done with a file that has another form.
type formatting struct{ check, show bool }

// filesToFormat takes names of projects and paths of files.
func filesToFormat(args []string) ([]string, error) {
	if len(args) == 0 {
		files, _ := filepath.Glob(filepath.Join(projectsDir, "*.hcl"))
		if _, err := os.Stat(hostFile); err == nil {
			files = append(files, hostFile)
		}
		return files, nil
	}
	files := make([]string, 0, len(args))
	for _, arg := range args {
		if strings.Contains(arg, "/") || strings.HasSuffix(arg, ".hcl") {
			files = append(files, arg)
			continue
		}
		if _, err := known([]string{arg}); err != nil {
			return nil, err
		}
		files = append(files, filepath.Join(projectsDir, arg+".hcl"))
	}
	return files, nil
}

func (t *terminal) formatInput(in io.Reader) error {
	content, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("cannot read standard input: %w", err)
	}
	formatted, diags := format("standard input", content)
	if diags.HasErrors() {
		t.mistakesOf("standard input", content, diags)
		return &exitError{code: exitMistakes}
	}
	_, err = t.stdout.Write(formatted)
	return err
}

// formatAll formats each file, and says at the end whether one could not be, or was not in form.
func (t *terminal) formatAll(files []string, how formatting) error {
	code := 0
	for _, file := range files {
		switch err := t.formatFile(file, how); {
		case errors.Is(err, errMistakes):
			code = exitMistakes
		case errors.Is(err, errOtherForm):
			code = max(code, exitFailed)
		case err != nil:
			t.tell("error: %v", err)
			code = max(code, exitFailed)
		}
	}
	if code != 0 {
		return &exitError{code: code}
	}
	return nil
}

var (
	errMistakes  = errors.New("the file has mistakes")
	errOtherForm = errors.New("the file has another form")
)

func (t *terminal) formatFile(file string, how formatting) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("cannot format: %w\nhint: sandwich fmt NAME, or a file", err)
	}
	formatted, diags := format(file, content)
	switch {
	case diags.HasErrors():
		t.mistakesOf(file, content, diags)
		return errMistakes
	case bytes.Equal(content, formatted):
		return nil
	case how.show:
		_, err := t.stdout.Write(diff.Diff(file, content, file+" (formatted)", formatted))
		return err
	}
	if how.check {
		t.say("%s", file)
		return errOtherForm
	}
	if err := apply.Rewrite(file, formatted); err != nil {
		return fmt.Errorf("%w\nhint: sudo sandwich fmt %s", err, file)
	}
	t.say("%s", file)
	return nil
}

// format gives a file's usual form. What is no HCL is not touched: the writer would make sense of it.
func format(file string, content []byte) ([]byte, hcl.Diagnostics) {
	_, diags := hclsyntax.ParseConfig(content, file, hcl.InitialPos)
	return hclwrite.Format(content), diags
}

func (t *terminal) mistakesOf(file string, content []byte, diags hcl.Diagnostics) {
	files := map[string]*hcl.File{file: {Bytes: content}}
	_ = hcl.NewDiagnosticTextWriter(t.stderr, files, 100, false).WriteDiagnostics(diags)
}
