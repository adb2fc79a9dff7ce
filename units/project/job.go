package project

import (
	"fmt"
	"slices"
	"strings"
)

// partForm is the name of a worker or a timer: it becomes part of unit names, and of NAME.WORKER@2.
var partForm = newPattern(`^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$`)

// reserved are the parts of every project that sandwich itself makes units for.
var reserved = []string{"next", "release"}

// partName reads the label of a worker or timer block.
func partName(d *decoder, g *group) bool {
	kind := g.kind.name
	switch {
	case !partForm.MatchString(g.label):
		d.refuse(&g.at, "Invalid name of a "+kind, quote(g.label)+" is no name: use a to z, 0 to 9 and inner dashes, at most 32 characters.")
	case slices.Contains(reserved, g.label):
		d.refuse(&g.at, "Invalid name of a "+kind, quote(g.label)+" is taken by sandwich's own units. Choose another name.")
	default:
		return true
	}
	return false
}

// commandOf reads a command: a program and its arguments, which everyone may read in the unit.
func commandOf[T any](field func(*T) *[]string) func(value, *T) {
	read := list(field, anything, open)
	return func(v value, into *T) {
		read(v, into)
		command := *field(into)
		if command == nil {
			return
		}
		if at := v.attr.Expr.Range(); len(command) == 0 || command[0] == "" {
			v.d.refuse(&at, v.key+" is empty", "Write the program and its arguments.")
			*field(into) = nil
			return
		}
		if f := programWord(command[0]); f != nil {
			v.refuse(item{text: command[0], at: v.attr.Expr.Range()}, f)
			*field(into) = nil
		}
	}
}

var programForm = newPattern(`^[A-Za-z0-9_.][A-Za-z0-9_.+-]*$`)

// programWord says what is wrong with the first word of a command: a path, or a name that is
// searched for. A shell is not there.
func programWord(s string) *fault {
	switch {
	case strings.ContainsAny(s, `'"\`):
		return wrong("holds a quote or a backslash", "systemd takes none in the name of a program. Write the path without it.")
	case strings.Contains(s, "/"):
		_, f := cleanPath(s)
		return f
	case !programForm.MatchString(s):
		return wrong("is no name of a program", `Write one word for each argument: ["manage.py", "clearsessions"].`)
	}
	return nil
}

// stated refuses a block without a command.
func (d *decoder) stated(g *group) bool {
	_, ok := g.attrs["command"]
	if !ok {
		d.refuse(&g.at, "command is not stated", fmt.Sprintf(`Write what the %s runs: command = ["manage.py", "..."].`, g.kind.name))
	}
	return ok
}

// wholeParts refuses a worker and a timer of the same name: NAME.PART must mean one of them.
func (d *decoder) wholeParts() {
	for _, t := range d.p.Timers {
		if slices.ContainsFunc(d.p.Workers, func(w Worker) bool { return w.Name == t.Name }) {
			d.refuse(d.source.At(element("timer", t.Name)), "A worker and a timer have the same name",
				fmt.Sprintf("%s.%s would mean both. Give one of them another name.", d.p.Name, t.Name))
		}
	}
}
