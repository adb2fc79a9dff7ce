package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sandwich/test/measure"
)

// gunicorns is how many sites run under supervisor: each has the same memory for itself.
const gunicorns = 5

// memory is what many idle projects have of it, and a few that supervisor keeps up.
func memory(ctx context.Context, m *measurement) error {
	if err := m.clear(ctx); err != nil {
		return err
	}
	// What PID 1 was told before is forgotten, what it has room for, too.
	if err := do(ctx, "sh", "-c", "systemctl daemon-reexec; systemctl restart sandwich-proxy"); err != nil {
		return err
	}
	systemdBefore, proxyBefore, err := residents(ctx)
	if err != nil {
		return err
	}
	if err := m.have(ctx); err != nil {
		return err
	}
	systemdAfter, proxyAfter, err := residents(ctx)
	if err != nil {
		return err
	}
	left := processesOf(owner)
	if err := do(ctx, "systemctl", "restart", "sandwich-proxy"); err != nil {
		return err
	}
	_, proxyAnew, err := residents(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("\n| memory of %d idle projects | all | per project |\n|---|---:|---:|\n", m.most)
	line := func(what string, bytes int64, n int) {
		fmt.Printf("| %s | %s | %s |\n", what, measure.Size(bytes), measure.Size(bytes/int64(n)))
	}
	line("sandwich-proxy, that has been told of each", proxyAfter-proxyBefore, m.most)
	line("sandwich-proxy, started anew", proxyAnew-proxyBefore, m.most)
	line("PID 1", systemdAfter-systemdBefore, m.most)
	fmt.Printf("| processes of applications | %d | |\n", len(left))
	if m.alone {
		return nil
	}
	theirs, each, err := m.underSupervisor(ctx)
	if err != nil {
		return err
	}
	line("supervisord", theirs, m.most)
	line(fmt.Sprintf("%d sites in gunicorn under supervisor, one worker each", gunicorns), each, gunicorns)
	return nil
}

// residents are the memory of PID 1 and of the proxy, when it had time to give some back.
func residents(ctx context.Context) (systemd, proxy int64, err error) {
	group, err := exec.CommandContext(ctx, "systemctl", "show", "-P", "ControlGroup", "sandwich-proxy.service").Output()
	if err != nil {
		return 0, 0, err
	}
	processes := filepath.Join("/sys/fs/cgroup", strings.TrimSpace(string(group)), "cgroup.procs")
	systemd, proxy = measure.Memory(1), ofAll(processes)
	for range 10 { // nothing tells when it has
		time.Sleep(time.Second)
		proxy = min(proxy, ofAll(processes))
	}
	if systemd == 0 || proxy == 0 {
		return 0, 0, errors.New("cannot read how much memory PID 1 and the proxy have")
	}
	return systemd, proxy, nil
}

// ofAll is the memory of the processes whose numbers are in a file.
func ofAll(path string) (sum int64) {
	text, _ := os.ReadFile(path)
	for _, pid := range numbers(text) {
		sum += measure.Memory(pid)
	}
	return sum
}

func numbers(text []byte) (list []int) {
	for _, field := range strings.Fields(string(text)) {
		if n, err := strconv.Atoi(field); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// processesOf are the processes of a user.
func processesOf(user string) (pids []int) {
	out, _ := exec.Command("pgrep", "-u", user).Output()
	return numbers(out)
}

// underSupervisor is the memory of a supervisord for trivial programs, and that of a few sites.
func (m *measurement) underSupervisor(ctx context.Context) (theirs, each int64, err error) {
	s, err := startSupervisor(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer s.stop()
	pid := s.manager().pid
	before := measure.Memory(pid)
	if err := s.write(trivial(m.most)); err != nil {
		return 0, 0, err
	}
	if _, err := s.control(ctx, "update"); err != nil {
		return 0, 0, err
	}
	theirs = measure.Memory(pid) - before
	sites := map[string]string{}
	for i := range gunicorns {
		sites[fmt.Sprintf("site%d", i)] = fmt.Sprintf("gunicorn --chdir %s --workers 1 --bind unix:/tmp/site%d.sock tiny.wsgi:application", site, i)
	}
	if err := s.write(sites); err != nil {
		return 0, 0, err
	}
	if _, err := s.control(ctx, "update"); err != nil {
		return 0, 0, err
	}
	for i := range gunicorns {
		if _, err := firstByte(ctx, "unix", fmt.Sprintf("/tmp/site%d.sock", i)); err != nil {
			return 0, 0, err
		}
	}
	for _, pid := range processesOf(owner) {
		each += measure.Memory(pid)
	}
	return theirs, each, nil
}

// site is a Django project that answers at once: test/scale has put it there.
var site = filepath.Join("/srv", siteName)

const siteName = "tiny"
