package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units"
)

// hookRest stops a project that the proxy names on the standard input, and answers "stopped" or why
// not. It runs as root and believes the proxy nothing: only a project that is enabled with an idle
// block can be stopped so, and of it only the web service.
func (t *terminal) hookRest(ctx context.Context, in io.Reader) error {
	line, err := bufio.NewReader(io.LimitReader(in, 256)).ReadString('\n')
	if err != nil {
		return fmt.Errorf("cannot read a project's name: %w", err)
	}
	if err := stopIdle(ctx, strings.TrimSuffix(line, "\n")); err != nil {
		t.say("%v", err)
		return &exitError{code: exitFailed, err: err}
	}
	t.say("stopped")
	return nil
}

// stopIdle stops the web service of a project with an idle block.
func stopIdle(ctx context.Context, name string) error {
	idle, err := hasIdle(name)
	if err != nil {
		return err
	}
	if !idle {
		return fmt.Errorf("%s has no idle block", name)
	}
	unlock, err := lockGenerations(ctx, name, "sandwich idle", func(holder string) error {
		return fmt.Errorf("%s is at work on %s", holder, name)
	})
	if err != nil {
		return err
	}
	defer unlock()
	systemd, err := dbusctl.Connect(ctx)
	if err != nil {
		return err
	}
	defer systemd.Close()
	return systemd.Stop(ctx, units.Service(name))
}

var errNotEnabled = errors.New("it is not enabled")

// hasIdle says whether the compiled route of a project asks for it to be stopped.
func hasIdle(name string) (bool, error) {
	if err := route.CheckName(name); err != nil {
		return false, err
	}
	compiled, err := compiledRoute(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%s: %w", name, errNotEnabled)
	}
	if err != nil {
		return false, err
	}
	return compiled.Name == name && compiled.IdleMS > 0, nil
}
