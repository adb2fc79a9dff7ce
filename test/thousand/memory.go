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
		fmt.Printf("| %s | %s | %s |\n", what, size(bytes), size(bytes/int64(n)))
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
	out, err := exec.CommandContext(ctx, "systemctl", "show", "-P", "MainPID", "sandwich-proxy.service").Output()
	if err != nil {
		return 0, 0, err
	}
	pid := strings.TrimSpace(string(out))
	systemd, proxy = resident("1"), resident(pid)
	for range 10 { // nothing tells when it has
		time.Sleep(time.Second)
		proxy = min(proxy, resident(pid))
	}
	if systemd == 0 || proxy == 0 {
		return 0, 0, errors.New("cannot read how much memory PID 1 and the proxy have")
	}
	return systemd, proxy, nil
}

// resident is the memory of a process, of what it shares its part.
func resident(pid string) int64 {
	text, _ := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, "Pss:"); is {
			kb, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kb << 10
		}
	}
	return 0
}

// processesOf are the processes of a user.
func processesOf(user string) (pids []string) {
	out, _ := exec.Command("pgrep", "-u", user).Output()
	return strings.Fields(string(out))
}

// underSupervisor is the memory of a supervisord for trivial programs, and that of a few sites.
func (m *measurement) underSupervisor(ctx context.Context) (theirs, each int64, err error) {
	s, err := startSupervisor(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer s.stop()
	pid := strconv.Itoa(s.manager().pid)
	before := resident(pid)
	if err := s.write(trivial(m.most)); err != nil {
		return 0, 0, err
	}
	if _, err := s.control(ctx, "update"); err != nil {
		return 0, 0, err
	}
	theirs = resident(pid) - before
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
		each += resident(pid)
	}
	return theirs, each, nil
}

func size(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

// site is a Django project that answers at once: test/scale has put it there.
var site = filepath.Join("/srv", siteName)

const siteName = "tiny"
