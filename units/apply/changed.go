package apply

import (
	"strings"

	"sandwich/units/unitfile"
)

// changedDirectives names the directives whose values differ between two unit files, each once,
// for example "ExecStart=". Files that differ in nothing systemd reads give none.
func changedDirectives(old, wanted string) []string {
	before, removed := directives(old)
	after, order := directives(wanted)
	var names []string
	seen := map[string]bool{}
	for _, key := range append(order, removed...) {
		if name := key[strings.Index(key, "\n")+1:]; before[key] != after[key] && !seen[name] {
			seen[name] = true
			names = append(names, name+"=")
		}
	}
	return names
}

// directives joins the values of each directive of each section, and keeps their order.
func directives(content string) (values map[string]string, order []string) {
	list, err := unitfile.Parse(content)
	if err != nil {
		return nil, nil // edited beyond reading: everything differs
	}
	values = map[string]string{}
	for _, d := range list {
		key := d.Section + "\n" + d.Name
		if _, ok := values[key]; !ok {
			order = append(order, key)
		}
		values[key] += d.Value + "\n"
	}
	return values, order
}
