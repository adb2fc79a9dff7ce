package units

import (
	"slices"

	"sandwich/units/project"
	"sandwich/units/unitfile"
)

// setting is a directive that is the same for every project.
type setting struct{ directive, value unitfile.Fixed }

// confinement is what a Django project does without, with SQLite, subprocesses, threads,
// multiprocessing, TLS and DNS still working: 1.2 in "systemd-analyze security" on systemd
// 252 and 257. PrivateUsers= is left out: where user namespaces are forbidden nothing would start.
var confinement = []setting{
	{"NoNewPrivileges", "yes"},
	{"CapabilityBoundingSet", ""},
	{"AmbientCapabilities", ""},
	{"ProtectSystem", "strict"},
	{"PrivateTmp", "yes"},
	{"PrivateDevices", "yes"},
	{"DevicePolicy", "closed"},
	{"ProtectKernelTunables", "yes"},
	{"ProtectKernelModules", "yes"},
	{"ProtectKernelLogs", "yes"},
	{"ProtectControlGroups", "yes"},
	{"ProtectClock", "yes"},
	{"ProtectHostname", "yes"},
	{"ProtectProc", "invisible"},
	{"ProcSubset", "pid"},
	{"PrivateIPC", "yes"},
	{"RemoveIPC", "yes"},
	{"KeyringMode", "private"},
	{"RestrictNamespaces", "yes"},
	{"RestrictRealtime", "yes"},
	{"RestrictSUIDSGID", "yes"},
	{"LockPersonality", "yes"},
	{"MemoryDenyWriteExecute", "yes"},
	{"RestrictAddressFamilies", "AF_UNIX AF_INET AF_INET6"},
	{"SystemCallArchitectures", "native"},
	{"SystemCallFilter", "@system-service"},
	{"SystemCallFilter", "~@privileged @resources"},
	{"SystemCallErrorNumber", "EPERM"},
}

// isolation is what the strict level adds: the network ends at this host.
var isolation = []setting{
	{"IPAddressDeny", "any"},
	{"IPAddressAllow", "localhost"},
}

func (g generation) sandbox(d draft) {
	if g.Hardening == project.HardeningOff {
		return
	}
	put(d, confinement)
	if g.Hardening == project.HardeningStrict {
		put(d, isolation)
	}
	g.files(d)
}

func put(d draft, settings []setting) {
	for _, s := range settings {
		d.fixed(s.directive, s.value)
	}
}

// umask lets the proxy read what the project writes below a served root, such as uploads into
// directories made on the way; everything else the project writes is hidden from other users.
func (g generation) umask(d draft) {
	shared := slices.ContainsFunc(g.Statics, func(s project.Static) bool {
		return slices.ContainsFunc(g.Writable, func(writable string) bool {
			return below(s.Root, writable) || below(writable, s.Root)
		})
	})
	if shared {
		d.fixed("UMask", "0022")
	} else {
		d.fixed("UMask", "0027")
	}
}
