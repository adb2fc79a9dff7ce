package units

import "sandwich/units/unitfile"

// proxyGroup may connect to every project's socket; the front proxy runs in it.
const proxyGroup = "sandwich-proxy"

func (g generation) renderSocket() (unitfile.File, error) {
	d := newUnit()
	what := "listening socket, open while the service restarts"
	if g.next {
		what = "listening socket of the next generation, open during a restart"
	}
	d.each("Description", unitfile.Text, g.Name+": "+what)
	d.each("PartOf", unitfile.UnitName, Target(g.Name))
	g.listen(d.in("Socket"))
	if !g.next {
		d.in("Install").fixed("WantedBy", "sockets.target")
		d.in("Install").each("WantedBy", unitfile.UnitName, Target(g.Name))
	}
	return d.seal(g.socket, g.File)
}

// listen holds the socket whatever the service does: the limit on activations, 20 in 2 s by default,
// would fail the socket for good when a program cannot be started at all.
func (g generation) listen(d draft) {
	if g.Listen != "" && !g.next {
		d.each("ListenStream", unitfile.SocketAddress, g.Listen)
	} else {
		d.each("ListenStream", unitfile.SocketPath, g.socketPath())
		d.each("SocketUser", unitfile.Account, g.User)
		d.fixed("SocketGroup", proxyGroup)
		d.fixed("SocketMode", "0660")
		d.fixed("RemoveOnStop", "yes")
	}
	d.fixed("TriggerLimitIntervalSec", "0")
}

func (g generation) socketPath() string {
	if g.next {
		return g.NextSocketPath()
	}
	return g.SocketPath()
}
