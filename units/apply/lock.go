package apply

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// LockFile is the one lock that makes two commands wait for each other instead of mixing.
const LockFile = "/var/lib/sandwich/lock"

// Lock takes the lock at path and gives the function that releases it. It waits for another
// command that holds it; waiting is called once, with that command's words for itself, before it
// waits, and may refuse to. The kernel releases the lock of a command that is killed.
func Lock(ctx context.Context, path, command string, waiting func(holder string) error) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock: %w", err)
	}
	if err := flock(ctx, f, waiting); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot take the lock %s: %w", path, err)
	}
	// Only for whoever waits to read: the lock itself is the kernel's.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt(fmt.Appendf(nil, "%s (pid %d)", command, os.Getpid()), 0)
	}
	return func() { f.Close() }, nil
}

func flock(ctx context.Context, f *os.File, waiting func(string) error) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err != unix.EWOULDBLOCK {
		return err
	}
	if err := waiting(holder(f)); err != nil {
		return err
	}
	taken := make(chan error, 1)
	go func() { taken <- flockEx(f) }()
	select {
	case err := <-taken:
		return err
	case <-ctx.Done():
		// The goroutine stays in the kernel until it has the lock; the program ends before.
		return context.Cause(ctx)
	}
}

func flockEx(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

func holder(f *os.File) string {
	buf := make([]byte, 200)
	n, _ := f.ReadAt(buf, 0)
	if text := strings.TrimSpace(string(buf[:n])); text != "" {
		return text
	}
	return "another command"
}
