package proxy

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// presence lets the processes of one service know of each other: one that ends finishes requests
// beside the next. Each holds a lock for as long as it lives. Without a directory there is no other.
type presence struct{ file *os.File }

func newPresence(dir string) (presence, error) {
	if dir == "" {
		return presence{}, nil
	}
	f, err := os.OpenFile(filepath.Join(dir, "serving"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return presence{}, fmt.Errorf("cannot say that a process serves: %w", err)
	}
	if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_RDLCK}); err != nil {
		f.Close()
		return presence{}, fmt.Errorf("cannot say that a process serves: %w", err)
	}
	return presence{f}, nil
}

// alone says whether no other process serves. When that cannot be told, there may be one.
func (p presence) alone() bool {
	if p.file == nil {
		return true
	}
	other := unix.Flock_t{Type: unix.F_WRLCK}
	err := unix.FcntlFlock(p.file.Fd(), unix.F_OFD_GETLK, &other)
	return err == nil && other.Type == unix.F_UNLCK
}

func (p presence) end() {
	if p.file != nil {
		p.file.Close()
	}
}
