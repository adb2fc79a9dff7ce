// Package overlap replaces the running generation of a project by a new one while visitors are
// served: the next generation starts beside the old one, must load the application and answer,
// the proxy switches to it, the service itself restarts, and the proxy switches back. How systemd
// and the proxy are reached is left to the caller.
package overlap

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sandwich/units"
)

// Project is what a replacement needs to know of a project.
type Project struct {
	Name   string
	Domain string // the Host of the probe
	Page   string // the path that Probe asks for, for messages; "" is "/"
	Main   Address
	Next   Address
	Drain  time.Duration // how long requests in flight may take to end
}

// Address is where a generation listens.
type Address struct{ Network, Address string }

// Systemd is what a replacement needs of the service manager.
type Systemd interface {
	Start(ctx context.Context, units ...string) error
	Stop(ctx context.Context, units ...string) error
	Restart(ctx context.Context, units ...string) error
	ResetFailed(ctx context.Context, unit string) error
	// ActiveState is active, activating, failed, inactive, ... (systemctl(1)).
	ActiveState(ctx context.Context, unit string) (string, error)
	// StaysActive is an error when the unit leaves the active state within the time.
	StaysActive(ctx context.Context, unit string, d time.Duration) error
}

// Proxy is what a replacement needs of the front proxy.
type Proxy interface {
	// Upstream says which generation gets the project's requests: Main or Next.
	Upstream(ctx context.Context, project string) (string, error)
	// Switch sends new requests to a generation. It does not wait for those in flight.
	Switch(ctx context.Context, project, upstream string) error
	// Drain waits until no request is in flight with the generation that is not switched to, or
	// until the limit has passed.
	Drain(ctx context.Context, project string, limit time.Duration) error
}

// The generations of a project, as the proxy names them.
const (
	Main = "main" // sandwich-NAME.service
	Next = "next" // sandwich-NAME.next.service
)

// settleTime is how long the next generation must stay up before visitors are sent to it: an
// application that ends a moment after it said READY is not switched to.
const settleTime = 1500 * time.Millisecond

// Replacer replaces generations. Its methods are safe for concurrent use with different projects.
type Replacer struct {
	Systemd Systemd
	Proxy   Proxy
	// Probe asks the application at an address for a page and gives the status.
	Probe func(ctx context.Context, a Address, domain string) (status int, err error)
	// Renew gives the service itself its new code while the next generation serves; nil restarts it.
	Renew func(ctx context.Context) error
	// Report is told of each step before it is done; what it gives is called after.
	Report func(project, step string) (done func())
}

// Kept is a failure after which the old generation serves as if nothing had been tried.
type Kept struct{ Cause error }

func (e *Kept) Error() string { return e.Cause.Error() }
func (e *Kept) Unwrap() error { return e.Cause }

// Stranded is a failure after which the next generation serves: nobody is turned away, but the
// project's own service is not what it should be. The next replacement finishes the work.
type Stranded struct{ Cause error }

func (e *Stranded) Error() string { return e.Cause.Error() }
func (e *Stranded) Unwrap() error { return e.Cause }

// Replace replaces the generation that runs. It first finishes what a killed replacement left. A
// service that does not run has nothing to keep: it is simply restarted.
func (r *Replacer) Replace(ctx context.Context, p Project) error {
	if err := r.Finish(ctx, p); err != nil {
		return err
	}
	state, err := r.Systemd.ActiveState(ctx, units.Service(p.Name))
	if err != nil {
		return err
	}
	// The hook of "systemctl reload" finds its own service reloading: it serves.
	if state != "active" && state != "reloading" {
		return r.Systemd.Restart(ctx, units.Service(p.Name))
	}
	one := &replacement{Replacer: r, project: p}
	if err := one.walk(ctx, one.bringNext()); err != nil {
		return one.giveUp(context.WithoutCancel(ctx), err)
	}
	if err := one.walk(ctx, one.bringMain()); err != nil {
		return &Stranded{Cause: err}
	}
	return nil
}

