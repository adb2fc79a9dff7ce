package dbusctl

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	proxyName = "io.sandwich.Proxy1"
	proxyPath = "/io/sandwich/Proxy1"
)

// Proxy is a connection to the front proxy. Its methods are safe for concurrent use.
type Proxy struct {
	conn *dbus.Conn
}

// ErrStillBusy means that requests are in flight after the time of a Drain.
var ErrStillBusy = errors.New("requests are still in flight")

// ErrNotServed means that the proxy does not serve the project.
var ErrNotServed = errors.New("the proxy does not serve the project")

// ErrNoProxy means that nobody owns the proxy's bus name.
var ErrNoProxy = errors.New("the front proxy is not running (systemctl start sandwich-proxy)")

// ConnectProxy opens a connection to the system bus. The proxy itself need not run yet: a call
// that changes something starts it.
func ConnectProxy() (*Proxy, error) {
	conn, err := dbus.ConnectSystemBus()
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the system bus: %w", err)
	}
	return &Proxy{conn: conn}, nil
}

// Close ends the connection.
func (p *Proxy) Close() { p.conn.Close() }

// Apply makes the proxy load the compiled route of a project.
func (p *Proxy) Apply(ctx context.Context, project string) error {
	return p.call(ctx, 0, "Apply", project).Err
}

// Forget makes the proxy drop a project.
func (p *Proxy) Forget(ctx context.Context, project string) error {
	return p.call(ctx, 0, "Forget", project).Err
}

// Hold makes new requests of a project wait in the proxy, for at most the time. It does not start
// a proxy that does not run: that is ErrNoProxy.
func (p *Proxy) Hold(ctx context.Context, project string, limit time.Duration) error {
	return p.call(ctx, dbus.FlagNoAutoStart, "Hold", project, seconds(limit)).Err
}

// Release lets the held requests of a project go. Like Hold, it starts no proxy.
func (p *Proxy) Release(ctx context.Context, project string) error {
	return p.call(ctx, dbus.FlagNoAutoStart, "Release", project).Err
}

// Switch sends new requests of a project to a generation, "main" or "next".
func (p *Proxy) Switch(ctx context.Context, project, upstream string) error {
	return p.call(ctx, 0, "Switch", project, upstream).Err
}

// Drain waits until no request is in flight with a generation that gets no new ones: the one that
// is not switched to, and while the project is held also the other. After the limit it gives up
// with ErrStillBusy.
func (p *Proxy) Drain(ctx context.Context, project string, limit time.Duration) error {
	return p.bounded(ctx, limit+callLimit, dbus.FlagNoAutoStart, "Drain", project, seconds(limit)).Err
}

// seconds is how the proxy's methods take a time: whole, at least one.
func seconds(d time.Duration) uint32 { return uint32(max(d.Round(time.Second)/time.Second, 1)) }

// callLimit bounds every call: a proxy that hangs must not hang the command.
const callLimit = 10 * time.Second

func (p *Proxy) call(ctx context.Context, flags dbus.Flags, method string, args ...any) *dbus.Call {
	return p.bounded(ctx, callLimit, flags, method, args...)
}

func (p *Proxy) bounded(ctx context.Context, limit time.Duration, flags dbus.Flags, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	proxy := p.conn.Object(proxyName, proxyPath)
	call := proxy.CallWithContext(ctx, proxyName+"."+method, flags, args...)
	// A process that ended with the call has a successor, or will have. Whatever it may have done,
	// every method can be called twice.
	for isNoReply(call.Err) && ctx.Err() == nil {
		call = proxy.CallWithContext(ctx, proxyName+"."+method, flags, args...)
	}
	if call.Err != nil {
		call.Err = proxyError(method, call.Err)
	}
	return call
}

// isNoReply reports whether the process that was called went away before it answered.
func isNoReply(err error) bool {
	var busErr dbus.Error
	return errors.As(err, &busErr) && busErr.Name == "org.freedesktop.DBus.Error.NoReply"
}

func proxyError(method string, err error) error {
	var busErr dbus.Error
	if errors.As(err, &busErr) {
		switch busErr.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
			return ErrNoProxy
		case proxyName + ".Error.NotServed":
			return fmt.Errorf("%w: %s", ErrNotServed, busErr.Error())
		case proxyName + ".Error.Timeout":
			return fmt.Errorf("%w: %s", ErrStillBusy, busErr.Error())
		}
	}
	return fmt.Errorf("cannot have the front proxy %s: %s", method, busReason(err))
}

