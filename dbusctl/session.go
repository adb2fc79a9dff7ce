package dbusctl

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	sd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Session is a command that runs once beside a service, as if it were a part of it: same user,
// directory, environment, secrets, sandbox and slice. These are read from the loaded service, so
// that what "systemctl edit" changed counts as well.
type Session struct {
	Like        string // the loaded service
	Unit        string // beginning of the unit's name
	Args        []string
	Environment []string // NAME=value, on top of the service's

	// Terminal is the path of a terminal for the command's input and output. Without one it has
	// the three files.
	Terminal string
	Files    [3]*os.File
}

// Exit is how a command ended: with an exit status, or by a signal.
type Exit struct {
	Status int
	Signal syscall.Signal // 0 for an exit
}

// Code is the exit status as a shell gives it: 128 more than the number of a signal.
func (e Exit) Code() int {
	if e.Signal != 0 {
		return 128 + int(e.Signal)
	}
	return e.Status
}

// RunSession runs the command and waits for its end. Each signal from signals is passed on to it;
// when ctx ends it is stopped.
func (s *Systemd) RunSession(ctx context.Context, session Session, signals <-chan os.Signal) (Exit, error) {
	service, err := s.conn.GetAllPropertiesContext(ctx, session.Like)
	if err != nil {
		return Exit{}, fmt.Errorf("cannot ask systemd about %s: %s", session.Like, busReason(err))
	}
	if service["LoadState"] != "loaded" {
		return Exit{}, fmt.Errorf("cannot run a command like %s: systemd has not loaded it (it is %s)", session.Like, service["LoadState"])
	}
	list, err := session.properties(service)
	if err != nil {
		return Exit{}, fmt.Errorf("cannot run a command like %s: %w", session.Like, err)
	}
	var random [4]byte
	rand.Read(random[:])
	unit := session.Unit + "-" + hex.EncodeToString(random[:]) + ".service"
	done := make(chan string, 1)
	if _, err := s.conn.StartTransientUnitContext(ctx, unit, "fail", list, done); err != nil {
		return Exit{}, fmt.Errorf("cannot start %s: %s", unit, busReason(err))
	}
	return s.attend(ctx, unit, done, signals)
}

// attend waits for the job, which for Type=oneshot ends with the command.
func (s *Systemd) attend(ctx context.Context, unit string, done <-chan string, signals <-chan os.Signal) (Exit, error) {
	for {
		select {
		case <-ctx.Done():
			err := s.Stop(context.WithoutCancel(ctx), unit)
			return Exit{}, errors.Join(fmt.Errorf("stopped %s: %w", unit, context.Cause(ctx)), err)
		case sig := <-signals:
			_ = s.Kill(ctx, unit, sig.(syscall.Signal), false) // it may have ended already
		case result := <-done:
			return s.ended(context.WithoutCancel(ctx), unit, result)
		}
	}
}

// ended reads how the command ended. Its unit is still there, because it has a reference (AddRef=).
func (s *Systemd) ended(ctx context.Context, unit, result string) (Exit, error) {
	state, err := s.Unit(ctx, unit)
	if err != nil {
		return Exit{}, err
	}
	defer func() { _ = s.ResetFailed(ctx, unit) }()
	const exited = 1 // CLD_EXITED of waitid(2)
	switch {
	case result == "done":
		return Exit{}, nil
	case state.ExitCode == exited && !neverRan(state.ExitStatus):
		return Exit{Status: int(state.ExitStatus)}, nil
	case state.ExitCode > exited:
		return Exit{Signal: syscall.Signal(state.ExitStatus)}, nil
	}
	return Exit{}, &JobError{Verb: "run", Unit: unit, Result: result, State: state, because: because("run", result, state)}
}

// neverRan says whether an exit status means that systemd could not run the command at all
// (systemd.exec(5), "Process Exit Codes").
func neverRan(status int32) bool { return status >= 200 && status <= 245 }

func (session Session) properties(service map[string]any) ([]sd.Property, error) {
	list, err := inherited(service)
	if err != nil {
		return nil, err
	}
	environment, _ := service["Environment"].([]string)
	list = append(list,
		sd.PropDescription("sandwich: "+session.Args[0]+" beside "+session.Like),
		sd.PropType("oneshot"),
		sd.PropExecStart(literal(session.Args), false),
		property("Environment", append(environment, session.Environment...)),
		property("CollectMode", "inactive-or-failed"),
		property("AddRef", true),
		property("TimeoutStartUSec", ^uint64(0)), // a person decides how long it takes
		property("SendSIGHUP", true),             // a shell ends when its terminal goes
	)
	return append(list, session.streams()...), nil
}

