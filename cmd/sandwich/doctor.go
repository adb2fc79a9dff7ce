package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sandwich/units/doctor"
	"sandwich/units/inventory"
	"sandwich/units/why"
)

func newDoctor(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [NAME...]",
		Short: "Say what is wrong with this host and with the projects on it",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := t.projects("doctor", args, *all || len(args) == 0, projectNames)
		if err != nil {
			return err
		}
		done := t.slow("examining this host, and " + cmp.Or(strings.Join(names, ", "), "no project"))
		found, list := examination(cmd.Context(), names)
		done()
		if err := cmd.Context().Err(); err != nil {
			return err
		}
		return t.prescribe(found, list, *asJSON)
	}
	return cmd
}

// examination looks at the host, at the project files and, as root, at the projects themselves.
func examination(ctx context.Context, names []string) (*inventory.Inventory, []mistake) {
	found := &inventory.Inventory{}
	h, err := openHost(ctx)
	if err == nil {
		defer h.close()
		if read, readErr := readThoroughly(ctx, h, names); readErr == nil && len(names) > 0 {
			found = read
		}
	}
	facts := hostFacts(ctx, h, err, found)
	var list []mistake
	for _, finding := range doctor.Examine(facts) {
		list = append(list, ofHost(finding))
	}
	list = append(list, mistakes(found.Diagnostics())...)
	for _, entry := range found.Entries {
		for _, cause := range causesOf(ctx, h, entry) {
			list = append(list, ofProject(entry.Name, cause))
		}
	}
	return found, list
}

func readThoroughly(ctx context.Context, h *host, names []string) (*inventory.Inventory, error) {
	return inventory.Read(ctx, inventory.Options{
		ProjectsDir: projectsDir, HostFile: hostFile, Names: names, Enabled: enabled, Run: newAsker(h), Examine: true,
	})
}

// causesOf is what shows of an enabled project when it is used: its databases, migrations, disks,
// host names and certificates.
func causesOf(ctx context.Context, h *host, entry *inventory.Entry) []why.Cause {
	if !enabled(entry.Name) || entry.Draft == nil {
		return nil
	}
	g := &gathering{host: h, draft: entry.Draft, f: &why.Facts{
		Name: entry.Name, Now: time.Now(), Enabled: true, Domains: compiledDomains(entry.Name), Dir: entry.Draft.Dir, User: entry.Draft.User, Python: entry.Draft.Python,
	}}
	if entry.Facts != nil && entry.Facts.Examined != nil {
		g.f.Examined = examined(entry.Facts)
	}
	for _, need := range entry.Draft.Needs {
		g.f.Needs = append(g.f.Needs, g.unit(ctx, need))
	}
	g.hosts(ctx)
	return why.Judge(g.f)
}

func ofHost(f doctor.Finding) mistake {
	m := mistake{Severity: "warning", Summary: f.Summary, Detail: f.Detail}
	if f.Error {
		m.Severity = "error"
	}
	return m
}

// tolerable are causes that a site may well live with.
var tolerable = []string{"dns-elsewhere", "dns-missing", "certificate-expires"}

func ofProject(name string, c why.Cause) mistake {
	m := mistake{Severity: "error", Summary: name + ": " + c.Says, Project: name}
	if slices.Contains(tolerable, c.Kind) {
		m.Severity = "warning"
	}
	m.Detail = strings.Join(append(slices.Clone(c.Evidence), c.Remedy+" Run: "+strings.Join(c.Next, "; ")), "\n")
	return m
}

// prescribe prints the findings. Exit code 5: a project file has mistakes; 1: something else is wrong.
func (t *terminal) prescribe(found *inventory.Inventory, list []mistake, asJSON bool) error {
	if asJSON {
		if err := t.json("diagnostics", append([]mistake{}, list...)); err != nil {
			return err
		}
	} else {
		p, files := paint(t.stdout), found.Files()
		for _, m := range list {
			t.say("%s", strings.TrimSuffix(m.text(p, files[m.File]), "\n"))
		}
		t.say("%s", summary(list))
	}
	isError := func(m mistake) bool { return m.Severity == "error" }
	switch {
	case slices.ContainsFunc(list, func(m mistake) bool { return isError(m) && m.File != "" }):
		return &exitError{code: exitMistakes}
	case slices.ContainsFunc(list, isError):
		return &exitError{code: exitFailed}
	}
	return nil
}

func summary(list []mistake) string {
	errors, warnings := 0, 0
	for _, m := range list {
		if m.Severity == "error" {
			errors++
		} else {
			warnings++
		}
	}
	if errors+warnings == 0 {
		return "nothing wrong found"
	}
	return count(errors, "error") + ", " + count(warnings, "warning")
}
