package hostcheck

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Entry is one line of a POSIX access list (acl(5)).
type Entry struct {
	Tag  uint16
	Perm uint16 // 4 read, 2 write, 1 search or execute
	ID   int    // of a named user or group
}

// The tags of an access list, as the kernel stores them (linux/posix_acl.h).
const (
	tagUserObj  = 0x01
	tagUser     = 0x02
	tagGroupObj = 0x04
	tagGroup    = 0x08
	tagMask     = 0x10
	tagOther    = 0x20
)

// accessList reads a file's access list. Without one the mode bits say everything.
func accessList(path string) []Entry {
	buffer := make([]byte, 4096)
	n, err := unix.Lgetxattr(path, "system.posix_acl_access", buffer)
	if err != nil || n <= 0 {
		return nil
	}
	return parseACL(buffer[:n])
}

// parseACL reads the kernel's form: a version, then eight bytes an entry (linux/posix_acl_xattr.h).
func parseACL(raw []byte) []Entry {
	const version, header, size = 2, 4, 8
	if len(raw) < header || binary.LittleEndian.Uint32(raw) != version {
		return nil
	}
	var entries []Entry
	for raw = raw[header:]; len(raw) >= size; raw = raw[size:] {
		entries = append(entries, Entry{
			Tag:  binary.LittleEndian.Uint16(raw),
			Perm: binary.LittleEndian.Uint16(raw[2:]),
			ID:   int(binary.LittleEndian.Uint32(raw[4:])),
		})
	}
	return entries
}
