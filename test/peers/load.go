package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// connections of the visitors.
const connections = 8

// load has h2load ask for a page again and again, as fast as it is answered.
func (s *stage) load(ctx context.Context, w work, one *server) (result, error) {
	if _, err := s.h2load(ctx, w, one, max(w.requests/20, connections)); err != nil {
		return result{}, err
	}
	before, application, began := one.cpu(), s.applicationCPU(), time.Now()
	waits, err := s.h2load(ctx, w, one, w.requests)
	took := time.Since(began)
	if err != nil {
		return result{}, err
	}
	cpu, n := one.cpu()-before, float64(len(waits))
	application = s.applicationCPU() - application
	slices.Sort(waits)
	return result{
		cpu: time.Duration(float64(cpu) / n), share: cpu.Seconds() / (cpu + application).Seconds(),
		rate: n / took.Seconds(), bytes: n * float64(s.sizes[w.path]) / took.Seconds(),
		p99: waits[len(waits)*99/100], memory: one.memory(),
	}, nil
}

// h2load gives how long each request took. All must have succeeded.
func (s *stage) h2load(ctx context.Context, w work, one *server, n int) ([]time.Duration, error) {
	log := filepath.Join(s.dir, "waits")
	os.Remove(log)
	args := []string{"-n", strconv.Itoa(n), "-c", strconv.Itoa(connections), "-t", "1", "--log-file=" + log}
	if w.secure {
		args = append(args, "-m", strconv.Itoa(w.parallel), "--connect-to="+one.https, "https://"+w.host()+w.path)
	} else {
		args = append(args, "--h1", "--connect-to="+one.http, "http://"+w.host()+w.path)
	}
	out, err := exec.CommandContext(ctx, "h2load", args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("h2load: %w\n%s", err, out)
	}
	if !strings.Contains(string(out), fmt.Sprintf("%d done, %d succeeded", n, n)) {
		return nil, fmt.Errorf("not every request succeeded:\n%s", out)
	}
	return readWaits(log)
}

// readWaits reads h2load's log: when a request began, its status, how many microseconds it took.
func readWaits(path string) (waits []time.Duration, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		us, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, err
		}
		waits = append(waits, time.Duration(us)*time.Microsecond)
	}
	return waits, nil
}
