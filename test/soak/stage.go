package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sandwich/proxy/route"
)

// stage is where a scene plays: a directory, a proxy and what else is started for it.
type stage struct {
	options
	name string
	dir  string
	addr string
	pid  int
	undo []func()
}

func (s *stage) say(format string, args ...any) {
	fmt.Printf("%-12s %s\n", s.name, fmt.Sprintf(format, args...))
}

// clear undoes what was done for the scene, last first.
func (s *stage) clear() {
	for i := len(s.undo) - 1; i >= 0; i-- {
		s.undo[i]()
	}
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

// start starts a proxy that serves r, with a limit of descriptors unless that is 0.
func (s *stage) start(r *route.Route, descriptors int) error {
	for _, name := range []string{"routes", "cache", "run", "logs", "files"} {
		if err := os.MkdirAll(s.path(name), 0o700); err != nil {
			return err
		}
	}
	content, err := route.Encode(r)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.path("routes/soak.json"), content, 0o600); err != nil {
		return err
	}
	if s.addr, err = freeAddress(); err != nil {
		return err
	}
	return s.spawn(descriptors)
}

func (s *stage) spawn(descriptors int) error {
	args := []string{s.proxy, "-bus=false", "-listen", s.addr, "-routes", s.path("routes"), "-settings", s.path("proxy.json"),
		"-cache", s.path("cache"), "-runtime", s.path("run"), "-logs", s.path("logs"), "-maintenance", s.path("maintenance")}
	if descriptors > 0 {
		args = append([]string{"prlimit", "--nofile=" + strconv.Itoa(descriptors)}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	log, err := os.Create(s.path("proxy.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.pid = cmd.Process.Pid
	s.undo = append(s.undo, func() { cmd.Process.Kill(); cmd.Wait() })
	return s.eventually(time.Minute, "the proxy listens", func() bool {
		c, err := net.Dial("tcp", s.addr)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// gunicorn starts two sync workers on app.sock, as a project has them.
func (s *stage) gunicorn() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(s.path("soak.py"), []byte(application), 0o600); err != nil {
		return err
	}
	cmd := exec.Command("gunicorn", "--workers", "2", "--bind", "unix:"+s.path("app.sock"), "--chdir", s.dir, "--log-level", "error", "soak:application")
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	s.undo = append(s.undo, func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() })
	return nil
}

const application = `
def application(environ, start_response):
    environ["wsgi.input"].read()
    body = b"x" * (5 << 20 if environ["PATH_INFO"] == "/large" else 2)
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(body)))])
    return [body]
`

// app serves on app.sock.
func (s *stage) app(h http.Handler) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	l, err := net.Listen("unix", s.path("app.sock"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	s.undo = append(s.undo, func() { server.Close() })
	return nil
}

// site is the route of soak.example to app.sock.
func (s *stage) site() *route.Route {
	return &route.Route{
		Version: route.Version, Name: "soak", Domains: []string{"soak.example"},
		Upstream: route.Upstream{Network: "unix", Address: s.path("app.sock"), Unit: "sandwich-soak.service"},
		Static:   []route.Static{{Prefix: "/static/", Root: s.path("files"), MaxAge: 60}},
		MaxBody:  25 << 20, TimeoutMS: 60_000, HoldMS: 30_000, BufferRequests: true, BufferResponses: true, Compress: true,
	}
}

// eventually waits until something is so.
func (s *stage) eventually(limit time.Duration, what string, is func() bool) error {
	for deadline := time.Now().Add(limit); !is(); time.Sleep(20 * time.Millisecond) { // another process: nobody tells
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %s", what, limit)
		}
	}
	return nil
}

// figures are what the proxy has taken.
type figures struct {
	rss         int // kB
	descriptors int
	goroutines  int
	spooled     int // descriptors of files in its cache directory
}

func (f figures) String() string {
	return fmt.Sprintf("memory %d MB, %d descriptors, %d goroutines, %d files of bodies", f.rss>>10, f.descriptors, f.goroutines, f.spooled)
}

func (s *stage) figures() (f figures) {
	f.rss = s.memory()
	links, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	for _, link := range links {
		to, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", s.pid, link.Name()))
		if strings.HasPrefix(to, "pipe:") {
			continue // net keeps those of splice(2) for the next one, until the garbage is collected
		}
		f.descriptors++
		if strings.HasPrefix(to, s.path("cache")+"/") {
			f.spooled++
		}
	}
	f.goroutines, _ = s.goroutines()
	return f
}

// memory is resident, in kB.
func (s *stage) memory() (kB int) {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fmt.Sscan(rest, &kB)
	return kB
}

func (s *stage) goroutines() (int, error) {
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", s.path("run/metrics.sock"))
	}}}
	res, err := client.Get("http://proxy/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "go_goroutines "); ok {
			return strconv.Atoi(n)
		}
	}
	return 0, errors.New("the metrics do not tell of goroutines")
}
