package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	now := time.Date(2026, 11, 30, 14, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"": {}, "now": now, "today": now.Add(-14 * time.Hour), "yesterday": now.Add(-38 * time.Hour),
		"1h": now.Add(-time.Hour), "-1h": now.Add(-time.Hour), "30 min ago": now.Add(-30 * time.Minute), "2d": now.Add(-48 * time.Hour),
		"13:30": now.Add(-30 * time.Minute), "2026-11-30 13:00:05": now.Add(-time.Hour + 5*time.Second), "2026-11-29": now.Add(-38 * time.Hour),
		"2026-11-30T13:00:00Z": now.Add(-time.Hour),
	} {
		if got, err := parseWhen(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, wrong := range []string{"soon", "25:00", "1y", "--1h"} {
		if got, err := parseWhen(wrong, now); err == nil {
			t.Errorf("%q is %v", wrong, got)
		}
	}
}

func TestAnEntryOfTheJournalIsRead(t *testing.T) {
	e, ok := parseJournal([]byte(`{"__REALTIME_TIMESTAMP":"1796047506789000","MESSAGE":"hello","_PID":"7","PRIORITY":"4","__CURSOR":"c",
		"SYSLOG_IDENTIFIER":"demo","_SYSTEMD_UNIT":"sandwich-client-x.celery@1.service","SANDWICH_REQUEST_ID":"abc"}`))
	if !ok || e.Message != "hello" || e.Project != "client-x" || e.Level != "warning" || e.RequestID != "abc" || e.Source != "demo" ||
		e.PID != "7" || e.cursor != "c" || !e.Time.Equal(time.UnixMilli(1796047506789)) {
		t.Errorf("%+v, %v", e, ok)
	}
	e, ok = parseJournal([]byte(`{"__REALTIME_TIMESTAMP":"1","MESSAGE":[104,105,255],"_PID":"1","UNIT":"sandwich-a.service","_SYSTEMD_UNIT":"init.scope"}`))
	if !ok || e.Message != "hi\uFFFD" || e.Project != "a" || e.Unit != "sandwich-a.service" {
		t.Errorf("%+v, %v", e, ok)
	}
	for _, wrong := range []string{"", "{", `{"MESSAGE":"x"}`} {
		if _, ok := parseJournal([]byte(wrong)); ok {
			t.Errorf("%q is an entry", wrong)
		}
	}
}

func combinedLine(at int64, uri string, status int, id string) string {
	return fmt.Sprintf(`192.0.2.1 - - [30/Nov/2026:14:05:06 +0000] "GET %s HTTP/1.1" %d 5 "-" "x id=forged at=1" host=a id=%s at=%d.000 received=0 duration=0.1 wait=0 queue=0 run=0`, uri, status, id, at)
}

func jsonLine(at int64, status int, id string) string {
	return fmt.Sprintf(`{"time":%q,"project":"demo","request_id":%q,"status":%d}`, time.Unix(at, 0).UTC().Format(time.RFC3339), id, status)
}

func TestALineOfEitherFormatIsRead(t *testing.T) {
	for _, line := range []string{combinedLine(1000, "/", 503, "abc"), jsonLine(1000, 503, "abc")} {
		e, ok := parseAccess("demo", []byte(line))
		if !ok || e.RequestID != "abc" || e.Level != "err" || !e.Time.Equal(time.Unix(1000, 0)) || e.Source != "demo.access" {
			t.Errorf("%s: %+v, %v", line, e, ok)
		}
	}
	for _, wrong := range []string{"", "nonsense", "{"} {
		if _, ok := parseAccess("demo", []byte(wrong)); ok {
			t.Errorf("%q is a line", wrong)
		}
	}
}

// withLogs makes access logs and a journalctl that says what is in a file.
func withLogs(t *testing.T, access []string, journal ...string) {
	dir := t.TempDir()
	before := accessLogs
	accessLogs = dir
	t.Cleanup(func() { accessLogs = before })
	write := func(name, content string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("demo.access.log", strings.Join(access, "\n")+"\n", 0o600)
	write("journal", strings.Join(journal, "\n")+"\n", 0o600)
	write("journalctl", "#!/bin/sh\nprintf '%s\\n' \"$*\" >>"+dir+"/asked\ncat "+dir+"/journal\ncase $* in *--follow*) exec sleep 60;; esac\n", 0o755)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func journalLine(at int64, text, id string) string {
	message, _ := json.Marshal(text)
	return fmt.Sprintf(`{"__REALTIME_TIMESTAMP":"%d000000","__CURSOR":"c%d","MESSAGE":%s,"SYSLOG_IDENTIFIER":"demo","_PID":"9","PRIORITY":"6","_SYSTEMD_UNIT":"sandwich-demo.service","SANDWICH_REQUEST_ID":%q}`, at, at, message, id)
}

func shownLogs(t *testing.T, o logOptions) string {
	t.Helper()
	var out bytes.Buffer
	term := &terminal{stdout: &out, stderr: &out}
	if err := term.logs(context.Background(), logSource{access: []string{"demo"}, matches: [][]string{{"A=b"}}}, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLinesOfAllSourcesComeByTime(t *testing.T) {
	withLogs(t, []string{combinedLine(20, "/first", 200, "one"), jsonLine(40, 404, "two")},
		journalLine(10, "starting", ""), journalLine(30, "in between \x1b[2J", ""), journalLine(50, "about two", ""))
	said := shownLogs(t, logOptions{lines: 100, level: 7})
	at := 0
	for _, part := range []string{"demo[9]: starting", "demo.access: 192.0.2.1", `in between \x1b[2J`, `"request_id":"two"`, "about two"} {
		i := strings.Index(said[at:], part)
		if i < 0 {
			t.Fatalf("no %q after %d in\n%s", part, at, said)
		}
		at += i
	}
	if said := shownLogs(t, logOptions{lines: 2, level: 7}); strings.Count(said, "\n") != 2 || !strings.Contains(said, "about two") || !strings.Contains(said, `"two"`) {
		t.Errorf("the last two are\n%s", said)
	}
	if said := shownLogs(t, logOptions{level: 7, since: time.Unix(15, 0), until: time.Unix(35, 0)}); strings.Count(said, "\n") != 2 || !strings.Contains(said, "/first") || !strings.Contains(said, "in between") {
		t.Errorf("between two times there is\n%s", said)
	}
	if said := shownLogs(t, logOptions{level: 4}); strings.Count(said, "\n") != 1 || !strings.Contains(said, `"two"`) {
		t.Errorf("warnings are\n%s", said)
	}
	if said := shownLogs(t, logOptions{level: 7, lines: 100, asJSON: true}); strings.Count(said, `"source":`) != 5 {
		t.Errorf("JSON is\n%s", said)
	}
}

func TestARequestIsFoundInEverythingThatKnowsIt(t *testing.T) {
	withLogs(t, []string{combinedLine(20, "/first", 200, "one"), combinedLine(40, "/second", 200, "two")},
		journalLine(10, "nothing", ""), journalLine(30, "the application says two", ""), journalLine(50, "the proxy says", "two"))
	said := shownLogs(t, logOptions{level: 7, request: "two"})
	for _, part := range []string{"the application says two", "the proxy says", "/second"} {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
	if strings.Contains(said, "/first") || strings.Contains(said, "nothing") {
		t.Errorf("said\n%s", said)
	}
}

func TestNewLinesAreFollowedOverARotation(t *testing.T) {
	withLogs(t, []string{combinedLine(20, "/first", 200, "one")}, journalLine(10, "starting", ""))
	tail := newAccessTail("demo")
	if _, err := tail.read(logOptions{lines: 1, level: 7}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got := make(chan string, 10)
	go tail.follow(ctx, func(e logEntry) { got <- e.RequestID })
	add := func(line string) {
		f, err := os.OpenFile(tail.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintln(f, line)
	}
	next := func(want string) {
		t.Helper()
		select {
		case id := <-got:
			if id != want {
				t.Fatalf("%s came, want %s", id, want)
			}
		case <-time.After(time.Minute):
			t.Fatalf("%s did not come", want)
		}
	}
	add(combinedLine(30, "/", 200, "two"))
	next("two")
	if err := os.Rename(tail.path, tail.path+".1"); err != nil {
		t.Fatal(err)
	}
	add(combinedLine(40, "/", 200, "three"))
	next("three")
}

func TestOnlyTheEndOfALongLogIsRead(t *testing.T) {
	var lines []string
	for n := range 5000 {
		lines = append(lines, combinedLine(int64(n+1), "/"+strings.Repeat("x", 100), 200, fmt.Sprint("id", n)))
	}
	withLogs(t, lines)
	tail := newAccessTail("demo")
	entries, err := tail.read(logOptions{lines: 3, level: 7})
	if err != nil || len(entries) != 3 || entries[0].RequestID != "id4997" || entries[2].RequestID != "id4999" {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestALinkInPlaceOfALogIsNotFollowed(t *testing.T) {
	withLogs(t, []string{combinedLine(20, "/first", 200, "one")})
	tail := newAccessTail("demo")
	if err := os.Rename(tail.path, tail.path+".secret"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(tail.path+".secret", tail.path); err != nil {
		t.Fatal(err)
	}
	if entries, err := tail.read(logOptions{level: 7}); err == nil || len(entries) > 0 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}
