package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sandwich/units/project"
)

// examples are what people copy from: the package's files, the README and the manual.
func examples(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../packaging/examples/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no examples", err)
	}
	found := map[string]string{}
	for _, file := range files {
		found[file] = text(t, file)
	}
	for file, form := range map[string]string{
		"../../README.md":                    "(?s)\n```hcl\n(.*?)```\n",
		"../../packaging/man/sandwich.hcl.5": `(?s)\.Bd -literal -offset indent\n(.*?)\.Ed\n`,
	} {
		blocks := regexp.MustCompile(form).FindAllStringSubmatch(text(t, file), -1)
		if len(blocks) == 0 {
			t.Errorf("%s has no example", file)
		}
		for _, block := range blocks {
			found[file+":\n"+block[1]] = block[1]
		}
	}
	return found
}

func text(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestEveryExampleIsReadAndIsAsFmtPrintsIt(t *testing.T) {
	for place, content := range examples(t) {
		usual(t, place, content)
		if !strings.HasPrefix(content, "root ") && !strings.Contains(content, "\nroot ") {
			content = "root = \"/srv/client-x\"\n" + content // a part of a file
		}
		_, diags := project.Load("/etc/sandwich/projects/client-x.hcl", []byte(content), nil)
		if len(diags) > 0 {
			t.Errorf("%s: %v", place, diags.Errs())
		}
	}
}

// The host file is packaged with everything in it commented out.
func TestTheHostFileOfThePackageIsReadAsItIsAndUncommented(t *testing.T) {
	packaged := text(t, "../../packaging/etc/sandwich.hcl")
	settings := regexp.MustCompile(`(?m)^#(?: ([a-z]+ \{|\}|  .*))?$`).FindAllStringSubmatch(packaged, -1)
	var uncommented strings.Builder
	for _, line := range settings {
		uncommented.WriteString(line[1] + "\n")
	}
	if n := strings.Count(uncommented.String(), "\n}\n"); n != 3 {
		t.Errorf("%d blocks, not proxy, defaults and tls:\n%s", n, uncommented.String())
	}
	for _, content := range []string{packaged, uncommented.String()} {
		usual(t, "sandwich.hcl", content)
		if _, diags := project.LoadHost("/etc/sandwich/sandwich.hcl", []byte(content)); len(diags) > 0 {
			t.Errorf("%v in\n%s", diags.Errs(), content)
		}
	}
}

func usual(t *testing.T, place, content string) {
	t.Helper()
	printed, diags := format(place, []byte(content))
	if diags.HasErrors() || string(printed) != content {
		t.Errorf("%s: %v, fmt prints\n%s", place, diags.Errs(), printed)
	}
}
