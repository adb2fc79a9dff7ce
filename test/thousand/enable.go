package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// enable has projects enabled by sandwich, by bare calls to systemd, and by supervisor.
func enable(ctx context.Context, m *measurement) error {
	fmt.Println(costHeader)
	for _, n := range m.sizes {
		if err := m.enableSome(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) enableSome(ctx context.Context, n int) error {
	if err := m.clear(ctx); err != nil {
		return err
	}
	if err := m.write(n); err != nil {
		return err
	}
	kept, err := os.MkdirTemp("", "units")
	if err != nil {
		return err
	}
	defer os.RemoveAll(kept)
	var ours, bare, theirs, gone []cost
	for range m.rounds {
		up, down, err := m.bySandwich(ctx, n, kept)
		if err != nil {
			return err
		}
		ours, gone = append(ours, up), append(gone, down)
		least, err := byBareCalls(ctx, kept)
		if err != nil {
			return err
		}
		bare = append(bare, least)
		if m.alone {
			continue
		}
		other, err := bySupervisor(ctx, n)
		if err != nil {
			return err
		}
		theirs = append(theirs, other)
	}
	what := fmt.Sprintf("enable %d", n)
	row(what, "bare D-Bus calls", bare, bare)
	row(what, "sandwich", ours, bare)
	if !m.alone {
		row(what, "supervisorctl update", theirs, bare)
	}
	row(fmt.Sprintf("disable %d", n), "sandwich (idle)", gone, gone)
	return nil
}

// bySandwich also keeps the units that it has written, in a directory, and takes the projects away again.
func (m *measurement) bySandwich(ctx context.Context, n int, kept string) (up, down cost, err error) {
	if up, err = systemd.spend(ctx, "sandwich", append([]string{"enable"}, names(n)...)...); err != nil {
		return up, down, err
	}
	m.there = n
	paths, _ := filepath.Glob(unitsDir + "/sandwich-p[0-9]*.*")
	for _, path := range paths {
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			continue // what systemctl enable makes
		}
		if err := copyFile(path, filepath.Join(kept, filepath.Base(path))); err != nil {
			return up, down, err
		}
	}
	if err := m.rest(ctx); err != nil {
		return up, down, err
	}
	down, err = systemd.spend(ctx, "sandwich", append([]string{"disable"}, names(n)...)...)
	m.there = 0
	return up, down, err
}

func byBareCalls(ctx context.Context, kept string) (cost, error) {
	up, err := systemd.spend(ctx, program, "bare", "enable", kept)
	if err != nil {
		return up, err
	}
	return up, do(ctx, program, "bare", "disable", kept)
}

func bySupervisor(ctx context.Context, n int) (cost, error) {
	s, err := startSupervisor(ctx)
	if err != nil {
		return cost{}, err
	}
	defer s.stop()
	if err := s.write(trivial(n)); err != nil {
		return cost{}, err
	}
	return s.control(ctx, "update")
}