// Finish brings a project whose replacement was killed half-way back to the steady state, in
// which only its own service runs. Without such remains it does nothing.
func (r *Replacer) Finish(ctx context.Context, p Project) error {
	upstream, err := r.Proxy.Upstream(ctx, p.Name)
	if err != nil {
		return err
	}
	one := &replacement{Replacer: r, project: p}
	if upstream == Next {
		if err := one.walk(ctx, one.bringMain()); err != nil {
			return &Stranded{Cause: err}
		}
		return nil
	}
	for _, unit := range []string{units.NextService(p.Name), units.NextSocket(p.Name)} {
		state, err := r.Systemd.ActiveState(ctx, unit)
		if err != nil {
			return err
		}
		if state != "inactive" {
			return one.walk(ctx, one.dropNext())
		}
	}
	return nil
}

// replacement is one Replace on its way.
type replacement struct {
	*Replacer
	project  Project
	before   int // status that the old generation answers the probe with
	switched bool
}

// step is one thing done, in the words a person is told.
type step struct {
	name string
	do   func(ctx context.Context) error
}

func (r *replacement) walk(ctx context.Context, steps []step) error {
	for _, s := range steps {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		done := r.Report(r.project.Name, s.name)
		err := s.do(ctx)
		done()
		if err != nil {
			return err
		}
	}
	return nil
}

// bringNext brings visitors to the next generation. Until it is done the old one serves.
func (r *replacement) bringNext() []step {
	return []step{
		{"ask the running generation for a page", r.probeOld},
		{"start the next generation beside it", r.startNext},
		{"ask the next generation for a page", r.probeNext},
		{"see that the next generation stays up", r.settle},
		{"switch new requests to the next generation", r.switchTo(Next)},
		{"wait for the old generation's last requests", r.drain},
		{"see that the next generation is still up", r.stillUp},
	}
}

// bringMain brings visitors back to the project's own service, new by now.
func (r *replacement) bringMain() []step {
	return append([]step{
		{"give the service its new code", r.renewMain},
		{"ask the service for a page", r.probeMain},
		{"switch new requests back to the service", r.switchTo(Main)},
	}, r.dropNext()...)
}

func (r *replacement) dropNext() []step {
	return []step{
		{"wait for the next generation's last requests", r.drain},
		{"stop the next generation", r.stopNext},
	}
}

// giveUp takes the next generation away; the old one never stopped serving.
func (r *replacement) giveUp(ctx context.Context, cause error) error {
	steps := r.dropNext()[1:]
	if r.switched {
		steps = append([]step{{"switch back to the old generation", r.switchTo(Main)}}, r.dropNext()...)
	}
	if err := r.walk(ctx, steps); err != nil {
		return errors.Join(cause, fmt.Errorf("cannot take the next generation away: %w", err))
	}
	return &Kept{Cause: cause}
}

func (r *replacement) startNext(ctx context.Context) error {
	if err := r.Systemd.Start(ctx, units.NextSocket(r.project.Name)); err != nil {
		return err
	}
	return r.Systemd.Start(ctx, units.NextService(r.project.Name))
}

// stopNext stops the socket first: with it open, a late request would start the service again.
func (r *replacement) stopNext(ctx context.Context) error {
	service, socket := units.NextService(r.project.Name), units.NextSocket(r.project.Name)
	if err := errors.Join(r.Systemd.Stop(ctx, socket), r.Systemd.Stop(ctx, service)); err != nil {
		return err
	}
	return errors.Join(r.Systemd.ResetFailed(ctx, service), r.Systemd.ResetFailed(ctx, socket))
}

func (r *replacement) renewMain(ctx context.Context) error {
	if r.Renew != nil {
		return r.Renew(ctx)
	}
	return r.Systemd.Restart(ctx, units.Service(r.project.Name))
}

func (r *replacement) settle(ctx context.Context) error {
	return r.Systemd.StaysActive(ctx, units.NextService(r.project.Name), settleTime)
}

func (r *replacement) stillUp(ctx context.Context) error {
	return r.Systemd.StaysActive(ctx, units.NextService(r.project.Name), 0)
}

func (r *replacement) switchTo(upstream string) func(context.Context) error {
	return func(ctx context.Context) error {
		// An answer that is lost may belong to a switch that was made.
		r.switched = r.switched || upstream == Next
		return r.Proxy.Switch(ctx, r.project.Name, upstream)
	}
}

func (r *replacement) drain(ctx context.Context) error {
	return r.Proxy.Drain(ctx, r.project.Name, r.project.Drain)
}
