package accesslog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var plain = Line{
	Time: time.Date(2026, 11, 30, 14, 5, 6, 789e6, time.UTC), Project: "demo", ID: "abc",
	Client: "192.0.2.1", Host: "demo.example", Method: "GET", URI: "/a?b=c", Proto: "HTTP/1.1",
	UserAgent: "Mozilla/5.0", Status: 200, Sent: 5, Received: 7,
	Duration: 1042 * time.Millisecond, Wait: time.Millisecond, Queue: 20 * time.Millisecond, Run: time.Second,
}

func TestACombinedLineIsWhatLogReadersKnowAndThenMore(t *testing.T) {
	want := `192.0.2.1 - - [30/Nov/2026:14:05:06 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "Mozilla/5.0"` +
		" host=demo.example id=abc at=1796047506.789 received=7 duration=1.042 wait=0.001 queue=0.020 run=1.000\n"
	if got := string(plain.appendCombined(nil)); got != want {
		t.Errorf("line is\n%s, want\n%s", got, want)
	}
}

func TestAJSONLineHasEverything(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(plain.appendJSON(nil), &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"time": "2026-11-30T14:05:06.789Z", "project": "demo", "request_id": "abc", "client": "192.0.2.1", "user": "",
		"host": "demo.example", "method": "GET", "uri": "/a?b=c", "proto": "HTTP/1.1", "referer": "", "user_agent": "Mozilla/5.0",
		"status": 200.0, "bytes_sent": 5.0, "bytes_received": 7.0, "duration": 1.042, "wait": 0.001, "queue": 0.02, "run": 1.0,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
}

var (
	control  = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f]`)
	combined = regexp.MustCompile(`^\S+ - \S+ \[[^]]+\] "[^"]*" \d+ \d+ "[^"]*" "[^"]*" host=\S+ id=\S+ at=\S+ received=\d+ duration=\S+ wait=\S+ queue=\S+ run=\S+$`)
)

func FuzzNoValueEscapesItsField(f *testing.F) {
	f.Add("\x1b]0;x\a", "a\r\nb", "\"quoted\"", "\x00\xff\u2028\u0085")
	f.Add(strings.Repeat("x", 9000), strings.Repeat("é", 2000), "", " ")
	f.Fuzz(func(t *testing.T, uri, agent, host, user string) {
		l := plain
		l.URI, l.UserAgent, l.Host, l.User, l.Referer, l.Method, l.ID = uri, agent, host, user, agent, host, user
		for _, line := range [][]byte{l.appendCombined(nil), l.appendJSON(nil)} {
			if bytes.Count(line, []byte("\n")) != 1 || line[len(line)-1] != '\n' || control.Match(line) || len(line) > 100<<10 {
				t.Errorf("line is %q", line)
			}
		}
		if line := bytes.TrimSuffix(l.appendCombined(nil), []byte("\n")); !combined.Match(line) {
			t.Errorf("line cannot be parsed: %q", line)
		}
		if !json.Valid(l.appendJSON(nil)) {
			t.Errorf("no JSON: %q", l.appendJSON(nil))
		}
	})
}

// logs is a Dir that runs, and what it says.
type logs struct {
	*Dir
	t    *testing.T
	said *text
	end  func()
}

type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *text) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *text) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func running(t *testing.T, path string) *logs {
	said := new(text)
	l := &logs{Dir: Open(path, slog.New(slog.NewTextHandler(said, nil))), t: t, said: said}
	ctx, cancel := context.WithCancel(context.Background())
	go l.Run(ctx)
	l.end = sync.OnceFunc(func() { cancel(); <-l.ended })
	t.Cleanup(l.end)
	return l
}

func (l *logs) content(name string) string {
	l.t.Helper()
	content, err := os.ReadFile(filepath.Join(l.path, name))
	if err != nil {
		l.t.Error(err)
	}
	return string(content)
}

// afterASecond lets the clock of a synctest bubble go on by what a flush may take.
func afterASecond() { time.Sleep(flushEvery + time.Millisecond); synctest.Wait() }

func TestLinesAreInTheFileWithinASecondAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		demo := l.Log("demo")
		demo.Write(Combined, &plain)
		afterASecond()
		if got := l.content("demo.access.log"); strings.Count(got, "\n") != 1 {
			t.Errorf("after a second there is %q", got)
		}
		demo.Write(JSON, &plain)
		demo.Write(Off, &plain)
		l.end()
		if got := l.content("demo.access.log"); strings.Count(got, "\n") != 2 {
			t.Errorf("at the end there is %q", got)
		}
		if info, err := os.Stat(filepath.Join(l.path, "demo.access.log")); err != nil || info.Mode() != 0o640 {
			t.Errorf("mode is %v, %v", info.Mode(), err)
		}
	})
}

func TestAFileThatIsMovedIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		demo := l.Log("demo")
		for _, away := range []func(from, to string) error{os.Rename, func(from, _ string) error { return os.Remove(from) }} {
			demo.Write(Combined, &plain)
			afterASecond()
			if err := away(demo.path, demo.path+".1"); err != nil {
				t.Fatal(err)
			}
			demo.Write(Combined, &plain)
			afterASecond()
			if got := l.content("demo.access.log"); strings.Count(got, "\n") != 1 {
				t.Errorf("the new file has %q", got)
			}
		}
		if got := l.content("demo.access.log.1"); strings.Count(got, "\n") != 1 {
			t.Errorf("the old file has %q", got)
		}
	})
}

func TestReopenOpensAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		demo := l.Log("demo")
		demo.Write(Combined, &plain)
		afterASecond()
		before := demo.file
		demo.Write(Combined, &plain)
		l.Reopen()
		synctest.Wait()
		if demo.file == before || strings.Count(l.content("demo.access.log"), "\n") != 2 {
			t.Errorf("it is the same file, or has %q", l.content("demo.access.log"))
		}
	})
}

func TestALogIsClosedWhenItIsIdleOrItsProjectGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		idle, gone := l.Log("idle"), l.Log("gone")
		idle.Write(Combined, &plain)
		gone.Write(Combined, &plain)
		afterASecond()
		gone.Close()
		afterASecond()
		if gone.file != nil || idle.file == nil {
			t.Errorf("files are %v and %v", gone.file, idle.file)
		}
		gone.Write(Combined, &plain) // a request that was in flight
		time.Sleep(idleFiles + 2*flushEvery)
		synctest.Wait()
		if gone.file != nil || idle.file != nil || len(l.open) != 0 {
			t.Errorf("files are %v and %v", gone.file, idle.file)
		}
		if got := l.content("gone.access.log"); strings.Count(got, "\n") != 2 {
			t.Errorf("there is %q", got)
		}
	})
}

func TestWithoutADirectoryLinesAreKeptThenDroppedAndCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, filepath.Join(t.TempDir(), "missing"))
		demo := l.Log("demo")
		lines := 2 * maxPending / len(plain.appendCombined(nil))
		for range lines {
			demo.Write(Combined, &plain)
		}
		afterASecond()
		afterASecond()
		if said := l.said.String(); strings.Count(said, "cannot write the access log") != 1 {
			t.Errorf("said %q", said)
		}
		if err := os.Mkdir(l.path, 0o700); err != nil {
			t.Fatal(err)
		}
		afterASecond()
		written := strings.Count(l.content("demo.access.log"), "\n")
		if d := int(l.Dropped()); d == 0 || written+d != lines {
			t.Errorf("%d lines: %d are written, %d dropped", lines, written, d)
		}
		if said := l.said.String(); !strings.Contains(said, "is written again") || !strings.Contains(said, "lines are missing") {
			t.Errorf("said %q", said)
		}
		if n := l.total.Load(); n != 0 {
			t.Errorf("%d bytes are still counted as collected", n)
		}
	})
}

// narrow is a file on a disk that has room for some bytes.
type narrow struct {
	file
	room atomic.Int64
}

func (n *narrow) Write(p []byte) (int, error) {
	if room := n.room.Add(-int64(len(p))); room >= 0 {
		return n.file.Write(p)
	}
	part := p[:max(n.room.Swap(0)+int64(len(p)), 0)]
	m, _ := n.file.Write(part)
	return m, errors.New("no space left on device")
}

func TestALineThatAFullDiskCutIsEndedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		demo := l.Log("demo")
		demo.Write(Combined, &plain)
		afterASecond()
		disk := &narrow{file: demo.file}
		disk.room.Store(50)
		demo.file = disk
		demo.Write(Combined, &plain)
		afterASecond()
		demo.Write(Combined, &plain)
		afterASecond()
		disk.room.Store(1 << 20)
		afterASecond()
		want := strings.Repeat(string(plain.appendCombined(nil)), 3)
		if got := l.content("demo.access.log"); got != want {
			t.Errorf("there is %q", got)
		}
	})
}

func TestAnythingButAFileIsNotWrittenTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, t.TempDir())
		if err := os.Symlink("/etc/passwd", filepath.Join(l.path, "demo.access.log")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(l.path, "dir.access.log"), 0o700); err != nil {
			t.Fatal(err)
		}
		l.Log("demo").Write(Combined, &plain)
		l.Log("dir").Write(Combined, &plain)
		afterASecond()
		if said := l.said.String(); strings.Count(said, "cannot write the access log") != 2 || l.total.Load() == 0 {
			t.Errorf("said %q", said)
		}
	})
}

func TestTheJournalGetsALineWithFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := running(t, "")
		l.Log("demo").Write(Journal, &plain)
		l.Log("demo").Write(Combined, &plain) // there is no directory: nobody wants it
		l.end()
		said := l.said.String()
		for _, want := range []string{`msg="192.0.2.1 \"GET /a?b=c\" 200 1.042s"`, "project=demo", "request_id=abc", "status=200", "duration=1.042"} {
			if !strings.Contains(said, want) {
				t.Errorf("said %q, want %s", said, want)
			}
		}
	})
}

func TestWritingAllocatesNothing(t *testing.T) {
	l := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	demo, line := l.Log("demo"), plain
	for range 5000 { // until the buffer has grown
		demo.Write(JSON, &line)
	}
	for _, format := range []Format{Combined, JSON} {
		if n := testing.AllocsPerRun(100, func() {
			demo.pending = demo.pending[:0]
			demo.Write(format, &line)
			l.dirty = l.dirty[:0]
		}); n != 0 {
			t.Errorf("%s: %v allocations for a line", format, n)
		}
	}
}

func BenchmarkLine(b *testing.B) {
	demo, line := Open(b.TempDir(), slog.New(slog.DiscardHandler)).Log("demo"), plain
	b.ReportAllocs()
	for b.Loop() {
		demo.pending = demo.pending[:0]
		demo.dir.dirty = demo.dir.dirty[:0]
		demo.Write(Combined, &line)
	}
}
