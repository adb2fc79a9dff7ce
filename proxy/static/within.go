package static

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// errOutside is a root that leads to where it may not. The client is told that there is no file.
var errOutside = errors.New("the directory is not one that may be served")

// admit says whether the opened directory lies where conf allows, and logs the first that does
// not. It is called with d.mu held.
func (d *Dir) admit(root *os.Root) error {
	if len(d.conf.Within) == 0 {
		return nil
	}
	real, err := realPath(root)
	if err != nil {
		return err
	}
	for _, dir := range d.conf.Within {
		if real == dir || strings.HasPrefix(real, dir+"/") {
			return nil
		}
	}
	if !d.told {
		d.told = true
		slog.Warn(fmt.Sprintf("%s leads to %s, which is not the project's: serving nothing below %s", d.conf.Root, real, d.conf.Prefix))
	}
	return errOutside
}

// realPath asks for the path of what is open, not of what has its name by now: nobody can change
// it in between (proc_pid_fd(5)).
func realPath(root *os.Root) (string, error) {
	f, err := root.Open(".")
	if err != nil {
		return "", err
	}
	defer f.Close()
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
}
