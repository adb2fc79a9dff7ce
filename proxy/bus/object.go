package bus

import (
	"errors"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"

	"sandwich/proxy"
	"sandwich/proxy/route"
	certs "sandwich/proxy/tls"
)

// object has exactly the methods that the interface has: godbus exports all of them.
type object struct{ p Proxy }

// Apply loads the route file of a project.
func (o object) Apply(name string) *dbus.Error { return busError(o.p.Apply(name)) }

// Forget serves a project no longer.
func (o object) Forget(name string) *dbus.Error { return busError(o.p.Forget(name)) }

// Hold makes new requests for the project's own service wait.
func (o object) Hold(name string, seconds uint32) *dbus.Error {
	return busError(o.p.Hold(name, time.Duration(seconds)*time.Second))
}

// Release lets them go.
func (o object) Release(name string) *dbus.Error { return busError(o.p.Release(name)) }

// Switch sends new requests to "main" or "next".
func (o object) Switch(name, upstream string) *dbus.Error {
	return busError(o.p.Switch(name, upstream))
}

// Drain waits until the generation that gets no new requests has none.
func (o object) Drain(name string, seconds uint32) *dbus.Error {
	return busError(o.p.Drain(name, time.Duration(seconds)*time.Second))
}

// Status tells how each project is served.
func (o object) Status() (map[string]map[string]dbus.Variant, *dbus.Error) {
	all := map[string]map[string]dbus.Variant{}
	for _, st := range o.p.Status() {
		all[st.Name] = properties(st)
	}
	return all, nil
}

// ProjectStatus tells it of one project.
func (o object) ProjectStatus(name string) (map[string]dbus.Variant, *dbus.Error) {
	st, err := o.p.StatusOf(name)
	if err != nil {
		return nil, busError(err)
	}
	return properties(st), nil
}

// Summary tells how the whole proxy is doing, and what the "durations" of Status count: requests that
// took at most as many microseconds as "duration_bounds" says, and those that took longer.
func (o object) Summary() (map[string]dbus.Variant, *dbus.Error) {
	return summary(o.p.Summary()), nil
}

func properties(st proxy.Status) map[string]dbus.Variant {
	values := map[string]any{
		"hash":                st.Hash,
		"domains":             st.Domains,
		"upstream":            st.Upstream,
		"unit_state":          st.UnitState,
		"holding":             st.Holding,
		"in_flight":           uint32(st.InFlight),
		"held":                uint32(st.Held),
		"requests":            st.Requests,
		"requests_per_second": st.Rate,
		"responses":           st.Responses,
		"held_total":          st.HeldTotal,
		"retried":             st.Retried,
		"upstream_failures":   st.Failures,
		"rate_limited":        st.Limited,
		"shed":                st.Shed,
		"maintenance":         st.Closed,
		"sent":                st.Sent,
		"received":            st.Received,
		"durations":           st.Durations.Counts[:],
	}
	if !st.ClosedSince.IsZero() {
		values["maintenance_since"] = uint64(st.ClosedSince.UnixMicro())
	}
	if st.IdleAfter > 0 {
		values["idle_after_ms"] = uint64(st.IdleAfter.Milliseconds())
	}
	if !st.LastUsed.IsZero() {
		values["last_used"] = uint64(st.LastUsed.UnixMicro())
	}
	if st.Holding {
		values["held_until"] = uint64(st.HeldUntil.UnixMicro())
	}
	if !st.LastErrorAt.IsZero() {
		values["last_error"] = st.LastError
		values["last_error_at"] = uint64(st.LastErrorAt.UnixMicro())
	}
	variants := make(map[string]dbus.Variant, len(values))
	for key, v := range values {
		variants[key] = dbus.MakeVariant(v)
	}
	return variants
}

// summary is how the whole proxy is doing.
func summary(s proxy.Summary) map[string]dbus.Variant {
	bounds := make([]uint64, len(proxy.Bounds))
	for i, bound := range proxy.Bounds {
		bounds[i] = uint64(bound.Microseconds())
	}
	return map[string]dbus.Variant{
		"projects":        dbus.MakeVariant(uint32(s.Projects)),
		"connections":     dbus.MakeVariant(uint32(s.Connections)),
		"websockets":      dbus.MakeVariant(uint32(s.Tunnels)),
		"unknown_hosts":   dbus.MakeVariant(s.UnknownHosts),
		"lines_dropped":   dbus.MakeVariant(s.LinesDropped),
		"duration_bounds": dbus.MakeVariant(bounds),
	}
}

// errorNames are the D-Bus names of what can go wrong, most telling first.
var errorNames = []struct {
	is   error
	name string
}{
	{proxy.ErrName, "InvalidName"},
	{proxy.ErrNoFile, "NoSuchRoute"},
	{proxy.ErrBroken, "InvalidRoute"},
	{route.ErrDomainTaken, "DomainTaken"},
	{proxy.ErrNotServed, "NotServed"},
	{proxy.ErrNoUpstream, "NoSuchUpstream"},
	{proxy.ErrTimeout, "Timeout"},
	{certs.ErrNoHost, "NoSuchHost"},
	{certs.ErrNotIssued, "NotIssued"},
}

func busError(err error) *dbus.Error {
	if err == nil {
		return nil
	}
	for _, e := range errorNames {
		if errors.Is(err, e.is) {
			return dbus.NewError(Name+".Error."+e.name, []any{err.Error()})
		}
	}
	return dbus.NewError(Name+".Error.Failed", []any{err.Error()})
}

var introspectable = introspect.NewIntrospectable(&introspect.Node{
	Name: Path,
	Interfaces: []introspect.Interface{
		{Name: Name, Methods: []introspect.Method{
			method("Apply", in("name", "s")),
			method("Forget", in("name", "s")),
			method("Hold", in("name", "s"), in("seconds", "u")),
			method("Release", in("name", "s")),
			method("Switch", in("name", "s"), in("upstream", "s")),
			method("Drain", in("name", "s"), in("seconds", "u")),
			method("Summary", introspect.Arg{Name: "summary", Type: "a{sv}", Direction: "out"}),
			method("ProjectStatus", in("name", "s"), introspect.Arg{Name: "project", Type: "a{sv}", Direction: "out"}),
			method("Status", introspect.Arg{Name: "projects", Type: "a{sa{sv}}", Direction: "out"}),
			method("Certificates", introspect.Arg{Name: "hosts", Type: "a{sa{sv}}", Direction: "out"}),
			method("CertificateOrders", introspect.Arg{Name: "domains", Type: "a{su}", Direction: "out"}),
			method("RenewCertificate", in("host", "s")),
			method("RevokeCertificate", in("host", "s"), in("reason", "u")),
		}, Signals: []introspect.Signal{
			{Name: "CertificateChanged", Args: []introspect.Arg{{Name: "host", Type: "s"}}},
			{Name: "ProjectIdle", Args: []introspect.Arg{{Name: "name", Type: "s"}}},
		}},
	},
})

func method(name string, args ...introspect.Arg) introspect.Method {
	return introspect.Method{Name: name, Args: args}
}

func in(name, kind string) introspect.Arg {
	return introspect.Arg{Name: name, Type: kind, Direction: "in"}
}
