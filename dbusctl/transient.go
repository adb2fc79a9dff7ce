package dbusctl

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
	"golang.org/x/sys/unix"
)

// Transient is a command that runs once as a unit of its own: as another user, in a sandbox that
// lets it read but not write, with everything it starts ended when it ends.
type Transient struct {
	Name        string // goes into the unit's name and the journal: [a-z0-9-]
	Args        []string
	Dir         string
	User, Group string
	Environment []string // NAME=value
	EnvFile     string   // EnvironmentFile=, "" for none
	Credentials map[string]string
	Empty       []string // directories that are empty but for what is in Shown
	Closed      []string // paths that are not there for it, where they are there
	Shown       []string // paths that it may read in spite of Empty, where they are there
	Writable    []string // paths that it may write to in spite of the sandbox, where they are there
	Stdin       []byte
	TimeLimit   time.Duration
	OutputLimit int64 // bytes of each of stdout and stderr; the rest is thrown away
}

// Output is what a Transient wrote and how it ended.
type Output struct {
	Stdout, Stderr []byte
	Err            error // nil for exit status 0, else a *JobError
}

// RunOnce runs the command and waits for its end. The error is about running it at all; how the
// command itself ended is in Output.
func (s *Systemd) RunOnce(ctx context.Context, t Transient) (Output, error) {
	stdout, stdoutEnd, err := os.Pipe()
	if err != nil {
		return Output{}, fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer stdout.Close()
	stderr, stderrEnd, err := os.Pipe()
	if err != nil {
		stdoutEnd.Close()
		return Output{}, fmt.Errorf("cannot make a pipe: %w", err)
	}
	defer stderr.Close()

	unit := transientName(t.Name)
	done := make(chan string, 1)
	_, err = s.conn.StartTransientUnitContext(ctx, unit, "fail", t.properties(stdoutEnd, stderrEnd), done)
	stdoutEnd.Close()
	stderrEnd.Close()
	if err != nil {
		return Output{}, fmt.Errorf("cannot start %s: %s", unit, busReason(err))
	}
	outputs := make(chan [2][]byte, 1)
	go func() { outputs <- readBoth(stdout, stderr, t.OutputLimit) }()
	return s.finish(ctx, unit, done, outputs, func() {
		deadline := time.Now().Add(lastWords)
		_ = stdout.SetReadDeadline(deadline)
		_ = stderr.SetReadDeadline(deadline)
	})
}

// lastWords is how long output is waited for after the command has ended.
const lastWords = time.Second

// finish waits for the job, which for Type=oneshot ends with the command, then for its output.
func (s *Systemd) finish(ctx context.Context, unit string, done <-chan string, outputs <-chan [2][]byte, closeSoon func()) (Output, error) {
	err := s.wait(ctx, "run", unit, done)
	var jobErr *JobError
	if err != nil && !errors.As(err, &jobErr) {
		_ = s.Stop(context.WithoutCancel(ctx), unit)
		closeSoon()
		<-outputs
		return Output{}, err
	}
	// The unit's control group is gone with the job, but what it started may have handed a pipe to
	// a process elsewhere: what that writes is nobody's answer.
	closeSoon()
	both := <-outputs
	return Output{Stdout: both[0], Stderr: both[1], Err: err}, nil
}

// transientName is unique, so that two commands never get into each other's way. Its prefix is not
// "sandwich-": drop-ins for the projects' services are not meant for it.
func transientName(name string) string {
	var random [4]byte
	rand.Read(random[:])
	return "sandwich_" + name + "_" + hex.EncodeToString(random[:]) + ".service"
}

func (t Transient) properties(stdout, stderr *os.File) []sd.Property {
	list := append(t.command(), t.sandbox()...)
	list = append(list, t.files()...)
	list = append(list,
		property("StandardInput", "data"),
		property("StandardInputData", t.Stdin),
		property("StandardOutputFileDescriptor", dbus.UnixFD(stdout.Fd())),
		property("StandardErrorFileDescriptor", dbus.UnixFD(stderr.Fd())),
		property("TimeoutStartUSec", uint64(t.TimeLimit.Microseconds())),
		property("TimeoutStopUSec", uint64(time.Second.Microseconds())),
	)
	return list
}

func (t Transient) command() []sd.Property {
	list := []sd.Property{
		sd.PropDescription("sandwich: " + t.Name),
		sd.PropType("oneshot"),
		sd.PropExecStart(t.Args, false),
		property("CollectMode", "inactive-or-failed"),
		property("User", t.User),
		property("Group", t.Group),
		property("WorkingDirectory", t.Dir),
		property("Environment", t.Environment),
	}
	if t.EnvFile != "" {
		list = append(list, property("EnvironmentFiles", []envFile{{t.EnvFile, false}}))
	}
	if len(t.Credentials) > 0 {
		list = append(list, property("LoadCredential", t.credentials()))
	}
	return list
}

// envFile and credential are the structs of systemd's D-Bus signatures a(sb) and a(ss).
type (
	envFile struct {
		Path     string
		Optional bool
	}
	credential struct{ ID, Path string }
)

func (t Transient) credentials() []credential {
	list := make([]credential, 0, len(t.Credentials))
	for id, path := range t.Credentials {
		list = append(list, credential{id, path})
	}
	return list
}

// files are the parts of the file system that are not as for everybody.
func (t Transient) files() []sd.Property {
	var list []sd.Property
	add := func(name string, n int, value any) {
		if n > 0 {
			list = append(list, property(name, value))
		}
	}
	empty, shown := make([]pair, len(t.Empty)), make([]bind, len(t.Shown))
	for i, dir := range t.Empty {
		empty[i] = pair{dir, "ro"}
	}
	for i, path := range t.Shown {
		shown[i] = bind{path, path, true, unix.MS_REC}
	}
	add("TemporaryFileSystem", len(empty), empty)
	add("BindReadOnlyPaths", len(shown), shown)
	add("InaccessiblePaths", len(t.Closed), optional(t.Closed))
	add("ReadWritePaths", len(t.Writable), optional(t.Writable))
	return list
}

// optional marks paths that may be missing (systemd.exec(5), "Paths").
func optional(paths []string) []string {
	list := make([]string, len(paths))
	for i, path := range paths {
		list[i] = "-" + path
	}
	return list
}

func (t Transient) sandbox() []sd.Property {
	return []sd.Property{
		property("NoNewPrivileges", true),
		property("CapabilityBoundingSet", uint64(0)),
		property("ProtectSystem", "strict"),
		property("PrivateTmp", true),
		property("PrivateDevices", true),
		property("RestrictSUIDSGID", true),
		property("MemoryMax", uint64(1<<30)),
		property("TasksMax", uint64(64)),
		property("LimitCORE", uint64(0)), // it has the project's secrets
	}
}

func property(name string, value any) sd.Property {
	return sd.Property{Name: name, Value: dbus.MakeVariant(value)}
}

func readBoth(stdout, stderr io.Reader, limit int64) [2][]byte {
	second := make(chan []byte, 1)
	go func() { second <- readBounded(stderr, limit) }()
	return [2][]byte{readBounded(stdout, limit), <-second}
}

// readBounded reads to the end but keeps only the first limit bytes: a command that writes more
// must not block on a full pipe.
func readBounded(r io.Reader, limit int64) []byte {
	kept, _ := io.ReadAll(io.LimitReader(r, limit))
	_, _ = io.Copy(io.Discard, r)
	return kept
}
