package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/socketact"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/envfile"
	"sandwich/units/overlap"
)

// newHook is what the generated units call when systemctl is used on them. A person has no use for
// it, so it is not shown.
func newHook(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "hook", Short: "Called by generated units", Hidden: true, Args: cobra.NoArgs}
	for verb, do := range map[string]func(context.Context, string) error{
		"stopping": t.hookStopping,
		"stopped":  t.hookStopped,
		"reload":   t.hookReload,
	} {
		cmd.AddCommand(&cobra.Command{
			Use: verb + " NAME", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return do(cmd.Context(), args[0]) },
		})
	}
	cmd.AddCommand(&cobra.Command{
		Use: "environment NAME USER GROUP FILE", Args: cobra.ExactArgs(4),
		RunE: func(cmd *cobra.Command, args []string) error {
			return copyEnvironment(cmd.Context(), args[0], args[1], args[2], args[3])
		},
	}, &cobra.Command{
		Use: "delegate", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return hookDelegate(cmd.Context()) },
	}, &cobra.Command{
		Use: "rest", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return t.hookRest(cmd.Context(), os.Stdin) },
	})
	return cmd
}

// copyEnvironment is ExecStartPre=: systemd reads the copy in place of an env_file that not only root
// chooses.
func copyEnvironment(ctx context.Context, name, user, group, file string) error {
	content, err := envfile.Read(ctx, user, group, file)
	if err != nil {
		return err
	}
	return apply.WritePrivate(units.EnvCopy(name), content)
}

// distrust replaces the environment: a hook runs as root, but with what the project sets for its
// service. PATH would choose the programs that run as root, DBUS_SYSTEM_BUS_ADDRESS whom they ask.
// That the loader takes nothing from there is packaging's part: the program has no loader.
// A project that lies about its main process only loses requests of its own.
func distrust() {
	mainPID := os.Getenv(mainPIDVariable)
	os.Clearenv()
	os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	os.Setenv(mainPIDVariable, mainPID)
}

// mainPIDVariable is how systemd tells a hook the service's main process, unless that is gone
// (systemd.exec(5), Environment Variables Set or Propagated by the Service Manager).
const mainPIDVariable = "MAINPID"

// longestDrain bounds how long a stop waits for requests in flight before it begins. What lasts
// longer, a download or a WebSocket, gets the rest of its time from gunicorn, while new requests
// already wait for the next process.
const longestDrain = 10 * time.Second

// hookPatience is how long a proxy that hangs may keep a stop waiting before it begins, and again
// before it ends.
const hookPatience = 5 * time.Second

// hookStopping is ExecStop=: before the service is told to end, the proxy holds new requests and
// those in flight finish. Without a proxy there is nobody to hold, and the stop goes on.
func (t *terminal) hookStopping(ctx context.Context, name string) error {
	// Without a main process nobody is there to answer what is in flight: it was told to end by a signal,
	// or has crashed. To wait would only keep the next one from starting.
	if os.Getenv(mainPIDVariable) == "" {
		return nil
	}
	asking, answered := context.WithTimeout(ctx, hookPatience)
	defer answered()
	proxy, done, err := hookProxy(asking)
	if err != nil {
		return err
	}
	defer done()
	upstream, err := front{proxy}.Upstream(asking, name)
	if err != nil || upstream != overlap.Main {
		return quietWithoutVisitors(err)
	}
	project, _, err := overlapping(name)
	if err != nil {
		return err
	}
	drain := min(max(project.Drain, time.Second), longestDrain)
	if err := proxy.Hold(asking, name, drain+units.StopReserve); err != nil {
		return quietWithoutVisitors(err)
	}
	return quietWithoutVisitors(front{proxy}.Drain(ctx, name, drain))
}

// hookStopped is ExecStopPost=: held requests go on to the socket, which systemd holds, and wait in
// its queue for the next process.
func (t *terminal) hookStopped(ctx context.Context, name string) error {
	ctx, answered := context.WithTimeout(ctx, hookPatience)
	defer answered()
	proxy, done, err := hookProxy(ctx)
	if err != nil {
		return err
	}
	defer done()
	return quietWithoutVisitors(proxy.Release(ctx, name))
}

// hookProxy connects to the proxy when it is this hook's turn: the bus refuses root, whoever asks, more
// than 256 connections (dbus-daemon(1), max_connections_per_user), and at a shutdown all services stop
// at once. Whose turn does not come in time goes on without.
func hookProxy(ctx context.Context) (proxy *dbusctl.Proxy, done func(), err error) {
	turn := fmt.Sprintf("/run/sandwich/.hook.%d.lock", rand.N(hooksAtOnce))
	unlock, err := apply.Lock(ctx, turn, "a hook", func(string) error { return nil })
	if err != nil {
		return nil, nil, err
	}
	proxy, err = dbusctl.ConnectProxy()
	if err != nil {
		unlock()
		return nil, nil, err
	}
	return proxy, func() { proxy.Close(); unlock() }, nil
}

// hooksAtOnce is how many hooks speak to the bus at a time.
const hooksAtOnce = 64

// quietWithoutVisitors drops the errors that mean that there is nobody to hold.
func quietWithoutVisitors(err error) error {
	if errors.Is(err, dbusctl.ErrNoProxy) || errors.Is(err, dbusctl.ErrNotServed) {
		return nil
	}
	return err
}

// hookReload is ExecReload=: like a restart, but the service's main process stays and loads the
// code again. The next generation proves first that the code can be loaded: a HUP with broken code
// would end gunicorn.
func (t *terminal) hookReload(ctx context.Context, name string) error {
	project, twice, err := overlapping(name)
	if err != nil {
		return err
	}
	if !twice {
		return fmt.Errorf("cannot reload %s: it cannot run twice (overlap = false)\nhint: sandwich restart %s", name, name)
	}
	// To wait would be in vain: a restart ends this process with the service.
	unlock, err := lockGenerations(ctx, name, "systemctl reload", func(holder string) error {
		return fmt.Errorf("%s is at work on %s: reload it when that has ended", holder, name)
	})
	if err != nil {
		return err
	}
	defer unlock()
	h, err := openHost(ctx)
	if err != nil {
		return err
	}
	defer h.close()
	replacer := t.replacer(h)
	replacer.Renew = func(ctx context.Context) error { return h.systemd.HangUp(ctx, units.Service(name), socketact.Reloaded) }
	err = replacer.Replace(ctx, project)
	if err != nil {
		t.failure(ctx, name, err)
		return &exitError{code: exitFailed}
	}
	return nil
}
