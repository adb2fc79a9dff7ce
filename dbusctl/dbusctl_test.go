package dbusctl

import (
	"slices"
	"strings"
	"testing"
)

func TestVersionIsReadFromEverySpelling(t *testing.T) {
	for text, want := range map[string]int{`"252.39-1~deb12u2"`: 252, "257": 257, "v256-rc3": 256, "249.11-0ubuntu3": 249} {
		if got, err := parseVersion(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	if _, err := parseVersion("devel"); err == nil {
		t.Error("a version without a number is no error")
	}
}

func TestTracebackIsTheFirstOneWithoutNoise(t *testing.T) {
	lines := strings.Split(`[INFO] Booting worker
[ERROR] Exception in worker process
Traceback (most recent call last):
  File "/srv/x/wsgi.py", line 8, in <module>
    import nosuchmodule
    ^^^^^^^^^^^^^^^^^^^
  File "<frozen importlib._bootstrap>", line 1387, in _gcd_import
ModuleNotFoundError: No module named 'nosuchmodule'
[INFO] Worker exiting
Traceback (most recent call last):
  File "/usr/lib/python3/dist-packages/django/db/models/base.py", line 1, in __new__
RuntimeError: Error calling __set_name__`, "\n")
	want := []string{
		"Traceback (most recent call last):",
		`  File "/srv/x/wsgi.py", line 8, in <module>`,
		"    import nosuchmodule",
		"ModuleNotFoundError: No module named 'nosuchmodule'",
	}
	if got := Traceback(lines, 15); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if got := Traceback(lines, 1); !slices.Equal(got, want[3:]) {
		t.Errorf("bounded: %q", got)
	}
	if got := Traceback([]string{"a", "b", "c"}, 2); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("without a traceback: %q", got)
	}
}

func TestAFailedReloadLeavesTheOldCode(t *testing.T) {
	if got := because("reload", "failed", Unit{ActiveState: "active", Result: "success"}); got != "its new code or settings were not taken; it goes on with the old" {
		t.Error(got)
	}
}

func TestASocketIsReachedOverLoopbackWhereItListensEverywhere(t *testing.T) {
	for _, c := range []struct {
		pairs [][]any
		want  string
	}{
		{[][]any{{"Stream", "[::]:80"}}, "127.0.0.1:80"},
		{[][]any{{"Stream", "[::]:80"}, {"Apart"}}, "[::1]:80"},
		{[][]any{{"Stream", "/run/x.sock"}, {"Datagram", "0.0.0.0:443"}, {"Stream", "0.0.0.0:8080"}}, "127.0.0.1:8080"},
		{[][]any{{"Stream", "192.0.2.1:80"}, {"Stream", "[::]:80"}}, "192.0.2.1:80"},
		{[][]any{{"Stream", "[::1]:80"}}, "[::1]:80"},
		{[][]any{{"Datagram", "[::]:443"}, {"Stream"}, {"Stream", "garbage"}}, "invalid AddrPort"},
	} {
		if got, _ := reachable(c.pairs, c.pairs[len(c.pairs)-1][0] == "Apart"); got.String() != c.want {
			t.Errorf("%v: %s, want %s", c.pairs, got, c.want)
		}
	}
}

func TestFailuresAreSentences(t *testing.T) {
	for _, c := range []struct {
		result string
		unit   Unit
		want   string
	}{
		{"timeout", Unit{}, "it took longer than its time limit"},
		{"failed", Unit{Result: "exit-code", ExitStatus: 3}, "the application could not be loaded (gunicorn ended with status 3)"},
		{"failed", Unit{Result: "exit-code", ExitStatus: 217}, "its user does not exist (status 217)"},
		{"failed", Unit{Result: "exit-code", ExitStatus: 1}, "its process ended with status 1"},
		{"failed", Unit{Result: "exit-code"}, "what has to be done before it starts failed"},
		{"failed", Unit{Result: "signal", ExitStatus: 9}, "its process was killed by signal 9 (SIGKILL)"},
		{"failed", Unit{Result: "oom-kill"}, "the kernel killed it: it used more memory than it may"},
		{"failed", Unit{LoadError: "line 3: bad"}, "its unit file is wrong: line 3: bad"},
		{"collected", Unit{}, "its job ended with collected"},
	} {
		if got := because("start", c.result, c.unit); got != c.want {
			t.Errorf("%s %+v: %q, want %q", c.result, c.unit, got, c.want)
		}
	}
}
