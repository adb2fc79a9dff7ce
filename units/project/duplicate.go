package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Duplicates finds host names that more than one project answers to, and reports each to every
// project but one: an enabled project keeps its name against one that is not, else the first by
// name does. It gives the diagnostics by project name, none for a project that may go on.
func Duplicates(projects []*Project, enabled func(name string) bool) map[string]hcl.Diagnostics {
	ordered, ranks := slices.Clone(projects), make(map[*Project]int, len(projects))
	for _, p := range projects {
		ranks[p] = rank(p, enabled)
	}
	slices.SortStableFunc(ordered, func(a, b *Project) int {
		return cmp.Or(cmp.Compare(ranks[a], ranks[b]), strings.Compare(a.Name, b.Name))
	})
	holder, found := map[string]*Project{}, map[string]hcl.Diagnostics{}
	for _, p := range ordered {
		for _, c := range p.claims() {
			first, taken := holder[c.host]
			if !taken {
				holder[c.host] = p
				continue
			}
			if first.Name != p.Name {
				found[p.Name] = append(found[p.Name], duplicate(c, p, first))
			}
		}
	}
	return found
}

func rank(p *Project, enabled func(string) bool) int {
	if enabled != nil && enabled(p.Name) {
		return 0
	}
	return 1
}

func duplicate(c claim, p, first *Project) *hcl.Diagnostic {
	return refusal("Another project has this host name", fmt.Sprintf(
		"%s belongs to the project %s (%s). Remove it from one of them.", quote(c.host), first.Name, first.File), p.Source.At(c.key))
}

// Served reports the host names of a project that the proxy serves for another one: by the compiled
// route of that one, whatever its file says by now. holders gives the other project's name, by host.
func Served(p *Project, holders map[string]string) hcl.Diagnostics {
	var found hcl.Diagnostics
	for _, c := range p.claims() {
		if holder, ok := holders[c.host]; ok && holder != p.Name {
			found = append(found, refusal("Another project is served under this host name", fmt.Sprintf(
				"%s is served for the project %s. Remove the name here, or there (then: sandwich apply %s), or take that project away with sandwich disable %s.",
				quote(c.host), holder, holder, holder), p.Source.At(c.key)))
		}
	}
	return found
}

// claim is a host name that a project answers to, and which setting says so.
type claim struct{ host, key string }

func (p *Project) claims() []claim {
	var all []claim
	for _, host := range p.Domains {
		key := element("domains", host)
		if !p.Source.States(key) {
			key = "root"
		}
		all = append(all, claim{host, key})
	}
	for _, s := range p.Statics {
		if s.Domain != "" {
			all = append(all, claim{s.Domain, element("static", s.Prefix) + ".domain"})
		}
	}
	for _, r := range p.Redirects {
		all = append(all, claim{r.From, element("redirect", r.From)})
	}
	return all
}
