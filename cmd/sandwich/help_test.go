package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestEveryVerbHasAGroupInTheHelp(t *testing.T) {
	for _, cmd := range newRoot(&terminal{}).Commands() {
		if cmd.GroupID == "" && !cmd.Hidden {
			t.Errorf("%s has none", cmd.Name())
		}
	}
}

func TestTheManualHasEveryVerbAndEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../packaging/man/sandwich.1")
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	eachVerb(newRoot(&terminal{}), func(verb string, cmd *cobra.Command) {
		if cmd.Hidden || verb == "help" {
			return
		}
		if !regexp.MustCompile(`(?m)^\.It Cm (.*[ ,])?` + regexp.QuoteMeta(verb) + `\b`).MatchString(text) {
			t.Errorf("COMMANDS does not describe %s", verb)
		}
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			form := `Fl -` + flag.Name + `\b`
			if flag.Shorthand != "" {
				form += `|Fl ` + flag.Shorthand + `\b`
			}
			if flag.Name != "help" && !regexp.MustCompile(form).MatchString(text) {
				t.Errorf("%s: there is no --%s", verb, flag.Name)
			}
		})
	})
}

func TestCompletionOffersEveryVerbAndEveryFlag(t *testing.T) {
	root := newRoot(&terminal{})
	eachVerb(root, func(verb string, cmd *cobra.Command) {
		words := strings.Fields(verb)
		above, last := words[:len(words)-1], words[len(words)-1]
		if got := offered(t, append(slices.Clone(above), last)...); !cmd.Hidden && !slices.Contains(got, last) {
			t.Errorf("after %q %q offers %q", above, last, got)
		}
		got := offered(t, append(slices.Clone(words), "--")...)
		for _, flag := range flagsOf(cmd) {
			if !slices.Contains(got, "--"+flag) && !slices.Contains(got, "--"+flag+"=") {
				t.Errorf("%s offers %q, not --%s", verb, got, flag)
			}
		}
	})
}

// offered are the words that the shells offer for the last of these.
func offered(t *testing.T, words ...string) (list []string) {
	t.Helper()
	stdout, _, code := said(t, append([]string{"__complete"}, words...)...)
	if code != 0 {
		t.Errorf("completing %q exits with %d", words, code)
	}
	for line := range strings.Lines(stdout) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
		list = append(list, word)
	}
	return list
}

func TestThereIsACompletionForEachShell(t *testing.T) {
	for shell := range shells {
		if stdout, _, code := said(t, "completion", shell); code != 0 || !strings.Contains(stdout, "__complete") {
			t.Errorf("%s: exit code %d", shell, code)
		}
	}
}

func TestTheManualSaysWhatEachFieldOfTheOutputIs(t *testing.T) {
	page, err := os.ReadFile("../../packaging/man/sandwich.1")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "\n.Sh OUTPUT\n")
	text, _, _ = strings.Cut(text, "\n.Sh ")
	words := strings.FieldsFunc(text, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r == '_' || r >= '0' && r <= '9') })
	for verb, def := range shipped(t) {
		for _, name := range fieldsOf(def.(map[string]any)) {
			if !slices.Contains(words, name) {
				t.Errorf("%s: OUTPUT does not name %q", verb, name)
			}
		}
	}
}

// fieldsOf are the names of all members that a schema describes, at any depth.
func fieldsOf(schema map[string]any) (names []string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, sub := range properties {
		names = append(names, name)
		names = append(names, fieldsOf(sub.(map[string]any))...)
	}
	if items, ok := schema["items"].(map[string]any); ok {
		names = append(names, fieldsOf(items)...)
	}
	return names
}
