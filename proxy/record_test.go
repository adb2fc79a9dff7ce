package proxy_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/proxy"
	"sandwich/proxy/route"
)

// logged stops the proxy and gives the lines of a project's access log.
func (f *front) logged(name string) []string {
	f.Helper()
	must(f, f.stop())
	content, err := os.ReadFile(filepath.Join(f.logs, name+".access.log"))
	must(f, err)
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

func inJSON(r *route.Route) { r.AccessLog = "json" }

type logLine struct {
	Project   string  `json:"project"`
	RequestID string  `json:"request_id"`
	Client    string  `json:"client"`
	User      string  `json:"user"`
	Host      string  `json:"host"`
	Method    string  `json:"method"`
	URI       string  `json:"uri"`
	Status    int     `json:"status"`
	Sent      int64   `json:"bytes_sent"`
	Received  int64   `json:"bytes_received"`
	Duration  float64 `json:"duration"`
	Wait      float64 `json:"wait"`
	Queue     float64 `json:"queue"`
	Run       float64 `json:"run"`
}

func (f *front) loggedJSON(name string) (lines []logLine) {
	f.Helper()
	for _, line := range f.logged(name) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			f.Fatalf("%v: %s", err, line)
		}
		lines = append(lines, l)
	}
	return lines
}

func TestEachRequestHasALineWithWhatWasSentAndReceived(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "a.css"), []byte("12345"), 0o644))
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket, inJSON, func(r *route.Route) {
		r.Static = []route.Static{{Prefix: "/static/", Root: dir, MaxAge: 60}}
		r.Stream = []string{"/stream/"}
		r.Redirects = []route.Redirect{{From: "old.example", To: "https://demo.example", Status: 301}}
	}))
	post := f.ask("POST /form?a=b HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 9\r\n\r\n123456789").want(t, 200)
	f.ask("POST /stream/ HTTP/1.1\r\nHost: www.demo.example\r\nContent-Length: 3\r\n\r\n123").want(t, 200)
	f.get("/static/a.css").want(t, 200)
	f.get("/static/no.css").want(t, 404)
	f.ask("GET /x HTTP/1.1\r\nHost: old.example\r\n\r\n").want(t, 301)
	lines := f.loggedJSON("demo")
	want := []logLine{
		{Method: "POST", URI: "/form?a=b", Host: "demo.example", Status: 200, Sent: 9, Received: 9},
		{Method: "POST", URI: "/stream/", Host: "www.demo.example", Status: 200, Sent: 3, Received: 3},
		{Method: "GET", URI: "/static/a.css", Host: "demo.example", Status: 200, Sent: 5},
		{Method: "GET", URI: "/static/no.css", Host: "demo.example", Status: 404},
		{Method: "GET", URI: "/x", Host: "old.example", Status: 301},
	}
	if len(lines) != len(want) {
		t.Fatalf("there are %d lines: %+v", len(lines), lines)
	}
	// An answer may be read before its line is written.
	place := func(l logLine) int { return slices.IndexFunc(want, func(w logLine) bool { return w.URI == l.URI }) }
	slices.SortFunc(lines, func(a, b logLine) int { return place(a) - place(b) })
	if lines[0].RequestID != post.Header.Get("X-Request-Id") || len(lines[0].RequestID) != 32 {
		t.Errorf("request id is %q, the client was told %q", lines[0].RequestID, post.Header.Get("X-Request-Id"))
	}
	if head := within(t, a.heads, "the request"); !strings.Contains(head, "X-Request-ID: "+lines[0].RequestID+"\r\n") {
		t.Errorf("the application was told another id:\n%s", head)
	}
	for i, l := range lines {
		w := want[i]
		w.Project, w.Client, w.RequestID, w.Duration, w.Wait, w.Queue, w.Run = "demo", "127.0.0.1", l.RequestID, l.Duration, l.Wait, l.Queue, l.Run
		if w.Status == 404 {
			w.Sent = l.Sent
		}
		if l != w {
			t.Errorf("line is %+v, want %+v", l, w)
		}
	}
}

