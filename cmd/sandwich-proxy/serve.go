package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/bus"
	"sandwich/proxy/metrics"
	"sandwich/proxy/tls"
	"sandwich/socketact"
)

// serve serves until SIGTERM, SIGINT or the end of the keeper, and finishes what is in flight. A
// second signal ends it at once.
func serve(o options, lifeline *socketact.Lifeline, log *slog.Logger) error {
	ctx, end := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer end()
	server, err := newServer(ctx, o, log)
	if err != nil {
		return err
	}
	ended, finish := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer finish()
	defer context.AfterFunc(ctx, end)() // the next signal is nobody's
	defer context.AfterFunc(ctx, func() { exitAfter(o.drain + o.tunnels + time.Minute) })()
	if lifeline != nil {
		defer context.AfterFunc(ctx, lifeline.Cut)()
		all.Go(func() { lifeline.Wait(); end() })
		defer lifeline.Cut()
	}
	hangup, reopen := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	signal.Notify(reopen, syscall.SIGUSR1)
	all.Go(func() { onSignal(ctx, hangup, server.Reload) })
	all.Go(func() { onSignal(ended, reopen, server.ReopenLogs) })
	all.Go(func() { metrics.Run(ctx, server, version, o.metrics, log) })
	if o.bus {
		all.Go(func() { bus.Run(ctx, ended, server, log) })
	}
	return server.Run(ctx)
}

// exitAfter is for a server that does not come to its end.
func exitAfter(d time.Duration) { time.AfterFunc(d, func() { os.Exit(1) }) }

func newServer(ctx context.Context, o options, log *slog.Logger) (*proxy.Server, error) {
	sockets, err := listen(o.listen)
	if err != nil {
		return nil, err
	}
	watchdog, err := socketact.Watchdog()
	if err != nil {
		return nil, err
	}
	var keeper *tls.Keeper
	if o.tls != "" {
		keeper = tls.New(tls.Config{Dir: o.tls, Log: log})
	}
	return proxy.New(proxy.Config{
		TLS:    keeper,
		Routes: o.routes, Settings: o.settings, Spool: o.cache, Runtime: o.runtime, Logs: o.logs, Maintenance: o.maintenance, Listeners: sockets.Listeners, Packets: sockets.Packets,
		Drain: o.drain, Tunnels: o.tunnels, Watchdog: watchdog, Log: log,
		Rest: o.restWith(), Memory: func() (int64, error) { return memoryOf(o.memory) },
		Notify: func(state ...string) {
			if ctx.Err() != nil {
				return // the next process speaks for the service now
			}
			if err := socketact.Notify(state...); err != nil {
				log.Warn(err.Error() + ", ignoring")
			}
		},
	})
}

func onSignal(ctx context.Context, signals <-chan os.Signal, do func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			do()
		}
	}
}
