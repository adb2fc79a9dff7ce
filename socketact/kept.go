package socketact

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

// Lifeline is the serving process's end of the line to its keeper.
type Lifeline struct{ conn net.Conn }

// Kept is the line to the keeper that started this process, or nil when none did. It makes what
// systemd said to the keeper this process's own, and must come before Listeners and Watchdog.
func Kept() (*Lifeline, error) {
	text, ok := os.LookupEnv(lifelineVar)
	if !ok {
		return nil, nil
	}
	os.Unsetenv(lifelineVar)
	fd, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", lifelineVar, err)
	}
	adopt()
	file := os.NewFile(uintptr(fd), "lifeline")
	defer file.Close()
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, fmt.Errorf("cannot use lifeline: %w", err)
	}
	return &Lifeline{conn}, nil
}

// adopt says that this process is the one that systemd meant.
func adopt() {
	pid := strconv.Itoa(os.Getpid())
	os.Setenv("LISTEN_PID", pid)
	if os.Getenv("WATCHDOG_PID") != "" {
		os.Setenv("WATCHDOG_PID", pid)
	}
}

// Wait returns when the keeper has ended, or after Cut.
func (l *Lifeline) Wait() { io.Copy(io.Discard, l.conn) }

// Cut tells the keeper that this process serves no more, so that the next one is started.
func (l *Lifeline) Cut() { l.conn.Close() }
