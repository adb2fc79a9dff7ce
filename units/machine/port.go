package machine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Holder names the process that listens on a TCP port, "nginx (pid 12)"; "" when nobody does. Only
// root sees the processes of others: without it the answer may be "another user's program".
func Holder(port uint16) string {
	inode := ""
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if found := listener(string(content), port); found != "" {
			inode = found
			break
		}
	}
	if inode == "" {
		return ""
	}
	if who := process("/proc", inode); who != "" {
		return who
	}
	return "another user's program"
}

// listening is the state of a listening socket (net/tcp_states.h).
const listening = "0A"

// listener gives the inode of the socket that listens on a port, from /proc/net/tcp (proc_net_tcp(5)).
func listener(table string, port uint16) string {
	lines := bufio.NewScanner(strings.NewReader(table))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		_, text, _ := strings.Cut(fields[1], ":")
		if n, err := strconv.ParseUint(text, 16, 16); err == nil && uint16(n) == port {
			return fields[9]
		}
	}
	return ""
}

// process finds who holds a socket. systemd holds those of its units: it is named only when nobody else does.
func process(proc, inode string) string {
	links, _ := filepath.Glob(filepath.Join(proc, "[0-9]*/fd/*"))
	var names []string
	for _, link := range links {
		target, err := os.Readlink(link)
		if err != nil || target != "socket:["+inode+"]" {
			continue
		}
		pid := filepath.Base(filepath.Dir(filepath.Dir(link)))
		name, _ := os.ReadFile(filepath.Join(proc, pid, "comm"))
		names = append(names, fmt.Sprintf("%s (pid %s)", strings.TrimSpace(string(name)), pid))
	}
	if len(names) == 0 {
		return ""
	}
	if other := slices.IndexFunc(names, func(n string) bool { return !strings.HasPrefix(n, "systemd ") }); other >= 0 {
		return names[other]
	}
	return names[0]
}
