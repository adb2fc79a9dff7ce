package units

import (
	"fmt"
	"time"

	"sandwich/units/unitfile"
)

// draft is one section of a unit in the making. The first value that cannot be written is kept and
// told by seal, so that the functions which fill a draft read like the unit.
type draft struct {
	unit    *unitfile.Unit
	section unitfile.Fixed
	failure *error
}

func newUnit() draft {
	return draft{unit: new(unitfile.Unit), section: "Unit", failure: new(error)}
}

// in is the same unit at another section.
func (d draft) in(section unitfile.Fixed) draft {
	d.section = section
	return d
}

// fixed adds a directive that is the same for every project.
func (d draft) fixed(directive, text unitfile.Fixed) {
	d.add(directive, unitfile.Literal(text), nil)
}

func (d draft) number(directive unitfile.Fixed, n int) {
	d.add(directive, unitfile.Number(n), nil)
}

func (d draft) seconds(directive unitfile.Fixed, span time.Duration) {
	d.add(directive, unitfile.Seconds(span), nil)
}

// each adds a directive once for every text, in the syntax that as writes.
func (d draft) each(directive unitfile.Fixed, as func(string) (unitfile.Value, error), texts ...string) {
	for _, text := range texts {
		value, err := as(text)
		d.add(directive, value, err)
	}
}

// environment adds one variable.
func (d draft) environment(name, value string) {
	assignment, err := unitfile.Assignment(name, value)
	d.add("Environment", assignment, err)
}

func (d draft) add(directive unitfile.Fixed, value unitfile.Value, err error) {
	if err != nil && *d.failure == nil {
		*d.failure = fmt.Errorf("%s=: %w", directive, err)
	}
	d.unit.Add(d.section, directive, value)
}

// seal is the finished file, or the first thing that could not be written into it.
func (d draft) seal(name, source string) (unitfile.File, error) {
	if *d.failure != nil {
		return unitfile.File{}, fmt.Errorf("cannot write %s: %w", name, *d.failure)
	}
	return unitfile.Seal(name, source, d.unit)
}
