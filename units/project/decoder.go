package project

import (
	"github.com/hashicorp/hcl/v2"
)

// decoder reads the groups of one project into p and collects what is wrong with them.
type decoder struct {
	p       *Project
	host    *Host // of the host file only
	source  *Source
	scene   *scene
	context *hcl.EvalContext
	diags   hcl.Diagnostics
}

func (d *decoder) refuse(at *hcl.Range, summary, detail string) {
	d.diags = append(d.diags, refusal(summary, detail, at))
}

// setRoot makes ${root} known to everything that is read from here on.
func (d *decoder) setRoot(root string) {
	d.scene.root = root
	d.context = d.scene.context()
}

// read decodes every group, the top level first.
func (d *decoder) read(gs *groups) {
	d.diags = append(d.diags, gs.diags...)
	for _, g := range gs.all {
		if g.key != "" {
			d.source.put(g.key, g.at)
		}
		g.kind.decode(d, g)
	}
}
