package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sandwich/units/inventory"
)

// requestPatience is how long a connection may stay without a request: others wait for a free place.
const requestPatience = 5 * time.Second

// hookDelegate is one connection to the admins' socket: it checks who asks for what, runs it, and
// says how it ended. It runs as root, and the other side may be anybody.
func hookDelegate(ctx context.Context) error {
	conn, err := connection()
	if err != nil {
		return err
	}
	defer conn.Close()
	peer, err := peerOf(conn)
	if err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(requestPatience))
	r, files, err := receive(conn)
	if err != nil {
		return fmt.Errorf("cannot read what %s asks for: %w", peer, err)
	}
	_ = conn.SetReadDeadline(time.Time{})
	answer := peer.permitted(ctx, r)
	if answer == nil {
		answer = &verdict{Exit: carryOut(ctx, conn, peer, r, files)}
	}
	packet, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = conn.Write(packet)
	return err
}

// connection is standard input: the socket unit has StandardInput=socket.
func connection() (*net.UnixConn, error) {
	any, err := net.FileConn(os.Stdin)
	if err != nil {
		return nil, fmt.Errorf("cannot use standard input as a connection: %w", err)
	}
	conn, ok := any.(*net.UnixConn)
	if !ok {
		return nil, errors.New("standard input is no unix socket")
	}
	return conn, nil
}

// receive reads the request and the three files that come with it.
func receive(conn *net.UnixConn) (r request, files [3]*os.File, err error) {
	packet, control := make([]byte, maxRequest+1), make([]byte, unix.CmsgSpace(3*4))
	n, controlled, flags, _, err := conn.ReadMsgUnix(packet, control)
	if err != nil {
		return r, files, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:controlled])
	if err != nil || len(messages) != 1 {
		return r, files, errors.Join(errors.New("it comes without its files"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != len(files) || n > maxRequest || flags&(unix.MSG_CTRUNC|unix.MSG_TRUNC) != 0 {
		return r, files, errors.Join(errors.New("it does not have the three standard files"), err)
	}
	for i, fd := range fds {
		unix.CloseOnExec(fd)
		files[i] = os.NewFile(uintptr(fd), "standard file "+strconv.Itoa(i))
	}
	if err := json.Unmarshal(packet[:n], &r); err != nil {
		return r, files, fmt.Errorf("it cannot be read: %w", err)
	}
	return r, files, nil
}

// peer is who is at the other end of a connection, as the kernel says.
type peer struct {
	uid    uint32
	groups []uint32
	name   string
}

func (p peer) String() string { return fmt.Sprintf("%s (uid %d)", p.name, p.uid) }

func peerOf(conn *net.UnixConn) (peer, error) {
	var (
		p        peer
		credErr  error
		groupErr error
	)
	raw, err := conn.SyscallConn()
	if err != nil {
		return p, err
	}
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); credErr == nil {
			p.uid, p.groups = cred.Uid, []uint32{cred.Gid}
		}
		var more []uint32
		more, groupErr = peerGroups(int(fd))
		p.groups = append(p.groups, more...)
	})
	if err := errors.Join(err, credErr, groupErr); err != nil {
		return p, fmt.Errorf("cannot tell who asks: %w", err)
	}
	p.name = strconv.Itoa(int(p.uid))
	if account, err := user.LookupId(p.name); err == nil {
		p.name = account.Username
	}
	return p, nil
}

// among says whether one of the entries of a project's admins means the peer.
func (p peer) among(admins []string) bool {
	return slices.ContainsFunc(admins, func(admin string) bool {
		if name, ok := strings.CutPrefix(admin, "@"); ok {
			group, err := user.LookupGroup(name)
			return err == nil && slices.ContainsFunc(p.groups, func(g uint32) bool { return group.Gid == strconv.Itoa(int(g)) })
		}
		account, err := user.Lookup(admin)
		return err == nil && account.Uid == strconv.Itoa(int(p.uid))
	})
}

// permitted gives nil when the peer may do what it asks for, or else the verdict.
func (p peer) permitted(ctx context.Context, r request) *verdict {
	command, err := parse(r.Args)
	if err != nil {
		// An admin reads the mistake from his own command, which does the same with more words.
		return &verdict{NoAdmin: true}
	}
	if len(command.projects) == 0 {
		return &verdict{NoAdmin: true}
	}
	found, err := inventory.Read(ctx, inventory.Options{ProjectsDir: projectsDir, HostFile: hostFile, Names: slices.Clone(command.projects)})
	if err != nil {
		return &verdict{Refused: err.Error(), Exit: exitFailed}
	}
	var refused []string
	for _, entry := range found.Entries {
		if entry.Draft == nil || !p.among(entry.Draft.Admins) {
			refused = append(refused, entry.Name)
		}
	}
	switch {
	case len(refused) == len(found.Entries):
		return &verdict{NoAdmin: true}
	case len(refused) > 0:
		return &verdict{Exit: exitFailed, Refused: fmt.Sprintf("cannot %s: you are not among the admins of %s", command.verb, strings.Join(refused, ", "))}
	}
	return nil
}

// harmless is what the value of a terminal variable may be.
var harmless = regexp.MustCompile(`^[A-Za-z0-9._+-]{0,64}$`)

// carryOut runs this program again, with the peer's files, and gives its exit code. Nothing else of
// the peer's reaches it: the environment is our own.
func carryOut(ctx context.Context, conn *net.UnixConn, p peer, r request, files [3]*os.File) int {
	command := exec.CommandContext(ctx, "/proc/self/exe", r.Args...)
	command.Stdin, command.Stdout, command.Stderr = files[0], files[1], files[2]
	command.Env = append(os.Environ(), actorVariable+"="+p.String())
	for _, name := range terminalVariables {
		if value, ok := r.Environment[name]; ok && harmless.MatchString(value) {
			command.Env = append(command.Env, name+"="+value)
		}
	}
	if err := command.Start(); err != nil {
		fmt.Fprintln(files[2], "error:", err)
		return exitFailed
	}
	go passSignals(conn, command.Process)
	err := command.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	}
	return exitFailed
}

// passable are the signals that a terminal sends.
var passable = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGWINCH}

// passSignals passes on what the peer's command gets. When that is gone, its terminal is gone.
func passSignals(conn *net.UnixConn, process *os.Process) {
	buffer := make([]byte, 1)
	for {
		n, err := conn.Read(buffer)
		if err != nil || n == 0 {
			_ = process.Signal(syscall.SIGHUP)
			return
		}
		if signal := syscall.Signal(buffer[0]); slices.Contains(passable, signal) {
			_ = process.Signal(signal)
		}
	}
}
