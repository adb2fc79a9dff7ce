package main

import (
	"context"
	"errors"
	"os"
	"time"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/overlap"
)

// hold keeps visitors waiting, and lets those who are being served finish.
func (d *deploy) hold(ctx context.Context) error {
	compiled, err := compiledRoute(d.project)
	if err != nil {
		return err
	}
	limit := time.Duration(compiled.HoldMS) * time.Millisecond
	d.tell("%s: visitors wait, for at most %s", d.project, limit)
	if err := d.host.proxy.Hold(ctx, d.project, limit); err != nil {
		return err
	}
	return front{d.host.proxy}.Drain(ctx, d.project, min(compiled.Drain(), limit))
}

func (d *deploy) letGo(ctx context.Context) {
	if !d.held {
		return
	}
	d.held = false
	if err := d.host.proxy.Release(ctx, d.project); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		d.tell("%v, ignoring: visitors wait no longer than proxy.hold", err)
	}
}

// takeOver brings visitors to the release, then the workers.
func (d *deploy) takeOver(ctx context.Context) error {
	err := d.changing(ctx, d.verb, func(h *host) error { return d.switchOver(ctx, h) })
	if err != nil {
		return err
	}
	d.letGo(ctx)
	d.say("%s: %s serves", d.project, d.to)
	if names, err := workers(d.project); err == nil && len(names) > 0 {
		defer d.slow(d.project + ": restart workers")()
		return restartWorkers(ctx, d.host, d.project)
	}
	return nil
}

// switchOver changes the generations. The link is moved while the next generation, which began in
// the new release, serves: until then a crash brings the old release back, from then on the new.
func (d *deploy) switchOver(ctx context.Context, h *host) error {
	if err := openSocket(ctx, h, d.project); err != nil {
		return err
	}
	undo, err := d.publish(ctx, h)
	if err != nil {
		return err
	}
	if err := d.generations(ctx, h); err != nil {
		if now, _ := d.current(); d.link == "" || now == d.from {
			err = errors.Join(err, undo(context.WithoutCancel(ctx)))
		}
		return err
	}
	return d.probeProject(ctx, h, d.project)
}

func (d *deploy) generations(ctx context.Context, h *host) error {
	p, twice, err := overlapping(d.project)
	if err != nil {
		return err
	}
	if !twice {
		return d.atOnce(ctx, h)
	}
	unlock, err := lockGenerations(ctx, d.project, "sandwich "+d.verb, d.waiting)
	if err != nil {
		return err
	}
	defer unlock()
	next := units.NextRelease(d.project)
	defer os.Remove(next)
	replacer := d.replacer(h)
	if err := replacer.Finish(ctx, p); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return err
	}
	if d.link != "" {
		if err := apply.WriteFile(next, d.environment(d.to)); err != nil {
			return err
		}
	}
	state, err := h.systemd.ActiveState(ctx, units.Service(d.project))
	if err != nil {
		return err
	}
	if state != "active" {
		return d.atOnce(ctx, h) // nobody is served who could notice
	}
	p.Page, replacer.Probe = d.health, overlap.ProbePage(d.health)
	replacer.Renew = func(ctx context.Context) error { return d.renew(ctx, h) }
	err = replacer.Replace(ctx, p)
	if errors.Is(err, dbusctl.ErrNoProxy) {
		return d.atOnce(ctx, h)
	}
	return err
}

// renew gives the service itself the new release, while the next generation has the visitors.
func (d *deploy) renew(ctx context.Context, h *host) error {
	d.letGo(ctx)
	if err := d.move(d.to); err != nil {
		return err
	}
	return h.systemd.Restart(ctx, units.Service(d.project))
}

// atOnce restarts the only generation there is, and goes back when it does not come up.
func (d *deploy) atOnce(ctx context.Context, h *host) error {
	if err := d.move(d.to); err != nil {
		return err
	}
	err := h.systemd.Restart(ctx, units.Service(d.project))
	if err == nil || d.link == "" || d.to == d.from {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return errors.Join(err, d.move(d.from), h.systemd.Restart(ctx, units.Service(d.project)))
}

// move has the link lead to a release.
func (d *deploy) move(to string) error {
	if d.link == "" {
		return nil
	}
	if now, err := d.current(); err != nil || now == to {
		return err
	}
	tree, err := d.tree()
	if err != nil {
		return err
	}
	return apply.MoveLink(d.link, tree, to)
}
