// Command sandwich-proxy is the front server of sandwich. systemd hands it its listening sockets.
package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"sandwich/proxy/bus"
	"sandwich/proxy/journal"
	"sandwich/socketact"
)

// version is set when the package is built.
var version = "unknown"

type options struct {
	routes, settings, cache, runtime, logs, maintenance, metrics, tls, listen, rest, memory string
	drain, tunnels                                                                          time.Duration
	bus, version                                                                            bool
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
	flag.StringVar(&o.logs, "logs", env("SANDWICH_LOGS", "/var/log/sandwich"), "`directory` of access logs ($SANDWICH_LOGS)")
	flag.StringVar(&o.maintenance, "maintenance", env("SANDWICH_MAINTENANCE", "/var/lib/sandwich/maintenance"), "`directory` of files that close projects ($SANDWICH_MAINTENANCE)")
	flag.StringVar(&o.tls, "tls", env("STATE_DIRECTORY", ""), "private `directory` for certificates; without one there is no HTTPS ($STATE_DIRECTORY)")
	flag.StringVar(&o.rest, "rest", env("SANDWICH_REST", ""), "`socket` of who stops projects that nobody visits ($SANDWICH_REST)")
	flag.StringVar(&o.memory, "memory", env("SANDWICH_MEMORY", "/sys/fs/cgroup/sandwich.slice"), "control group `directory` of all projects ($SANDWICH_MEMORY)")
	flag.StringVar(&o.listen, "listen", "", "listen on this `address` instead of systemd's sockets, to run it by hand")
	flag.DurationVar(&o.drain, "drain", 10*time.Minute, "how long requests may finish at the end")
	flag.DurationVar(&o.tunnels, "tunnels", time.Minute, "how long WebSockets may stay open at the end")
	flag.StringVar(&o.metrics, "metrics", "", "`socket` on which metrics are offered; RUNTIME_DIRECTORY/metrics.sock unless given")
	flag.BoolVar(&o.bus, "bus", true, "offer "+bus.Name+" on the system bus")
	flag.BoolVar(&o.version, "version", false, "print the version")
	flag.Parse()
	if o.metrics == "" && o.runtime != "" {
		o.metrics = filepath.Join(o.runtime, "metrics.sock")
	}
	return o
}

func env(name, fallback string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return fallback
}

// run is the keeper when systemd has started it with sockets, and serves otherwise.
func run(o options, log *slog.Logger) error {
	lifeline, err := socketact.Kept()
	if err != nil {
		return err
	}
	if lifeline != nil || o.listen != "" || !socketact.IsActivated() {
		return serve(o, lifeline, log)
	}
	signals := make(chan os.Signal, 10)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGABRT)
	return socketact.Keep(signals)
}

func listen(address string) (socketact.Sockets, error) {
	if address == "" {
		return socketact.Receive()
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return socketact.Sockets{}, fmt.Errorf("cannot listen on %s: %w", address, err)
	}
	return socketact.Sockets{Listeners: []net.Listener{l}}, nil
}
