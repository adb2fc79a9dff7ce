package units

import "sandwich/units/unitfile"

// renderTarget groups the project: what is PartOf the target stops with it. It names the
// workers itself: there is no file for each of them that could be enabled.
func (g generation) renderTarget() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, g.Name+": everything of this project")
	d.each("Wants", unitfile.UnitName, Instances(g.Project)...)
	d.in("Install").fixed("WantedBy", "multi-user.target")
	return d.seal(Target(g.Name), g.File)
}

// renderSlice holds every process of the project. It lies in sandwich.slice by its name.
func (g generation) renderSlice() (unitfile.File, error) {
	d := newUnit()
	d.each("Description", unitfile.Text, g.Name+": resources of this project")
	g.limits(d.in("Slice"))
	return d.seal(Slice(g.Name), g.File)
}

// limits gives each project an equal share of the processors and the disks when there is not enough for
// all: with a weight of its own each slice is one competitor, however many processes are in it. Without
// one, systemd leaves the controllers off and every process competes for itself.
func (g generation) limits(d draft) {
	d.fixed("CPUWeight", "100")
	d.fixed("IOWeight", "100")
	for _, limit := range []struct {
		directive unitfile.Fixed
		quantity  string
	}{
		{"MemoryMax", g.Limits.Memory},
		{"MemoryHigh", g.Limits.MemoryHigh},
		{"CPUQuota", g.Limits.CPU},
	} {
		if limit.quantity != "" {
			d.each(limit.directive, unitfile.Quantity, limit.quantity)
		}
	}
	for _, limit := range []struct {
		directive unitfile.Fixed
		rate      string
	}{
		{"IOReadBandwidthMax", g.Limits.IORead},
		{"IOWriteBandwidthMax", g.Limits.IOWrite},
	} {
		if limit.rate != "" {
			bandwidth, err := unitfile.Bandwidth(g.Root, limit.rate)
			d.add(limit.directive, bandwidth, err)
		}
	}
	if g.Limits.Tasks > 0 {
		d.number("TasksMax", g.Limits.Tasks)
	}
}
