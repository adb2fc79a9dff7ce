// Command sandwich-proxy is the front server of sandwich. systemd hands it its listening sockets.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/bus"
	"sandwich/proxy/journal"
	"sandwich/socketact"
)

// version is set when the package is built.
var version = "unknown"

type options struct {
	routes, settings, cache, runtime, listen string
	drain                                    time.Duration
	bus, version                             bool
}

func main() {
	o := flags()
	if o.version {
		fmt.Println("sandwich-proxy", version)
		return
	}
	log := journal.New()
	if err := run(o, log); err != nil {
		log.Error(err.Error())
		os.Exit(1)
	}
}

func flags() (o options) {
	flag.StringVar(&o.routes, "routes", env("SANDWICH_ROUTES", "/var/lib/sandwich/routes"), "`directory` of compiled routes ($SANDWICH_ROUTES)")
	flag.StringVar(&o.settings, "settings", env("SANDWICH_PROXY_SETTINGS", "/var/lib/sandwich/proxy.json"), "settings `file` ($SANDWICH_PROXY_SETTINGS)")
	flag.StringVar(&o.cache, "cache", env("CACHE_DIRECTORY", "/var/cache/sandwich-proxy"), "private `directory` for large bodies ($CACHE_DIRECTORY)")
	flag.StringVar(&o.runtime, "runtime", env("RUNTIME_DIRECTORY", ""), "private `directory` for what a restart of the proxy must not forget ($RUNTIME_DIRECTORY)")
	flag.StringVar(&o.listen, "listen", "", "listen on this `address` instead of systemd's sockets, to run it by hand")
	flag.DurationVar(&o.drain, "drain", 30*time.Second, "how long requests may finish at the end")
	flag.BoolVar(&o.bus, "bus", true, "offer "+bus.Name+" on the system bus")
	flag.BoolVar(&o.version, "version", false, "print the version")
	flag.Parse()
	return o
}

func env(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

func run(o options, log *slog.Logger) error {
	listeners, err := listen(o.listen)
	if err != nil {
		return err
	}
	watchdog, err := socketact.Watchdog()
	if err != nil {
		return err
	}
	server, err := proxy.New(proxy.Config{
		Routes: o.routes, Settings: o.settings, Spool: o.cache, Runtime: o.runtime,
		Listeners: listeners, Drain: o.drain, Watchdog: watchdog, Log: log,
		Notify: func(state ...string) {
			if err := socketact.Notify(state...); err != nil {
				log.Warn(err.Error() + ", ignoring")
			}
		},
	})
	if err != nil {
		return err
	}
	return serve(server, o.bus, log)
}

func listen(address string) ([]net.Listener, error) {
	if address == "" {
		return socketact.Listeners()
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return []net.Listener{l}, nil
}

// serve runs the server and everything beside it until SIGTERM or SIGINT.
func serve(server *proxy.Server, withBus bool, log *slog.Logger) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	beside, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	all.Go(func() { reloadOn(beside, hangup, server) })
	if withBus {
		all.Go(func() { bus.Run(beside, server, log) })
	}
	return server.Run(ctx)
}

func reloadOn(ctx context.Context, hangup <-chan os.Signal, server *proxy.Server) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			server.Reload()
		}
	}
}
