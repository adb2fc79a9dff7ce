package main

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peerGroups are the supplementary groups of the process at the other end of a unix socket, when it
// connected (SO_PEERGROUPS of unix(7), which golang.org/x/sys has no function for).
func peerGroups(fd int) ([]uint32, error) {
	groups := make([]uint32, 64)
	for {
		size := uint32(len(groups)) * 4
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&groups[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == 0:
			return groups[:size/4], nil
		case errors.Is(errno, unix.ERANGE):
			groups = make([]uint32, size/4) // the kernel says how many there are
		default:
			return nil, errno
		}
	}
}