// Route is what the proxy says of one project it serves.
type Route struct {
	Hash              string // of the route file it loaded
	Upstream          string // the generation that gets new requests: "main" or "next"
	Domains           []string
	InFlight          uint32
	Held              uint32  // requests waiting for the application's socket now
	Requests          uint64  // since the proxy started, like the other totals
	RequestRate       float64 // of requests a second, in the last minute
	HeldTotal         uint64
	Retried           uint64
	UpstreamFailures  uint64
	LastUpstreamError string
	RateLimited       uint64
	Shed              uint64 // requests refused because too many were in flight
	Maintenance       bool   // the project is closed for visitors
	Sent              uint64 // bytes of answers
	Received          uint64 // bytes of requests
	Failed            uint64 // answers with a status from 500
	Durations         []uint64
	IdleAfter         time.Duration // without a request, before it is stopped; 0: never
	LastUsed          time.Time     // when the last request for the application came or went; zero: none since the proxy started
}

// ProxySummary is what the proxy says of itself.
type ProxySummary struct {
	Connections  uint32
	WebSockets   uint32
	UnknownHosts uint64          // requests for hosts that no project has
	LinesDropped uint64          // of access logs
	Bounds       []time.Duration // Durations of a Route counts what took at most as long, and in the end the rest
}

// Summary asks the proxy how it is doing as a whole. Like Status, it starts no proxy.
func (p *Proxy) Summary(ctx context.Context) (ProxySummary, error) {
	var reply map[string]dbus.Variant
	call := p.call(ctx, dbus.FlagNoAutoStart, "Summary")
	if call.Err != nil {
		return ProxySummary{}, call.Err
	}
	if err := call.Store(&reply); err != nil {
		return ProxySummary{}, fmt.Errorf("cannot read the front proxy's answer: %w", err)
	}
	return readSummary(plain(reply)), nil
}

func readSummary(p properties) ProxySummary {
	s := ProxySummary{
		Connections: value[uint32](p, "connections"), WebSockets: value[uint32](p, "websockets"),
		UnknownHosts: value[uint64](p, "unknown_hosts"), LinesDropped: value[uint64](p, "lines_dropped"),
	}
	for _, us := range value[[]uint64](p, "duration_bounds") {
		s.Bounds = append(s.Bounds, time.Duration(us)*time.Microsecond)
	}
	return s
}

func plain(values map[string]dbus.Variant) properties {
	p := make(properties, len(values))
	for name, v := range values {
		p[name] = v.Value()
	}
	return p
}

// Status asks the proxy for every project it serves. It does not start a proxy that is not
// running: that is ErrNoProxy.
func (p *Proxy) Status(ctx context.Context) (map[string]Route, error) {
	var reply map[string]map[string]dbus.Variant
	call := p.call(ctx, dbus.FlagNoAutoStart, "Status")
	if call.Err != nil {
		return nil, call.Err
	}
	if err := call.Store(&reply); err != nil {
		return nil, fmt.Errorf("cannot read the front proxy's answer: %w", err)
	}
	routes := make(map[string]Route, len(reply))
	for name, values := range reply {
		routes[name] = readRoute(values)
	}
	return routes, nil
}

// Routes asks for the projects with these names, and for no other when it is only one. A project that is
// not served is missing.
func (p *Proxy) Routes(ctx context.Context, names ...string) (map[string]Route, error) {
	if len(names) != 1 {
		return p.Status(ctx)
	}
	route, err := p.Route(ctx, names[0])
	if errors.Is(err, ErrNotServed) {
		return map[string]Route{}, nil
	}
	return map[string]Route{names[0]: route}, err
}

// Route asks the proxy for one project. Like Status, it starts no proxy.
func (p *Proxy) Route(ctx context.Context, project string) (Route, error) {
	var reply map[string]dbus.Variant
	call := p.call(ctx, dbus.FlagNoAutoStart, "ProjectStatus", project)
	if call.Err != nil {
		return Route{}, call.Err
	}
	if err := call.Store(&reply); err != nil {
		return Route{}, fmt.Errorf("cannot read the front proxy's answer: %w", err)
	}
	return readRoute(reply), nil
}

func readRoute(values map[string]dbus.Variant) Route {
	p := plain(values)
	return Route{
		Hash:              p.text("hash"),
		Upstream:          p.text("upstream"),
		Domains:           value[[]string](p, "domains"),
		InFlight:          value[uint32](p, "in_flight"),
		Held:              value[uint32](p, "held"),
		Requests:          value[uint64](p, "requests"),
		RequestRate:       value[float64](p, "requests_per_second"),
		HeldTotal:         value[uint64](p, "held_total"),
		Retried:           value[uint64](p, "retried"),
		UpstreamFailures:  value[uint64](p, "upstream_failures"),
		LastUpstreamError: p.text("last_error"),
		RateLimited:       value[uint64](p, "rate_limited"),
		Shed:              value[uint64](p, "shed"),
		Maintenance:       value[bool](p, "maintenance"),
		Sent:              value[uint64](p, "sent"),
		Received:          value[uint64](p, "received"),
		Failed:            value[map[string]uint64](p, "responses")["5xx"],
		Durations:         value[[]uint64](p, "durations"),
		IdleAfter:         time.Duration(value[uint64](p, "idle_after_ms")) * time.Millisecond,
		LastUsed:          p.time("last_used"),
	}
}
