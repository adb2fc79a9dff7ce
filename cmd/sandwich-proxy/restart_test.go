package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// service is what systemd does for the proxy: it holds the socket and starts one main process
// after the other.
type service struct {
	*testing.T
	dir    string
	socket *os.File
	addr   string
	notes  notes
	main   *exec.Cmd
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{T: t, dir: t.TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	s.addr = l.Addr().String()
	s.socket, err = l.(*net.TCPListener).File()
	must(t, err)
	t.Cleanup(func() { s.socket.Close() })
	must(t, syscall.SetNonblock(int(s.socket.Fd()), true)) // NonBlocking=yes
	must(t, os.Mkdir(filepath.Join(s.dir, "routes"), 0o755))
	s.notes = newNotes(t, filepath.Join(s.dir, "notify"))
	t.Cleanup(func() {
		if s.main != nil {
			s.main.Process.Signal(syscall.SIGTERM)
			s.main.Wait()
		}
	})
	return s
}

func (s *service) route(app string) {
	s.Helper()
	must(s.T, os.WriteFile(filepath.Join(s.dir, "routes", "demo.json"), fmt.Appendf(nil, `{"version": 1, "name": "demo",
		"domains": ["demo.example"], "upstream": {"network": "unix", "address": %q, "unit": ""}, "max_body": 100000,
		"timeout_ms": 20000, "hold_ms": 10000, "buffer_requests": true, "buffer_responses": true}`, app), 0o644))
}

// start returns when the proxy is ready.
func (s *service) start() {
	s.Helper()
	s.main = command("-routes", filepath.Join(s.dir, "routes"), "-settings", filepath.Join(s.dir, "proxy.json"), "-bus=false")
	s.main.Env = append(s.main.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=http", "CACHE_DIRECTORY="+filepath.Join(s.dir, "cache"),
		"NOTIFY_SOCKET="+filepath.Join(s.dir, "notify"), "RUNTIME_DIRECTORY="+s.dir, "GORACE=atexit_sleep_ms=0")
	s.main.ExtraFiles = []*os.File{s.socket}
	s.main.Stderr = os.Stderr
	must(s.T, s.main.Start())
	s.notes.wait("READY=1")
}

// end ends the main process and returns when it has ended.
func (s *service) end(signal syscall.Signal) {
	s.Helper()
	must(s.T, s.main.Process.Signal(signal))
	s.main.Wait()
}

// application answers every request with its body's length, after a while that differs.
func application(t *testing.T, path string) {
	t.Helper()
	l, err := net.Listen("unix", path)
	must(t, err)
	var n atomic.Int64
	app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size, _ := io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/wait" {
			<-time.After(time.Duration(n.Add(1)%20) * time.Millisecond) // it works
		}
		fmt.Fprintf(w, "%d", size)
	})}
	go app.Serve(l)
	t.Cleanup(func() { app.Close() })
}

// visitor asks again and again and never sends a request twice.
type visitor struct {
	addr    string
	request string
	keep    bool

	conn   net.Conn
	reader *bufio.Reader
}

func (v *visitor) ask() error {
	if v.conn == nil {
		c, err := net.Dial("tcp", v.addr)
		if err != nil {
			return err
		}
		c.SetDeadline(time.Now().Add(time.Minute))
		v.conn, v.reader = c, bufio.NewReader(c)
	}
	if _, err := io.WriteString(v.conn, v.request); err != nil {
		return err
	}
	res, err := http.ReadResponse(v.reader, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if !v.keep || res.Close {
		v.conn.Close()
		v.conn = nil
	}
	if err == nil && res.StatusCode != 200 {
		err = errors.New(res.Status)
	}
	return err
}

// visit has visitors of all kinds ask until stop is called. Each answer is told.
func visit(t *testing.T, addr string) (answers <-chan bool, stop func()) {
	done, told := make(chan struct{}), make(chan bool, 1e6)
	var all sync.WaitGroup
	for _, request := range []string{
		"GET /wait HTTP/1.1\r\nHost: demo.example\r\n\r\n",
		"POST /wait HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000),
	} {
		for i := range 6 {
			v := &visitor{addr: addr, request: request, keep: i%2 == 0}
			all.Go(func() { v.stay(t, done, told) })
		}
	}
	return told, func() { close(done); all.Wait() }
}

func (v *visitor) stay(t *testing.T, done <-chan struct{}, told chan<- bool) {
	for {
		select {
		case <-done:
			return
		default:
		}
		if err := v.ask(); err != nil {
			t.Errorf("%.5s, kept %v: %v", v.request, v.keep, err)
			v.conn = nil
		}
		told <- true
	}
}

func TestNoVisitorNoticesTheEndOfTheMainProcess(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			s := newService(t)
			s.route(filepath.Join(s.dir, "app.sock"))
			application(t, filepath.Join(s.dir, "app.sock"))
			s.start()
			answers, stop := visit(t, s.addr)
			defer stop()
			for range 10 {
				for range 300 {
					<-answers
				}
				s.end(signal)
				s.start()
			}
		})
	}
}

func TestARequestInFlightIsFinishedBesideTheNextProcess(t *testing.T) {
	s := newService(t)
	app := filepath.Join(s.dir, "app.sock")
	s.route(app)
	l, err := net.Listen("unix", app)
	must(t, err)
	defer l.Close()
	s.start()
	c, err := net.Dial("tcp", s.addr)
	must(t, err)
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	slow, err := l.Accept()
	must(t, err)
	defer slow.Close()
	s.end(syscall.SIGTERM)
	s.start()
	s.end(syscall.SIGKILL)
	s.start()
	io.WriteString(slow, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	if body, err := io.ReadAll(res.Body); string(body) != "ok" || err != nil || !res.Close {
		t.Errorf("the answer is %q, %v, close %v", body, err, res.Close)
	}
}

// child is the serving process of the main one.
func (s *service) child() int {
	s.Helper()
	list, err := filepath.Glob("/proc/[0-9]*/stat")
	must(s.T, err)
	for _, name := range list {
		stat, _ := os.ReadFile(name) // one that has ended meanwhile is not ours
		var pid, parent int
		var comm, state string
		fmt.Sscan(string(stat), &pid, &comm, &state, &parent)
		if parent == s.main.Process.Pid {
			return pid
		}
	}
	s.Fatal("there is no serving process")
	return 0
}

func TestTheMainProcessEndsWithTheServingOne(t *testing.T) {
	s := newService(t)
	s.route("/nowhere")
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM} {
		s.start()
		must(t, syscall.Kill(s.child(), signal))
		if err := s.main.Wait(); err == nil {
			t.Errorf("after %s it ended in order: nobody would start the next", signal)
		}
	}
	s.main = nil
}

func TestAServingProcessThatHangsIsKilled(t *testing.T) {
	s := newService(t)
	s.route("/nowhere")
	s.start()
	child := s.child()
	must(t, syscall.Kill(child, syscall.SIGSTOP))
	s.end(syscall.SIGABRT)
	for deadline := time.Now().Add(time.Minute); syscall.Kill(child, 0) == nil && !isZombie(child); {
		if time.Now().After(deadline) {
			t.Fatal("it lives on")
		}
	}
	s.main = nil
}

func isZombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(stat), ") Z ")
}
