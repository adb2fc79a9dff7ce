// Package metrics tells Prometheus how the proxy and each project are doing. It counts nothing
// itself: what it shows is read when somebody asks.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sandwich/proxy"
	"sandwich/proxy/tls"
)

// Proxy is what is told about: *proxy.Server.
type Proxy interface {
	Status() []proxy.Status
	Summary() proxy.Summary
	Certificates() []tls.Certificate
	MetricsAddress() (address string, moved <-chan struct{})
}

// Handler answers scrapes.
func Handler(p Proxy, version string) http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{p, version}, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

// Run serves the metrics on a unix socket, "" for none, and on the address that the settings name,
// until ctx ends. What cannot be opened is told once and tried again: the process before this one may
// have it still.
func Run(ctx context.Context, p Proxy, version, socket string, log *slog.Logger) {
	server := &http.Server{Handler: Handler(p, version), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	defer server.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if socket != "" {
			serve(ctx, server, func() (net.Listener, error) { return listenUnix(socket) }, socket, log)
		}
	}()
	for ctx.Err() == nil {
		address, moved := p.MetricsAddress()
		until, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-moved:
				cancel()
			case <-until.Done():
			}
		}()
		if address == "" {
			<-until.Done()
		} else {
			serve(until, server, func() (net.Listener, error) { return net.Listen("tcp", address) }, address, log)
		}
		cancel()
	}
	<-done
}

// serve listens until ctx ends.
func serve(ctx context.Context, server *http.Server, listen func() (net.Listener, error), where string, log *slog.Logger) {
	told := false
	for ctx.Err() == nil {
		l, err := listen()
		if err == nil {
			stop := context.AfterFunc(ctx, func() { l.Close() })
			server.Serve(l)
			stop()
			l.Close()
			continue
		}
		if !told {
			told = true
			log.Warn(fmt.Sprintf("cannot offer metrics on %s, trying again: %v", where, err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// listenUnix takes the path from a process before this one. Everybody may ask, as over D-Bus.
func listenUnix(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it may be the next process's by then
	if err := os.Chmod(path, 0o666); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}
