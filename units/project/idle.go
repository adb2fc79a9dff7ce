package project

import "time"

// shortestRest keeps a project from being stopped between the pages of one visitor.
const shortestRest = time.Second

var idleSettings = []setting[Idle]{
	{"after", duration(func(i *Idle) *time.Duration { return &i.After }, shortestRest)},
}

func decodeIdle(d *decoder, g *group) {
	fill(d, g, idleSettings, &d.p.Idle)
	if _, ok := g.attrs["after"]; !ok {
		d.refuse(&g.at, "idle.after is not stated", `Write how long the project must have been without a visitor: after = "30m".`)
	}
}
