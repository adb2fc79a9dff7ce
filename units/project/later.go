package project

import "github.com/zclconf/go-cty/cty"

// What a project file may say and this version cannot do yet. It is read like everything else, so
// that a wrong name or type is told, and then refused: never silently left out.

// unread is the T of settings whose values go nowhere.
type unread struct{}

var anyFlag = anyValue(cty.Bool, "true or false")

func anyValue(want cty.Type, called string) func(value, *unread) {
	return func(v value, _ *unread) { v.eval(v.attr.Expr, want, called) }
}

// refuseLater reads and refuses the attributes of a table. What asks for nothing is allowed:
// a flag that says no, an empty list.
func refuseLater(d *decoder, g *group, table []setting[unread]) {
	for _, s := range table {
		attr, ok := g.attrs[s.name]
		if !ok {
			continue
		}
		key := g.path(s.name)
		if asksNothing(d, attr.Expr) {
			continue
		}
		d.source.put(key, attr.Range)
		s.read(value{d: d, key: key, attr: attr}, &unread{})
		d.refuse(&attr.Range, key+" is not available yet", "This version of sandwich cannot do it. Remove the attribute.")
	}
}
