package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// memoryOf is what the processes of a control group use, without the file cache that the kernel
// would give up first (cgroups(7), memory.stat).
func memoryOf(group string) (int64, error) {
	content, err := os.ReadFile(filepath.Join(group, "memory.current"))
	if err != nil {
		return 0, err
	}
	used, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read memory.current: %w", err)
	}
	stat, err := os.ReadFile(filepath.Join(group, "memory.stat"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(stat)) {
		if value, ok := strings.CutPrefix(line, "inactive_file "); ok {
			cache, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			return used - cache, err
		}
	}
	return used, nil
}
