package project

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Release is the release block: what a deploy does.
type Release struct {
	Steps  [][]string // commands, run in the new release before anything serves from it
	Health string     // the path that a new generation must answer
}

var releaseSettings = []setting[Release]{
	{"steps", readSteps},
	{"health", text(func(r *Release) *string { return &r.Health }, pagePath)},
}

func decodeRelease(d *decoder, g *group) { fill(d, g, releaseSettings, &d.p.Release) }

// readSteps reads a list of commands.
func readSteps(v value, r *Release) {
	exprs, diags := hcl.ExprList(v.attr.Expr)
	if diags.HasErrors() {
		at := v.attr.Expr.Range()
		v.d.refuse(&at, v.key+" must be a list of commands", `Write each in brackets: [["manage.py", "migrate", "--noinput"]].`)
		return
	}
	if v.tooMany(len(exprs)) {
		return
	}
	read := commandOf(func(command *[]string) *[]string { return command })
	for _, expr := range exprs {
		if _, diags := hcl.ExprList(expr); diags.HasErrors() {
			at := expr.Range()
			v.d.refuse(&at, v.key+" must be a list of commands", `Write each in brackets: [["manage.py", "migrate", "--noinput"]].`)
			continue
		}
		var command []string
		read(value{d: v.d, key: v.key, attr: &hcl.Attribute{Name: v.attr.Name, Expr: expr, Range: expr.Range(), NameRange: v.attr.NameRange}}, &command)
		if command != nil {
			r.Steps = append(r.Steps, command)
		}
	}
}

// pagePath is the path of a page, perhaps with a query.
func pagePath(_ *decoder, s string) (string, *fault) {
	if !strings.HasPrefix(s, "/") || strings.ContainsAny(s, " #\\\"<>") {
		return "", wrong("is no path of a page", `Write it as a browser sends it: "/" or "/health/".`)
	}
	return s, nil
}
