package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sandwich/units"
)

// usage is what a project's processes use.
type usage struct {
	cpu     time.Duration // since the slice was made
	memory  uint64        // bytes; 0 where it is not counted
	workers int           // processes of the web service but its main one
}

// cgroups is where version 2 of the control groups is mounted: on its own, or beside version 1.
func cgroups() string {
	for _, dir := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err == nil {
			return dir
		}
	}
	return "/sys/fs/cgroup"
}

// usageOf reads the files of a project's slice, which everybody may: five hundred projects are not
// asked of systemd each second.
func usageOf(root, project string) (u usage) {
	slice := filepath.Join(root, "sandwich.slice", units.Slice(project))
	if stat, err := os.ReadFile(filepath.Join(slice, "cpu.stat")); err == nil {
		u.cpu = cpuOf(stat)
	}
	if memory, err := os.ReadFile(filepath.Join(slice, "memory.current")); err == nil {
		u.memory, _ = strconv.ParseUint(string(bytes.TrimSpace(memory)), 10, 64)
	}
	for _, service := range []string{units.Service(project), units.NextService(project)} {
		if procs, err := os.ReadFile(filepath.Join(slice, service, "cgroup.procs")); err == nil {
			u.workers += max(bytes.Count(procs, []byte("\n"))-1, 0)
		}
	}
	return u
}

func cpuOf(stat []byte) time.Duration {
	for line := range strings.Lines(string(stat)) {
		if value, ok := strings.CutPrefix(line, "usage_usec "); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return time.Duration(n) * time.Microsecond
		}
	}
	return 0
}
