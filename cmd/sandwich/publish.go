package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units/apply"
	"sandwich/units/release"
)

// publish writes down the deploy and has the proxy serve the static files of the new release beside
// those of the old one, before the first page asks for them. undo takes both back.
func (d *deploy) publish(ctx context.Context, h *host) (undo func(context.Context) error, err error) {
	before, err := release.Read(release.Dir, d.project)
	if err != nil {
		return nil, err
	}
	if err := d.history.Write(release.Dir, d.project); err != nil {
		return nil, err
	}
	var old []byte
	if d.link != "" {
		old, err = d.serveFiles(ctx, h, d.history)
	}
	undo = func(ctx context.Context) error {
		err := before.Write(release.Dir, d.project)
		if old != nil {
			err = errors.Join(err, d.serveRoute(ctx, h, old))
		}
		return err
	}
	if err != nil {
		return nil, errors.Join(err, undo(context.WithoutCancel(ctx)))
	}
	return undo, nil
}

// serveFiles compiles the route for the releases of a history; it gives the old route, nil when
// nothing had to change.
func (d *deploy) serveFiles(ctx context.Context, h *host, history release.History) (old []byte, err error) {
	path := filepath.Join(apply.SystemDirs.Routes, d.project+".json")
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route: %w", err)
	}
	compiled, err := route.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("cannot read the compiled route of %s: %w", d.project, err)
	}
	for i := range compiled.Static {
		compiled.Static[i].Earlier = d.earlier(compiled.Static[i].Root, history.Last(earlierReleases, release.There))
	}
	changed, err := route.Encode(compiled)
	if err != nil {
		return nil, fmt.Errorf("cannot compile the route of %s: %w", d.project, err)
	}
	if string(changed) == string(content) {
		return nil, nil
	}
	return content, d.serveRoute(ctx, h, changed)
}

func (d *deploy) serveRoute(ctx context.Context, h *host, content []byte) error {
	if err := apply.WriteFile(filepath.Join(apply.SystemDirs.Routes, d.project+".json"), content); err != nil {
		return err
	}
	if err := h.proxy.Apply(ctx, d.project); err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return err
	}
	return nil
}
