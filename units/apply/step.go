package apply

import (
	"fmt"
	"slices"
	"time"
)

// Verb is what a Step does.
type Verb string

// The verbs, in the order in which a plan has them.
const (
	Forget   Verb = "forget"   // remove the route and have the proxy drop the project
	Stop     Verb = "stop"     // stop a unit
	Disable  Verb = "disable"  // no longer start it at boot
	Write    Verb = "write"    // write a unit file
	Remove   Verb = "remove"   // remove a unit file
	Enable   Verb = "enable"   // start it at boot
	Reload   Verb = "reload"   // systemd reads the unit files again, once for all projects
	Start    Verb = "start"    // start a unit and wait until it is ready
	Restart  Verb = "restart"  // restart a unit and wait until it is ready
	Serve    Verb = "serve"    // write the route and have the proxy load it
	Settings Verb = "settings" // write the proxy's settings and have it read them
	Probe    Verb = "probe"    // wait until the site answers through the proxy
)

// Step is one change of the disk, of systemd or of the proxy. A list of them is at once what a
// person is shown and what is carried out.
type Step struct {
	Project string    `json:"project"`
	Verb    Verb      `json:"verb"`
	Object  string    `json:"object,omitempty"` // a unit's name, a path, a host name
	Why     string    `json:"why,omitempty"`
	Old     []byte    `json:"-"` // the file before; nil when it is not there
	OldTime time.Time `json:"-"` // when it was written
	New     []byte    `json:"-"` // the file after; nil when it goes
	Links   []string  `json:"-"` // that Enable makes and Disable takes away
}

func (s Step) String() string {
	text := string(s.Verb) + " " + s.Object
	switch s.Verb {
	case Reload:
		text = "have systemd read its unit files again"
	case Serve:
		text = "have the proxy serve it from " + s.Object
	case Forget:
		text = "have the proxy forget it, and remove " + s.Object
	case Settings:
		text = "write " + s.Object + " and have the proxy read it"
	case Probe:
		text = "wait until http://" + s.Object + "/ answers"
	}
	if s.Why != "" {
		text += fmt.Sprintf(" (%s)", s.Why)
	}
	return text
}

// Plan is what makes one project what it should be. No steps: it is that already.
type Plan struct {
	Project string   `json:"project"`
	Steps   []Step   `json:"steps"`
	Notes   []string `json:"notes,omitempty"` // drop-ins, edited files: what a person should know
}

// restarts says whether one of the units is restarted.
func (p Plan) restarts(names ...string) bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Verb == Restart && slices.Contains(names, s.Object) })
}

// has finds the first step with the verb.
func (p Plan) has(verb Verb) bool {
	for _, step := range p.Steps {
		if step.Verb == verb {
			return true
		}
	}
	return false
}
