package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sandwich/units/apply"
	"sandwich/units/django"
	"sandwich/units/inventory"
	"sandwich/units/project"
)

func newInit(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "Look at a Django project and write its project file",
		Args:  cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	name := cmd.Flags().String("name", "", "the project's name; default: that of the directory")
	domains := cmd.Flags().StringSlice("domain", nil, "a host name of the site; default: as ALLOWED_HOSTS says")
	user := cmd.Flags().String("user", "", "the user to run it as; default: the owner of the directory")
	python := cmd.Flags().String("python", "", "its interpreter; default: that of its virtual environment")
	settings := cmd.Flags().String("settings", "", "its settings module; default: as manage.py says")
	app := cmd.Flags().String("app", "", "its application; default: as the settings say")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if *name == "" {
			*name = nameFor(root)
		}
		return t.initProject(cmd.Context(), *name, project.Draft{
			Root: root, Domains: *domains, User: *user, Python: *python, Settings: *settings, App: *app,
		})
	}
	return cmd
}

// nameFor makes a project name of a directory's: what a name cannot hold becomes a dash.
func nameFor(root string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(filepath.Base(root)) {
		if r < 'a' || r > 'z' {
			if r < '0' || r > '9' {
				r = '-'
			}
		}
		b.WriteRune(r)
	}
	return strings.Trim(b.String(), "-")
}

// beginning is a project file on its way.
type beginning struct {
	t      *terminal
	name   string
	file   string
	layout django.Layout
	draft  project.Draft
	chosen []string // what was chosen among several, for a person
}

// initProject writes a project file, but only one that passes check: with mistakes it says them and
// leaves nothing behind.
func (t *terminal) initProject(ctx context.Context, name string, draft project.Draft) error {
	if err := project.CheckName(name); err != nil {
		return fmt.Errorf("%w\nhint: sandwich init %s --name NAME", err, draft.Root)
	}
	if err := needRoot("init"); err != nil {
		return err
	}
	b := &beginning{t: t, name: name, file: filepath.Join(projectsDir, name+project.Extension), draft: draft}
	var err error
	if b.layout, err = looksLikeDjango(draft.Root); err != nil {
		return err
	}
	if _, err := os.Lstat(b.file); err == nil {
		return alreadyThere(b.file)
	}
	b.chooseSettings()
	found, err := b.read(ctx)
	if err != nil {
		return err
	}
	if draft.Domains == nil && needsDomains(found) {
		b.chooseDomain()
		if found, err = b.read(ctx); err != nil {
			return err
		}
	}
	return b.finish(found)
}

// read looks at the project as if its file were written.
func (b *beginning) read(ctx context.Context) (*inventory.Inventory, error) {
	h, err := openHost(ctx)
	if err != nil {
		return nil, err
	}
	defer h.close()
	defer b.t.slow("asking " + b.name)()
	return inventory.Read(ctx, inventory.Options{
		ProjectsDir: projectsDir, HostFile: hostFile, Names: []string{b.name}, Enabled: enabled, Run: newAsker(h),
		Unwritten: map[string][]byte{b.name: b.draft.Bytes()},
	})
}

func (b *beginning) finish(found *inventory.Inventory) error {
	t := b.t
	t.sayFound(found.Entries[0], b.draft)
	for _, line := range b.chosen {
		t.say("chosen: %s", line)
	}
	if t.diagnostics(t.stdout, found, found.Diagnostics()) {
		t.tell("Nothing was written. Correct that, or say it (sandwich init --help), and run the same command again.")
		return &exitError{code: exitMistakes}
	}
	err := apply.WriteNew(b.file, b.draft.Bytes())
	if errors.Is(err, fs.ErrExist) {
		return alreadyThere(b.file)
	}
	if err != nil {
		return err
	}
	t.say("wrote %s", b.file)
	t.say("next: sandwich check %s", b.name)
	return nil
}

// chooseSettings has a person choose among several settings modules, or takes the one that a site is
// served with and says so.
func (b *beginning) chooseSettings() {
	l := b.layout
	if b.draft.Settings != "" || l.Settings == "" {
		return
	}
	candidates, reason := l.Deploy, "its name"
	if l.Serving != "" {
		candidates, reason = append([]string{l.Serving}, l.Deploy...), "what wsgi.py or asgi.py names"
	}
	candidates = slices.Compact(candidates)
	if len(candidates) == 0 {
		return
	}
	b.draft.Settings = b.t.choose("Which settings is the site served with?", append(candidates, l.Settings))
	b.chosen = append(b.chosen, fmt.Sprintf("settings = %s, for %s; manage.py names %s (--settings says another)", b.draft.Settings, reason, l.Settings))
}

// chooseDomain asks for a host name, or takes a placeholder, which the file and the words say it is.
func (b *beginning) chooseDomain() {
	placeholder := b.name + ".example"
	domain := b.t.choose("ALLOWED_HOSTS names no host. What is the site's host name?", []string{placeholder})
	b.draft.Domains, b.draft.Placeholder = []string{domain}, domain == placeholder
}

func looksLikeDjango(root string) (django.Layout, error) {
	layout, err := django.Look(root)
	if err != nil {
		return layout, err
	}
	if len(layout.Manage) == 0 && layout.WSGI == "" && layout.ASGI == "" {
		return layout, fmt.Errorf("cannot find a Django project in %s: there is no manage.py, wsgi.py or asgi.py in it or one level below\nhint: sandwich init DIR, with the directory that manage.py is in", root)
	}
	return layout, nil
}

func alreadyThere(file string) error {
	name := strings.TrimSuffix(filepath.Base(file), project.Extension)
	return fmt.Errorf("%s is there already\nhint: edit it and sandwich check %s, or sandwich init DIR --name NAME", file, name)
}

// needsDomains says whether the project was asked and names no host. One that could not be asked
// may have its names yet.
func needsDomains(found *inventory.Inventory) bool {
	entry := found.Entries[0]
	return entry.Facts != nil && entry.Draft != nil && len(entry.Draft.Domains) == 0
}

// sayFound tells what the project said and what the file leaves to it.
func (t *terminal) sayFound(entry *inventory.Entry, draft project.Draft) {
	if facts := entry.Facts; facts != nil {
		t.say("found: Python %s, Django %s, gunicorn %s", facts.Python, facts.Django, orNone(facts.Gunicorn))
	}
	p := entry.Draft
	if p == nil {
		return
	}
	for _, line := range [][2]string{
		{"user", p.User}, {"python", p.Python}, {"settings", p.Settings}, {"app", p.App}, {"domains", strings.Join(p.Domains, ", ")},
	} {
		if line[1] != "" {
			t.say("found: %s = %s", line[0], line[1])
		}
	}
	if p.Python == django.SystemPython && draft.Python == "" {
		t.say("not found: a virtual environment (venv, .venv, env, or one of poetry or pipenv): the system's python is used (--python says another)")
	}
	for _, static := range p.Statics {
		t.say("found: %s from %s", static.Prefix, static.Root)
	}
	if draft.Placeholder {
		t.say("not found: a host name (ALLOWED_HOSTS names none): %s is a placeholder, write the real ones", draft.Domains[0])
	}
}

func orNone(version string) string {
	if version == "" {
		return "none"
	}
	return version
}
