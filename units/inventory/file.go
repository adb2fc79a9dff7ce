package inventory

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"syscall"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/project"
	"sandwich/units/project/hostcheck"
)

// maxFile is just above what project.Load reads, so that it can say that a file is too large.
const maxFile = 1<<20 + 1

var (
	errNoFile = errors.New("it is no regular file")
	errOpen   = errors.New("every user of this host may change it, and it decides what root does; run: chmod 644")
)

// readFile reads a configuration file of root's. O_NONBLOCK: a pipe in its place must not keep
// root waiting.
func readFile(name string) ([]byte, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "read", Path: name, Err: errNoFile}
	}
	if info.Mode().Perm()&0o002 != 0 {
		return nil, &os.PathError{Op: "read", Path: name, Err: errOpen}
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func unreadable(name string, err error) hcl.Diagnostics {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return hcl.Diagnostics{{
		Severity: hcl.DiagError,
		Summary:  "The file cannot be read",
		Detail:   fmt.Sprintf("%q: %s.", name, err),
		Subject:  project.NewSource(name, nil).At(""),
	}}
}

// outside is what project files may reach for on this host.
func outside(sys *hostcheck.System) project.Outside {
	return project.Outside{
		Env: os.LookupEnv,
		ReadFile: func(dir, name string, max int64) ([]byte, bool, error) {
			content, err := readBelow(dir, name, max)
			return content, err == nil && sys.Public(filepath.Join(dir, name)), err
		},
		Home: home,
	}
}

// readBelow reads a file below dir; os.Root lets no symbolic link lead out of it.
func readBelow(dir, name string, max int64) ([]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	content, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(content)) > max {
		return nil, project.ErrTooLarge
	}
	return content, err
}

func home(name string) (string, error) {
	if name == "" {
		return os.UserHomeDir()
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", err
	}
	return u.HomeDir, nil
}
