package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

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
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		root, err := filepath.Abs(args[0])
		if err != nil {
			return err
		}
		if *name == "" {
			*name = nameFor(root)
		}
		return t.initProject(cmd.Context(), project.Draft{Root: root, Domains: *domains, User: *user}, *name)
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

func (t *terminal) initProject(ctx context.Context, draft project.Draft, name string) error {
	if err := project.CheckName(name); err != nil {
		return fmt.Errorf("%w\nhint: sandwich init %s --name NAME", err, draft.Root)
	}
	if err := needRoot("init"); err != nil {
		return err
	}
	if err := looksLikeDjango(draft.Root); err != nil {
		return err
	}
	file := filepath.Join(projectsDir, name+project.Extension)
	if err := writeNew(file, draft.Bytes()); err != nil {
		return err
	}
	found, err := t.describe(ctx, name)
	if err != nil {
		return err
	}
	if draft.Domains == nil && needsDomains(found) {
		draft.Domains, draft.Placeholder = []string{name + ".example"}, true
		if err := os.WriteFile(file, draft.Bytes(), 0o644); err != nil {
			return fmt.Errorf("cannot write %s: %w", file, err)
		}
		if found, err = t.describe(ctx, name); err != nil {
			return err
		}
	}
	t.say("wrote %s", file)
	t.sayFound(found.Entries[0], draft)
	t.diagnostics(t.stdout, found, found.Diagnostics())
	t.say("next: sandwich check %s", name)
	return nil
}

func looksLikeDjango(root string) error {
	layout, err := django.Look(root)
	if err != nil {
		return err
	}
	if len(layout.Manage) == 0 && layout.WSGI == "" && layout.ASGI == "" {
		return fmt.Errorf("cannot find a Django project in %s: there is no manage.py, wsgi.py or asgi.py in it or one level below", root)
	}
	return nil
}

// writeNew writes a file that must not be there yet.
func writeNew(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already\nhint: edit it, or remove it first", file)
	}
	if err != nil {
		return fmt.Errorf("cannot write the project file: %w", err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	return nil
}

func (t *terminal) describe(ctx context.Context, name string) (*inventory.Inventory, error) {
	h, err := openHost(ctx)
	if err != nil {
		return nil, err
	}
	defer h.close()
	defer t.slow("asking " + name)()
	return read(ctx, h, []string{name})
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
