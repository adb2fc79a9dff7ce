package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain is the program itself when a test has started it as systemd would.
func TestMain(m *testing.M) {
	if os.Getenv("SANDWICH_PROXY_TEST") == "" {
		os.Exit(m.Run())
	}
	if pid := os.Getenv("SANDWICH_PROXY_TEST_PID"); pid != "" {
		os.Setenv("LISTEN_PID", pid)
	}
	main()
}

// command is the program, replaced for the shell so that it knows its process id beforehand.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", `SANDWICH_PROXY_TEST_PID=$$ exec "$0" "$@"`, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), "SANDWICH_PROXY_TEST=1")
	return cmd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestALifeUnderSystemd(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "routes"), 0o755))
	must(t, os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o644))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	must(t, err)
	defer file.Close()
	notes := newNotes(t, filepath.Join(dir, "notify"))

	cmd := command("-routes", filepath.Join(dir, "routes"), "-settings", filepath.Join(dir, "proxy.json"), "-logs", dir, "-bus=false")
	cmd.Env = append(cmd.Env, "LISTEN_FDS=1", "LISTEN_FDNAMES=http", "CACHE_DIRECTORY="+filepath.Join(dir, "cache"),
		"NOTIFY_SOCKET="+filepath.Join(dir, "notify"))
	cmd.ExtraFiles = []*os.File{file}
	cmd.Stderr = os.Stderr
	must(t, cmd.Start())
	defer cmd.Process.Kill()
	notes.wait("READY=1\nSTATUS=Serving 0 projects")

	must(t, os.WriteFile(filepath.Join(dir, "routes", "demo.json"), []byte(`{"version": 1, "name": "demo", "domains": ["demo.example"],
		"upstream": {"network": "unix", "address": "/nowhere", "unit": ""}, "max_body": 1, "timeout_ms": 1, "hold_ms": 1,
		"buffer_requests": true, "buffer_responses": true, "static": [{"prefix": "/static/", "root": "`+dir+`", "max_age": 1}]}`), 0o644))
	must(t, cmd.Process.Signal(syscall.SIGHUP))
	notes.wait("RELOADING=1\nMONOTONIC_USEC=")
	notes.wait("READY=1\nSTATUS=Serving 1 projects")
	if got := get(t, l.Addr().String(), "/static/a.txt"); got != "hello" {
		t.Errorf("the file is %q", got)
	}
	accessLog := filepath.Join(dir, "demo.access.log")
	for range 2 { // the keeper passes the signal on, and it is no end
		must(t, cmd.Process.Signal(syscall.SIGUSR1))
		appears(t, accessLog)
		must(t, os.Rename(accessLog, accessLog+".1"))
		get(t, l.Addr().String(), "/static/a.txt")
	}
	must(t, cmd.Process.Signal(syscall.SIGTERM))
	notes.wait("STOPPING=1")
	must(t, cmd.Wait())
}

func appears(t *testing.T, file string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // nobody tells
		if content, _ := os.ReadFile(file); strings.Contains(string(content), "GET /static/a.txt") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not appear", file)
		}
	}
}

func get(t *testing.T, addr, path string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	defer c.Close()
	io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: demo.example\r\nConnection: close\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(t, err)
	body, err := io.ReadAll(res.Body)
	must(t, err)
	return string(body)
}

// notes is the side of the service manager.
type notes struct {
	*testing.T
	conn *net.UnixConn
}

func newNotes(t *testing.T, path string) notes {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	return notes{t, conn}
}

// wait reads until a message begins with what.
func (n notes) wait(what string) {
	n.Helper()
	must(n.T, n.conn.SetDeadline(time.Now().Add(time.Minute)))
	buf := make([]byte, 4096)
	for {
		size, err := n.conn.Read(buf)
		if err != nil {
			n.Fatalf("%q was not told: %v", what, err)
		}
		if strings.HasPrefix(string(buf[:size]), what) {
			return
		}
	}
}

func TestWithoutSocketsItSaysWhy(t *testing.T) {
	out, err := command("-bus=false").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no socket was handed over by systemd") {
		t.Errorf("%v: %s", err, out)
	}
}
