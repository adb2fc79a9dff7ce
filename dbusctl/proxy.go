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

// call bounds every call: a proxy that hangs must not hang the command.
func (p *Proxy) call(ctx context.Context, flags dbus.Flags, method string, args ...any) *dbus.Call {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	call := p.conn.Object(proxyName, proxyPath).CallWithContext(ctx, proxyName+"."+method, flags, args...)
	if call.Err != nil {
		call.Err = proxyError(method, call.Err)
	}
	return call
}

func proxyError(method string, err error) error {
	var busErr dbus.Error
	if errors.As(err, &busErr) {
		switch busErr.Name {
		case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
			return ErrNoProxy
		}
	}
	return fmt.Errorf("cannot have the front proxy %s: %s", method, busReason(err))
}

// Route is what the proxy says of one project it serves.
type Route struct {
	Hash              string // of the route file it loaded
	Domains           []string
	InFlight          uint32
	Held              uint32 // requests waiting for the application's socket now
	Requests          uint64 // since the proxy started, like the other totals
	HeldTotal         uint64
	Retried           uint64
	UpstreamFailures  uint64
	LastUpstreamError string
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

func readRoute(values map[string]dbus.Variant) Route {
	p := make(properties, len(values))
	for name, v := range values {
		p[name] = v.Value()
	}
	return Route{
		Hash:              p.text("hash"),
		Domains:           value[[]string](p, "domains"),
		InFlight:          value[uint32](p, "in_flight"),
		Held:              value[uint32](p, "held"),
		Requests:          value[uint64](p, "requests"),
		HeldTotal:         value[uint64](p, "held_total"),
		Retried:           value[uint64](p, "retried"),
		UpstreamFailures:  value[uint64](p, "upstream_failures"),
		LastUpstreamError: p.text("last_error"),
	}
}
