// Package envfile reads a project's env_file where not only root chooses what that is: with the
// rights of the project's user, who may have put a link to somebody else's secrets in its place.
// What is in the file is left to systemd.
package envfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Most is how large an env_file may be, in bytes.
const Most = 1 << 20

// patience is how long reading may take: the file may be a pipe that nobody writes to.
const patience = 10 * time.Second

// Read is what the user, in the group ("": his own), may read of the file at path. It takes a process
// of his: links on the way are followed with his rights only. A file of root's that he may not read
// counts as well when no link leads to it and it has no other name: root has put it there for him.
func Read(ctx context.Context, name, group, path string) ([]byte, error) {
	who, err := credential(name, group)
	if err != nil {
		return nil, fmt.Errorf("cannot read env_file %s: %w", path, err)
	}
	content, err := readAs(ctx, who, path)
	if err != nil {
		if content, ok := readRoots(path); ok {
			return content, nil
		}
		return nil, fmt.Errorf("cannot read env_file %s as %s: %w", path, name, err)
	}
	return content, nil
}

func credential(name, group string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	gid := u.Gid
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, err
		}
		gid = g.Gid
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	numbers := make([]uint32, 0, len(ids)+2)
	for _, id := range append([]string{u.Uid, gid}, ids...) {
		n, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, uint32(n))
	}
	if numbers[0] == 0 {
		return nil, errors.New("a project never runs as root")
	}
	return &syscall.Credential{Uid: numbers[0], Gid: numbers[1], Groups: numbers[2:]}, nil
}

// readAs has cat open the file and takes what it writes from a pipe: nothing of root's is in the
// hands of a process that the user may trace.
func readAs(ctx context.Context, who *syscall.Credential, path string) ([]byte, error) {
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	var complaint strings.Builder
	cat := exec.CommandContext(ctx, "/bin/cat", "--", path)
	cat.Dir, cat.Env, cat.Stderr = "/", []string{"LC_ALL=C"}, &complaint
	cat.SysProcAttr = &syscall.SysProcAttr{Credential: who}
	cat.WaitDelay = time.Second
	out, err := cat.StdoutPipe()
	if err != nil {
		return nil, err
	}
	content, err := []byte(nil), cat.Start()
	var ended error
	if err == nil {
		if content, err = bounded(out); err != nil {
			done() // what is left of it is not waited for
		}
		ended = cat.Wait()
	}
	switch {
	case ctx.Err() == context.DeadlineExceeded:
		return nil, errors.New("nothing came of it in time")
	case err != nil:
		return nil, err
	case ended != nil:
		return nil, reason(complaint.String(), path, ended)
	}
	return content, nil
}

// reason is what cat says, without its own name and the path.
func reason(complaint, path string, ended error) error {
	line, _, _ := strings.Cut(complaint, "\n")
	if line = strings.TrimPrefix(strings.TrimPrefix(line, "/bin/"), "cat: "+path+": "); line != "" {
		return errors.New(line)
	}
	return ended
}

func bounded(from io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(from, Most+1))
	if err == nil && len(content) > Most {
		return nil, fmt.Errorf("it is larger than %d bytes", Most)
	}
	return content, err
}

// readRoots reads a regular file of root's that no symbolic link leads to, and no other name: the
// user may have linked another file of root's.
func readRoots(path string) ([]byte, bool) {
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &unix.OpenHow{
		Flags: unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY, Resolve: unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return nil, false
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil || info.Mode&unix.S_IFMT != unix.S_IFREG || info.Uid != 0 || info.Nlink != 1 {
		return nil, false
	}
	content, err := bounded(f)
	return content, err == nil
}