func TestALineTellsWhereTheTimeWent(t *testing.T) {
	const pause = 60 * time.Millisecond
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		io.ReadFull(r, make([]byte, 2))
		time.Sleep(pause)
		io.WriteString(c, ok)
	})
	f := newFront(t, demo(a.socket, inJSON))
	must(t, f.Hold("demo", patience))
	c := f.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 2\r\n\r\n1")
	time.Sleep(pause)
	io.WriteString(c, "2")
	f.eventually("a request waits", func(st proxy.Status) bool { return st.Held == 1 })
	time.Sleep(pause)
	must(t, f.Release("demo"))
	f.read(bufio.NewReader(c), "POST").want(t, 200)
	l := f.loggedJSON("demo")[0]
	least := pause.Seconds() * 0.9
	if l.Wait < least || l.Queue < least || l.Run < least || l.Duration < l.Wait+l.Queue+l.Run-0.003 {
		t.Errorf("wait %.3f, queue %.3f, run %.3f of %.3f s", l.Wait, l.Queue, l.Run, l.Duration)
	}
}

func TestWhatAClientSendsCannotForgeALine(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	f.ask("GET /%0a%1b?\xff\" HTTP/1.1\r\nHost: demo.example\r\nUser-Agent: a\tb\xff\" 200 1 \"-\" \"\r\nReferer: \\\r\n\r\n")
	lines := f.logged("demo")
	if len(lines) != 1 || strings.Count(lines[0], `"`) != 6 || strings.ContainsFunc(lines[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		t.Errorf("lines are %q", lines)
	}
}

func TestAClientThatWentAwayIs499(t *testing.T) {
	asked := make(chan bool, 1)
	a := newApp(t, func(c net.Conn, _ string, r *bufio.Reader) {
		asked <- true
		r.ReadByte() // until the proxy lets go
	})
	f := newFront(t, demo(a.socket, inJSON))
	c := f.dial()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost: demo.example\r\n\r\n")
	within(t, asked, "the request")
	c.Close()
	f.eventually("nothing is in flight", func(st proxy.Status) bool { return st.InFlight == 0 })
	if l := f.loggedJSON("demo"); len(l) != 1 || l[0].Status != 499 {
		t.Errorf("lines are %+v", l)
	}
}

func TestALogThatIsOffIsNotWritten(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.AccessLog = "off" }))
	f.get("/").want(t, 200)
	must(t, f.stop())
	if left, _ := os.ReadDir(f.logs); len(left) > 0 {
		t.Errorf("there is %v", left)
	}
}

func TestAccessLinesCanGoToTheJournal(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket, func(r *route.Route) { r.AccessLog = "journal" }))
	id := f.get("/page").want(t, 200).Header.Get("X-Request-Id")
	must(t, f.stop())
	if said := f.log.String(); !strings.Contains(said, "project=demo request_id="+id) || !strings.Contains(said, "GET /page") {
		t.Errorf("the journal has %q", said)
	}
}

func TestRequestsAreServedWithoutADirectoryForLogs(t *testing.T) {
	a := newApp(t, says(ok))
	f := newFront(t, demo(a.socket))
	must(t, os.Remove(f.logs))
	for range 3 {
		f.get("/").want(t, 200)
	}
}

func TestTimesAndBytesAreCountedForEachProject(t *testing.T) {
	a := newApp(t, echo)
	f := newFront(t, demo(a.socket))
	for range 3 {
		f.ask("POST / HTTP/1.1\r\nHost: demo.example\r\nContent-Length: 4\r\n\r\n1234").want(t, 200)
	}
	f.get("/nowhere").want(t, 200)
	f.ask("GET / HTTP/1.1\r\nHost: unknown.example\r\n\r\n").want(t, 421)
	f.eventually("all are counted", func(st proxy.Status) bool { return st.Responses["2xx"] == 4 })
	st := f.Status()[0]
	var n, queued uint64
	for i := range st.Durations.Counts {
		n, queued = n+st.Durations.Counts[i], queued+st.Queues.Counts[i]
	}
	if n != 4 || queued != 4 || st.Durations.Sum <= 0 || st.Sent != 12 || st.Received != 12 {
		t.Errorf("status is %+v", st)
	}
	if s := f.Summary(); s.Projects != 1 || s.UnknownHosts != 1 {
		t.Errorf("summary is %+v", s)
	}
}