// literal keeps systemd from expanding variables in arguments (systemd.service(5), "Command lines").
func literal(args []string) []string {
	list := make([]string, len(args))
	for i, arg := range args {
		list[i] = strings.ReplaceAll(arg, "$", "$$")
	}
	return list
}

func (session Session) streams() []sd.Property {
	if session.Terminal != "" {
		return []sd.Property{
			property("StandardInput", "tty"), property("StandardOutput", "tty"), property("StandardError", "tty"),
			property("TTYPath", session.Terminal),
		}
	}
	return []sd.Property{
		property("StandardInputFileDescriptor", dbus.UnixFD(session.Files[0].Fd())),
		property("StandardOutputFileDescriptor", dbus.UnixFD(session.Files[1].Fd())),
		property("StandardErrorFileDescriptor", dbus.UnixFD(session.Files[2].Fd())),
	}
}

// heritage is what a session takes over from a service. RemoveIPC is not part of it: the end of the
// session would take away what the running service has.
var heritage = []string{
	"User", "Group", "SupplementaryGroups", "WorkingDirectory", "Slice", "UMask",
	"EnvironmentFiles", "LoadCredential", "LimitCORE", "LimitCORESoft", "ExecSearchPath",
	"NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "KeyringMode",
	"ProtectSystem", "ProtectHome", "ProtectProc", "ProcSubset", "PrivateTmp", "PrivateDevices", "PrivateIPC",
	"DevicePolicy", "ProtectKernelTunables", "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups",
	"ProtectClock", "ProtectHostname", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
	"LockPersonality", "MemoryDenyWriteExecute", "RestrictAddressFamilies",
	"SystemCallArchitectures", "SystemCallFilter", "SystemCallErrorNumber",
	"TemporaryFileSystem", "BindPaths", "BindReadOnlyPaths", "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths",
	"IPAddressAllow", "IPAddressDeny",
}

// Go types of the properties that are no plain values (org.freedesktop.systemd1(5)).
type (
	pair struct{ First, Second string }
	bind struct {
		From, To string
		Optional bool
		Flags    uint64
	}
	filter struct {
		Allow bool
		Names []string
	}
	network struct {
		Family  int32
		Address []byte
		Prefix  uint32
	}
)

// structured gives, for a property that is no plain value, something to read it into: the bus library
// gives its parts without their types, and sends only what has them.
var structured = map[string]func() any{
	"EnvironmentFiles":        func() any { return new([]envFile) },
	"LoadCredential":          func() any { return new([]credential) },
	"TemporaryFileSystem":     func() any { return new([]pair) },
	"BindPaths":               func() any { return new([]bind) },
	"BindReadOnlyPaths":       func() any { return new([]bind) },
	"SystemCallFilter":        func() any { return new(filter) },
	"RestrictAddressFamilies": func() any { return new(filter) },
	"IPAddressAllow":          func() any { return new([]network) },
	"IPAddressDeny":           func() any { return new([]network) },
}

// inherited are the properties of the heritage that this systemd has.
func inherited(service map[string]any) ([]sd.Property, error) {
	var list []sd.Property
	for _, name := range heritage {
		value, ok := service[name]
		if !ok {
			continue
		}
		if into, ok := structured[name]; ok {
			typed := into()
			if err := dbus.Store([]any{value}, typed); err != nil {
				return nil, fmt.Errorf("cannot read %s=: %w", name, err)
			}
			value = typed
		}
		list = append(list, sd.Property{Name: name, Value: dbus.MakeVariant(value)})
	}
	return list, nil
}

// Kill sends a signal to the main process of a service, or to all of its processes.
func (s *Systemd) Kill(ctx context.Context, unit string, signal syscall.Signal, all bool) error {
	whom := sd.Main
	if all {
		whom = sd.All
	}
	if err := s.conn.KillUnitWithTarget(ctx, unit, whom, int32(signal)); err != nil {
		return fmt.Errorf("cannot send %s to %s: %s", signalName(int32(signal)), unit, busReason(err))
	}
	return nil
}
