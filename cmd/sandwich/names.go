package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sandwich/units/apply"
	"sandwich/units/project"
)

// allFlag adds --all to a verb that takes project names.
func allFlag(cmd *cobra.Command) *bool {
	cmd.ValidArgsFunction = completeNames
	return cmd.Flags().Bool("all", false, "every project")
}

// completeNames offers project names to the shell: it reads file names only, so it works for
// every user.
func completeNames(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	names := slices.DeleteFunc(projectNames(), func(name string) bool { return slices.Contains(args, name) })
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeParts offers, beside project names, the workers and timers of the project that is typed.
func completeParts(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	names, directive := completeNames(cmd, args, typed)
	project, _, ok := strings.Cut(typed, ".")
	if !ok {
		return names, directive
	}
	for _, name := range partNames(project) {
		if full := project + "." + name; !slices.Contains(args, full) {
			names = append(names, full)
		}
	}
	return names, directive
}

// completeOneName is completeNames for a verb that takes one project and then something of its own.
func completeOneName(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return completeNames(cmd, args, begun)
}

// projectNames are the projects that have a file, and those that are enabled without one. A file
// with a name that no project can have harms nobody: only check speaks of it.
func projectNames() []string {
	return slices.DeleteFunc(fileNames(), func(name string) bool { return project.CheckName(name) != nil })
}

// fileNames are the names of all files that may be meant as a project's, and of enabled projects.
func fileNames() []string {
	names := append(baseNames(projectsDir, project.Extension), enabledNames()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// enabledNames are the projects that have a compiled route.
func enabledNames() []string { return baseNames(apply.SystemDirs.Routes, ".json") }

func baseNames(dir, suffix string) []string {
	paths, _ := filepath.Glob(filepath.Join(dir, "*"+suffix))
	names := make([]string, 0, len(paths))
	for _, path := range paths {
		if base := filepath.Base(path); !strings.HasPrefix(base, ".") {
			names = append(names, strings.TrimSuffix(base, suffix))
		}
	}
	return names
}

// enabled says whether a project is enabled: it has a compiled route.
func enabled(name string) bool {
	_, err := os.Lstat(filepath.Join(apply.SystemDirs.Routes, name+".json"))
	return err == nil
}

// either refuses names beside --all, for verbs to which no names mean all.
func either(verb string, all bool, args []string) error {
	if all && len(args) > 0 {
		return usageError("--all and names exclude each other\nhint: sandwich %s --all", verb)
	}
	return nil
}

// projects gives the projects a verb is about: those named, or all of everyone. Naming none is
// asking wrongly.
func (t *terminal) projects(verb string, args []string, all bool, everyone func() []string) ([]string, error) {
	if err := either(verb, all, args); err != nil {
		return nil, err
	}
	switch {
	case all:
		names := everyone()
		if len(names) == 0 {
			t.tell("%s", noneWords(projectNames()))
		}
		return names, nil
	case len(args) == 0:
		return nil, usageError("%s which project?\nhint: sandwich %s NAME, or --all", verb, verb)
	}
	return known(args)
}

// noneWords say why there is nothing to do something with, among these projects.
func noneWords(there []string) string {
	if len(there) == 0 {
		return "There is no project yet.\nhint: sandwich init DIR"
	}
	return "No project is enabled.\nhint: sandwich enable " + there[0]
}

// known checks that each project exists: exit code 4 names those that do not.
func known(args []string) ([]string, error) {
	names := projectNames()
	for _, name := range args {
		if !slices.Contains(names, name) {
			return nil, noProject(name)
		}
	}
	unique := slices.Clone(args)
	slices.Sort(unique)
	return slices.Compact(unique), nil
}

func noProject(name string) error {
	return &exitError{code: exitNoProject, err: fmt.Errorf(
		"there is no project %q: %s does not exist\nhint: sandwich init DIR writes one, sandwich list shows what is there",
		name, filepath.Join(projectsDir, name+".hcl"))}
}

// enabledProjects is projects for verbs that need an enabled project.
func (t *terminal) enabledProjects(verb string, args []string, all bool) ([]string, error) {
	names, err := t.projects(verb, args, all, enabledNames)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !enabled(name) {
			return nil, fmt.Errorf("cannot %s %s: it is not enabled\nhint: sandwich enable %s", verb, name, name)
		}
	}
	return names, nil
}
