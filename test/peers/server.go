package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sandwich/test/measure"
)

var serverNames = []string{"nginx", "haproxy", "caddy", "sandwich"}

// server is one of the peers, on the first processor.
type server struct {
	name        string
	http, https string // addresses
	files       bool   // it serves files
	command     []string
	env         []string
	sockets     []*os.File // that it is given by whom starts it, as by systemd
	log         string
	process     *exec.Cmd
}

func (one *server) start(ctx context.Context) error {
	log, err := os.Create(one.log)
	if err != nil {
		return err
	}
	defer log.Close()
	one.process = exec.CommandContext(ctx, "taskset", append([]string{"-c", "0"}, one.command...)...)
	one.process.Env = append(os.Environ(), one.env...)
	one.process.Stdout, one.process.Stderr, one.process.ExtraFiles = log, log, one.sockets
	one.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	if err := one.process.Start(); err != nil {
		return err
	}
	return one.await()
}

// await returns when both addresses answer.
func (one *server) await() error {
	deadline := time.Now().Add(30 * time.Second)
	for _, address := range []string{one.http, one.https} {
		for {
			c, err := net.Dial("tcp", address)
			if err == nil {
				c.Close()
				break
			}
			if time.Now().After(deadline) {
				said, _ := os.ReadFile(one.log)
				return fmt.Errorf("it does not listen on %s: %w\n%s", address, err, said)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	return nil
}

// stop ends the server and those that it has started.
func (one *server) stop() {
	if one.process != nil {
		group := -one.process.Process.Pid
		syscall.Kill(group, syscall.SIGKILL)
		one.process.Wait()
		for syscall.Kill(group, 0) == nil { // those that it has started still accept for a moment
			time.Sleep(time.Millisecond)
		}
		one.process = nil
	}
}

func (one *server) restart(ctx context.Context) error {
	one.stop()
	return one.start(ctx)
}

// cpu is the processor time that all its processes have used until now.
func (one *server) cpu() (sum time.Duration) {
	for _, pid := range one.pids() {
		sum += measure.CPU(pid)
	}
	return sum
}

// memory is what its processes use, of what they share their part.
func (one *server) memory() (sum int64) {
	for _, pid := range one.pids() {
		sum += measure.Memory(pid)
	}
	return sum
}

// pids are its processes.
func (one *server) pids() []int { return processesOf(one.process.Process.Pid) }

// processesOf are those of a process group.
func processesOf(group int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, _ := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(text), ") ")
		// State, parent, process group: proc(5).
		if fields := strings.Fields(rest); len(fields) > 2 && fields[2] == strconv.Itoa(group) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}
