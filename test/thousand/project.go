package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	projectsDir = "/etc/sandwich/projects"
	program     = "/usr/local/bin/thousand"
	owner       = "thousand"
)

func name(i int) string { return fmt.Sprintf("p%04d", i) }

// text is a project file; more is what a change adds to it.
func text(name, more string) string {
	return fmt.Sprintf("root    = %q\ndomains = [%q]\ncommand = [%q, \"application\"]\n%s\ntls {\n  mode = \"internal\"\n}\n",
		"/srv/"+name, name+".example", program, more)
}

// prepare makes what all projects need.
func (m *measurement) prepare(ctx context.Context) error {
	if err := unfiltered(ctx); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if self != program {
		if err := copyFile(self, program); err != nil {
			return err
		}
	}
	if exec.CommandContext(ctx, "id", owner).Run() != nil {
		if err := do(ctx, "useradd", "--system", "--user-group", owner); err != nil {
			return err
		}
	}
	for i := range m.most {
		dir := "/srv/" + name(i)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return do(ctx, "sh", "-c", "chown "+owner+": /srv/p*")
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func do(ctx context.Context, name string, args ...string) error {
	if out, err := exec.CommandContext(ctx, name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, tail(string(out)))
	}
	return nil
}

// write has exactly n projects have files.
func (m *measurement) write(n int) error {
	for i := range m.most {
		path := filepath.Join(projectsDir, name(i)+".hcl")
		var err error
		if i < n {
			err = writeProject(name(i), "")
		} else {
			err = os.Remove(path)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// names are those of the first n projects.
func names(n int) (list []string) {
	for i := range n {
		list = append(list, name(i))
	}
	return list
}

// have enables all projects, unless they are, and leaves them idle.
func (m *measurement) have(ctx context.Context) error {
	if m.there == m.most {
		return nil
	}
	if err := m.write(m.most); err != nil {
		return err
	}
	spent, err := systemd.spend(ctx, "sandwich", append([]string{"enable"}, names(m.most)...)...)
	if err != nil {
		return err
	}
	fmt.Println(costHeader)
	row(fmt.Sprintf("enable %d", m.most), "sandwich", []cost{spent}, []cost{spent})
	m.there = m.most
	return m.rest(ctx)
}

// rest stops the services. Their sockets listen on.
func (m *measurement) rest(ctx context.Context) error {
	b, err := dial(ctx)
	if err != nil {
		return err
	}
	defer b.conn.Close()
	var services []string
	for _, name := range names(m.there) {
		services = append(services, "sandwich-"+name+".service")
	}
	return b.stop(services)
}

// clear takes all projects away.
func (m *measurement) clear(ctx context.Context) error {
	if m.there == 0 {
		return nil
	}
	if err := m.rest(ctx); err != nil {
		return err
	}
	err := do(ctx, "sandwich", append([]string{"disable"}, names(m.there)...)...)
	m.there = 0
	return err
}
