package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
)

// A project's admins may use some verbs on their project without root. Their command hands its
// arguments and its standard files to a socket of root's (sandwich-proxy.admin.socket); who asks is what
// the kernel says of the connection; what runs is this program again, as root. See delegated.go.

// adminSocket is where the packaged socket unit listens.
const adminSocket = "/run/sandwich-admin.sock"

// delegable are the verbs that an admin may use, each with which of its arguments name projects.
var delegable = map[string]func(args []string) []string{
	"start": all, "stop": all, "restart": all, "reload": all, "kill": all, "logs": all, "why": all,
	"deploy": all, "rollback": all, "jobs": all,
	"manage": first, "run": first, "shell": first, "scale": first,
	"maintenance": rest,
}

func all(args []string) []string   { return args }
func first(args []string) []string { return args[:min(1, len(args))] }
func rest(args []string) []string  { return args[min(1, len(args)):] }

// request is what the command asks root's side for. Its three standard files come with it.
type request struct {
	Args        []string          `json:"args"`
	Environment map[string]string `json:"environment"` // of the terminal
}

// verdict is what root's side says, once.
type verdict struct {
	Refused string `json:"refused,omitempty"`
	NoAdmin bool   `json:"no_admin,omitempty"` // of no project that was named: ask as anybody would
	Exit    int    `json:"exit"`
}

// terminalVariables are the parts of the environment that root's side takes over.
var terminalVariables = []string{"TERM", "COLORTERM", "NO_COLOR"}

// maxRequest bounds a request: what fits into a command line of a person.
const maxRequest = 128 << 10

// delegate has root's side run the command, if this is one for it. It is not done when that does not
// know the caller as an admin, or is not there.
func delegate(ctx context.Context, args []string, stderr io.Writer) (code int, done bool) {
	if os.Geteuid() == 0 || len(args) == 0 || delegable[args[0]] == nil || asksForHelp(args) {
		return 0, false
	}
	conn, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: adminSocket, Net: "unixpacket"})
	if err != nil {
		return 0, false
	}
	defer conn.Close()
	answer, err := askRoot(ctx, conn, request{Args: absoluteRelease(args), Environment: terminalEnvironment()})
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "error: cannot %s as an admin: %v\nhint: journalctl -u 'sandwich-proxy.admin@*'\n", args[0], err)
		return exitFailed, true
	case answer.NoAdmin:
		return 0, false
	case answer.Refused != "":
		fmt.Fprintln(stderr, "error:", answer.Refused)
		return answer.Exit, true
	}
	return answer.Exit, true
}

// absoluteRelease says in full which release is to be deployed: root's side works in another directory.
func absoluteRelease(args []string) []string {
	const flag = "--release"
	full := slices.Clone(args)
	for i, arg := range full {
		switch {
		case arg == "--":
			return full
		case arg == flag && i+1 < len(full):
			full[i+1] = absolute(full[i+1])
		case strings.HasPrefix(arg, flag+"="):
			full[i] = flag + "=" + absolute(strings.TrimPrefix(arg, flag+"="))
		}
	}
	return full
}

// absolute is a path that holds in every directory. One that cannot be told stays, and is refused.
func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil && path != "" {
		return full
	}
	return path
}

// asksForHelp says whether the arguments ask about the verb: that takes no rights.
func asksForHelp(args []string) bool {
	return len(args) == 2 && (args[1] == "--help" || args[1] == "-h")
}

func terminalEnvironment() map[string]string {
	environment := map[string]string{}
	for _, name := range terminalVariables {
		if value, ok := os.LookupEnv(name); ok {
			environment[name] = value
		}
	}
	return environment
}

// askRoot sends the request, passes signals on while it runs, and reads the verdict.
func askRoot(ctx context.Context, conn *net.UnixConn, r request) (verdict, error) {
	packet, err := json.Marshal(r)
	if err != nil || len(packet) > maxRequest {
		return verdict{}, errors.Join(err, errors.New("the command is too long"))
	}
	if _, _, err := conn.WriteMsgUnix(packet, unix.UnixRights(0, 1, 2), nil); err != nil {
		return verdict{}, err
	}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGWINCH)
	defer func() { signal.Stop(signals); close(signals) }()
	go func() {
		for sig := range signals {
			_, _ = conn.Write([]byte{byte(sig.(syscall.Signal))})
		}
	}()
	buffer := make([]byte, maxRequest)
	n, err := conn.Read(buffer)
	if err != nil {
		return verdict{}, fmt.Errorf("root's side ended: %w", err)
	}
	var answer verdict
	return answer, json.Unmarshal(buffer[:n], &answer)
}

// projectsOf are the projects that a delegable command names, whatever follows their names
// (client-x.celery@2).
func projectsOf(verb string, args []string) []string {
	names := delegable[verb](args)
	projects := make([]string, len(names))
	for i, name := range names {
		projects[i], _, _ = strings.Cut(name, ".")
	}
	return projects
}

// parsed is a command as this program understands it.
type parsed struct {
	verb     string
	projects []string
}

var errNotForAdmins = errors.New("it is not one of an admin's")

// parse reads arguments as the program itself will.
func parse(args []string) (parsed, error) {
	if len(args) == 0 || delegable[args[0]] == nil {
		return parsed{}, errNotForAdmins
	}
	command, others, err := newRoot(&terminal{stdout: io.Discard, stderr: io.Discard}).Find(args)
	if err != nil || command.Root() == command {
		return parsed{}, errors.Join(errNotForAdmins, err)
	}
	if err := command.ParseFlags(others); err != nil {
		return parsed{}, err
	}
	if everyone(command) {
		return parsed{}, errors.New("--all is not for admins: name the projects")
	}
	if command.Parent() != command.Root() {
		return parsed{}, errNotForAdmins
	}
	return parsed{verb: args[0], projects: projectsOf(args[0], command.Flags().Args())}, nil
}

func everyone(command *cobra.Command) bool {
	flag := command.Flags().Lookup("all")
	return flag != nil && flag.Changed
}
