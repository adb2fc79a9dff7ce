package socketact

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sys/unix"
)

// The main process of a service whose connections outlive it is a keeper: it starts the program
// once more, as the process that serves, and hands it the sockets. When the keeper ends, for
// whatever reason, the serving process notices, accepts nothing more, and finishes what it has
// begun, while systemd starts the next keeper. KillMode=process and NotifyAccess=all go with it.

// lifelineVar is how the serving process knows that there is a keeper, and where its end of the
// line between them is. Each notices when the other lets go.
const lifelineVar = "SANDWICH_LIFELINE"

// ErrServingEnded says that the serving process has died, or accepts no connections any more.
var ErrServingEnded = errors.New("the serving process has ended")

// ErrHung says that the service manager's watchdog heard nothing for too long.
var ErrHung = errors.New("the serving process hangs")

// IsActivated says whether systemd handed sockets to this process.
func IsActivated() bool { return os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid()) }

// Keep starts this program again, with its arguments, as the process that serves on the sockets
// that systemd handed over. It returns nil when a signal says that the service is to end, and an
// error when the serving process ends or hangs; the caller exits then. SIGHUP
// and SIGUSR1 are passed on.
func Keep(signals <-chan os.Signal) error {
	files := activation.Files(true)
	defer closeAll(files)
	ours, theirs, err := newLifeline()
	if err != nil {
		return err
	}
	defer ours.Close()
	serving, err := startServing(files, theirs)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		io.Copy(io.Discard, ours) // nothing is said: it ends when the other side lets go
		ended <- ErrServingEnded
	}()
	return keep(serving, signals, ended)
}

func newLifeline() (ours net.Conn, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("cannot make lifeline: %w", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "lifeline")
	file := os.NewFile(uintptr(fds[0]), "lifeline")
	defer file.Close()
	if ours, err = net.FileConn(file); err != nil {
		theirs.Close()
		return nil, nil, fmt.Errorf("cannot make lifeline: %w", err)
	}
	return ours, theirs, nil
}

func startServing(sockets []*os.File, lifeline *os.File) (*exec.Cmd, error) {
	defer lifeline.Close()
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot start serving process: %w", err)
	}
	cmd := exec.Command(program, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.ExtraFiles = append(sockets[:len(sockets):len(sockets)], lifeline)
	cmd.Env = append(os.Environ(), "LISTEN_FDS="+strconv.Itoa(len(sockets)), "LISTEN_FDNAMES="+names(sockets),
		lifelineVar+"="+strconv.Itoa(firstFD+len(sockets)))
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start serving process: %w", err)
	}
	return cmd, nil
}

// firstFD is SD_LISTEN_FDS_START of sd_listen_fds(3).
const firstFD = 3

func names(files []*os.File) string {
	var all string
	for i, f := range files {
		if i > 0 {
			all += ":"
		}
		all += f.Name()
	}
	return all
}

func keep(serving *exec.Cmd, signals <-chan os.Signal, ended <-chan error) error {
	for {
		select {
		case err := <-ended:
			return err
		case s := <-signals:
			switch s {
			case syscall.SIGHUP, syscall.SIGUSR1:
				serving.Process.Signal(s)
			case syscall.SIGABRT:
				kill(serving, ended)
				return ErrHung
			default:
				Notify("STOPPING=1", "STATUS=Finishing requests")
				return nil
			}
		}
	}
}

// kill has a process that hangs say where, and ends it: it would not notice that we are gone.
func kill(serving *exec.Cmd, ended <-chan error) {
	serving.Process.Signal(syscall.SIGABRT)
	select {
	case <-ended:
	case <-time.After(time.Second):
	}
	serving.Process.Kill()
}
