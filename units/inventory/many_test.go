package inventory

import (
	"fmt"
	"slices"
	"testing"
)

func TestManyFilesAreReadSideBySideAndStayInOrder(t *testing.T) {
	s := newSite(t)
	s.write("sandwich.hcl", "defaults {\n  proxy {\n    max_body = \"7MB\"\n  }\n}\n")
	var names []string
	for n := range 60 {
		names = append(names, fmt.Sprintf("p%02d", n))
		s.project(names[n], fmt.Sprintf("domains = [\"${name}.example\", \"%d.example\"]\n", n%50))
	}
	i := s.read(names[30:]...)
	var got []string
	for _, e := range i.Entries {
		got = append(got, e.Name)
		// p50 to p59 have a name that p00 to p09 have, which were not asked for.
		if wrong := e.Diagnostics.HasErrors(); wrong != (e.Name >= "p50") {
			t.Errorf("%s: %v", e.Name, e.Diagnostics)
		}
		if e.Draft.Proxy.MaxBody != 7<<20 {
			t.Errorf("%s has not got the host's defaults: %d", e.Name, e.Draft.Proxy.MaxBody)
		}
	}
	if !slices.Equal(got, names[30:]) || len(i.Files()) != 61 {
		t.Errorf("%d files, entries %v", len(i.Files()), got)
	}
}
