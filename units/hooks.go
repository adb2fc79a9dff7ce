package units

import "sandwich/units/unitfile"

// hookProgram is what the hooks call, as the package installs it.
const hookProgram = "/usr/bin/sandwich"

// hooks tie systemctl to the proxy: before the service is told to end, the proxy holds new requests
// and those in flight finish; when it has ended, the held ones go on to the socket and wait for the
// next process in its queue; a reload lets a next generation prove the code first. They run as root
// ("+"), because a project may not speak to the proxy, and without a proxy, or when one fails, the
// stop goes on ("-"). The next generation needs none: whoever started it drains and stops it.
func (g generation) hooks(d draft) {
	if g.next {
		return
	}
	d.hook("ExecStop", "+-", "stopping", g.Name)
	d.hook("ExecStopPost", "+-", "stopped", g.Name)
	if g.Overlap && g.Command == nil && !g.Gunicorn.Preload && g.Link == "" {
		// A preloaded application stays in the main process, and a main process in its release:
		// nothing but a restart renews them.
		d.hook("ExecReload", "+", "reload", g.Name)
	}
}

func (d draft) hook(directive unitfile.Fixed, prefix unitfile.Fixed, arguments ...string) {
	command, err := unitfile.Command(hookProgram, append([]string{"hook"}, arguments...)...)
	d.add(directive, unitfile.Prefixed(prefix, command), err)
}
