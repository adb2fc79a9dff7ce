//go:build e2e && browser

package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Browser is a headless Chromium of this host inside the network of a machine, told what to do over
// its DevTools pipe.
type Browser struct {
	t       testing.TB
	in      *os.File
	out     *bufio.Reader
	last    int
	session string
	seen    []Seen
	loaded  int
}

// Seen is an answer as the browser got it.
type Seen struct {
	URL      string `json:"url"`
	Status   int    `json:"status"`
	Protocol string `json:"protocol"`
	Security string `json:"securityState"`
	Details  struct {
		Protocol string `json:"protocol"`
		Issuer   string `json:"issuer"`
	} `json:"securityDetails"`
}

// OpenBrowser starts one that trusts the CAs in a file, as somebody does who imports it.
func (m *Machine) OpenBrowser(t testing.TB, root string, args ...string) *Browser {
	t.Helper()
	home := t.TempDir()
	certificate := home + "/root.crt"
	if err := os.WriteFile(certificate, []byte(m.MustRun("cat", root)), 0o600); err != nil {
		t.Fatal(err)
	}
	database := home + "/.pki/nssdb"
	for _, command := range [][]string{
		{"mkdir", "-p", database}, {"certutil", "-d", "sql:" + database, "-N", "--empty-password"},
		{"certutil", "-d", "sql:" + database, "-A", "-t", "C,,", "-n", "internal CA", "-i", certificate},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("cannot have the browser trust the CA: %v\n%s", err, out)
		}
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("nsenter", append([]string{"-t", m.pid(), "-n", "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
		"--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe",
		"--user-data-dir=" + home + "/profile", "--host-resolver-rules=MAP *.example 127.0.0.1"}, args...)...)
	command.Env = append(os.Environ(), "HOME="+home)
	command.ExtraFiles = []*os.File{theirIn, theirOut}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	b := &Browser{t: t, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	hung := time.AfterFunc(5*time.Minute, func() { command.Process.Kill() })
	t.Cleanup(func() {
		b.call("Browser.close", nil)
		in.Close()
		command.Wait()
		hung.Stop()
		out.Close()
	})
	b.attach()
	return b
}

// attach opens a page.
func (b *Browser) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.must("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.must("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	b.must("Network.enable", nil, nil)
	b.must("Page.enable", nil, nil)
}

func (b *Browser) must(method string, params, result any) {
	b.t.Helper()
	raw, err := b.call(method, params)
	if err == nil && result != nil {
		err = json.Unmarshal(raw, result)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

// message is an answer of the browser's, or something that has happened.
type message struct {
	ID     int
	Method string
	Result json.RawMessage
	Error  *struct{ Message string }
	Params struct{ Response Seen }
}

func (b *Browser) call(method string, params any) (json.RawMessage, error) {
	b.last++
	command := map[string]any{"id": b.last, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.session != "" && method != "Browser.close" {
		command["sessionId"] = b.session
	}
	data, err := json.Marshal(command)
	if err != nil {
		return nil, err
	}
	if _, err := b.in.Write(append(data, 0)); err != nil {
		return nil, err
	}
	for {
		m, err := b.next()
		if err != nil || m.ID == b.last {
			return m.Result, err
		}
	}
}

func (b *Browser) next() (m message, err error) {
	data, err := b.out.ReadBytes(0)
	if err != nil {
		return m, fmt.Errorf("the browser has ended: %w", err)
	}
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		return m, err
	}
	switch m.Method {
	case "Network.responseReceived":
		b.seen = append(b.seen, m.Params.Response)
	case "Page.loadEventFired":
		b.loaded++
	}
	if m.Error != nil {
		err = errors.New(m.Error.Message)
	}
	return m, err
}

// Visit loads a page with everything in it, and gives what came.
func (b *Browser) Visit(url string) []Seen {
	b.t.Helper()
	return b.Loads(func() {
		var went struct{ ErrorText string }
		b.must("Page.navigate", map[string]any{"url": url}, &went)
		if went.ErrorText != "" {
			b.t.Fatalf("%s: %s", url, went.ErrorText)
		}
	})
}

// Loads does something that leads to another page, and gives what came.
func (b *Browser) Loads(do func()) []Seen {
	b.t.Helper()
	b.seen, b.loaded = nil, 0
	for do(); b.loaded == 0; {
		if _, err := b.next(); err != nil {
			b.t.Fatal(err)
		}
	}
	return b.seen
}

// Script runs a script in the page and gives its value.
func (b *Browser) Script(script string) string {
	b.t.Helper()
	var evaluated struct{ Result struct{ Value any } }
	b.must("Runtime.evaluate", map[string]any{"expression": script}, &evaluated)
	return fmt.Sprint(evaluated.Result.Value)
}
