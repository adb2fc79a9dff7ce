package why

import (
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// well is a project without anything wrong.
func well() *Facts {
	unit := func(name string) Unit {
		return Unit{Name: name, Load: "loaded", Active: "active", Result: "success", Invocation: "b"}
	}
	f := &Facts{
		Name: "x", Now: now, Enabled: true, Domains: []string{"x.example"}, File: "/etc/sandwich/projects/x.hcl",
		User: "x", Python: "/srv/x/venv/bin/python", Dir: "/srv/x", Settings: "x.settings",
		Service: unit("sandwich-x.service"), Socket: unit("sandwich-x.socket"), Slice: unit("sandwich-x.slice"),
		Listener: Listener{Address: "/run/sandwich/x.sock"}, Page: &Page{Status: 200},
		Examined: &Examination{Hosts: []string{"x.example"}, Page: 200},
		Proxy:    Proxy{Service: unit("sandwich-proxy.service"), Socket: unit("sandwich-proxy.socket"), Known: true, Served: true, Current: true, Upstream: "main"},
		Disks:    []Disk{{Path: "/srv/x", Free: 1 << 30, FreeInodes: 1e6, Inodes: true}},
		Hosts:    []Host{{Name: "x.example", Expires: now.Add(60 * 24 * time.Hour)}},
	}
	f.Service.Since = now.Add(-2 * time.Hour)
	f.Service.Text = "2 of 2 workers have loaded x.wsgi"
	return f
}

// failing is a service that systemd tries again and again, with what its last run said.
func failing(status int32, lines ...string) func(*Facts) {
	return func(f *Facts) {
		f.Service.Active, f.Service.Sub, f.Service.Result, f.Service.Status, f.Service.Restarts = "activating", "auto-restart", "exit-code", status, 4
		f.Page, f.Examined = nil, nil
		f.Journal = said("a", time.Minute, lines...)
	}
}

// running is a service that says something while it runs.
func running(lines ...string) func(*Facts) {
	return func(f *Facts) { f.Journal = said("b", time.Minute, lines...) }
}

func said(invocation string, ago time.Duration, texts ...string) []Line {
	var lines []Line
	for _, text := range texts {
		lines = append(lines, Line{At: now.Add(-ago), Invocation: invocation, Text: text})
	}
	return lines
}

// ended is a service whose last run had a result.
func ended(result string) func(*Facts) {
	return func(f *Facts) {
		f.Service.Active, f.Service.Result, f.Page, f.Examined = "failed", result, nil, nil
	}
}

func TestAProjectThatIsWellHasNoCauses(t *testing.T) {
	if got := Judge(well()); len(got) != 0 {
		t.Errorf("%+v", got)
	}
}

func TestEveryFailureHasItsCauseRemedyAndNextCommand(t *testing.T) {
	for name, c := range map[string]struct {
		kind  string
		says  string // a part of the sentence
		next  string // a part of the commands
		spoil func(*Facts)
	}{
		"not enabled":           {"not-enabled", "neither units nor a route", "sandwich enable x", func(f *Facts) { f.Enabled = false }},
		"file gone":             {"file-gone", "x.hcl is not there", "sandwich disable x", func(f *Facts) { f.NoFile = true }},
		"service masked":        {"service-masked", "masked", "systemctl unmask sandwich-x.service", func(f *Facts) { f.Service.Load, f.Service.Active = "masked", "inactive" }},
		"socket masked":         {"socket-masked", "masked", "systemctl unmask sandwich-x.socket", func(f *Facts) { f.Socket.Load, f.Socket.Active = "masked", "inactive" }},
		"unit gone":             {"unit-missing", "sandwich-x.service is not there", "sandwich apply x", func(f *Facts) { f.Service.Load, f.Service.Active = "not-found", "inactive" }},
		"unit broken":           {"unit-broken", "no ExecStart", "sandwich apply x", func(f *Facts) { f.Service.Load, f.Service.LoadError = "bad-setting", "no ExecStart" }},
		"drop-in broken":        {"drop-in-broken", "drop-in", "systemctl edit", func(f *Facts) { f.Service.Load, f.Service.DropIns = "bad-setting", []string{"/etc/x.conf"} }},
		"unit edited":           {"unit-edited", "edited by hand", "sandwich apply x", func(f *Facts) { f.Service.Edited = true }},
		"stopped":               {"stopped", "somebody stopped", "sandwich start x", func(f *Facts) { f.Service.Active, f.Socket.Active = "inactive", "inactive" }},
		"service stopped":       {"service-stopped", "next visitor starts it", "sandwich start x", func(f *Facts) { f.Service.Active = "inactive" }},
		"socket stopped":        {"socket-stopped", "does not listen", "sandwich start x", func(f *Facts) { f.Socket.Active = "inactive" }},
		"socket failed":         {"socket-failed", "could not be opened", "systemctl status", func(f *Facts) { f.Socket.Active = "failed" }},
		"port taken":            {"port-taken", "nginx (pid 7)", "sandwich start x", func(f *Facts) { f.Socket.Active, f.Listener.Holder = "failed", "nginx (pid 7)" }},
		"socket file gone":      {"socket-file-gone", "was removed", "sandwich restart x", func(f *Facts) { f.Listener.Missing = true }},
		"socket mode":           {"socket-unreachable", "may not connect", "sandwich start x", func(f *Facts) { f.Listener.Blocked = "/run/sandwich" }},
		"missing module":        {"module-missing", "the module environ", "-m pip install", failing(3, "ModuleNotFoundError: No module named 'environ'")},
		"broken import":         {"import-broken", "RuntimeError: oh", "sandwich restart x", failing(3, "RuntimeError: oh")},
		"own exception":         {"import-broken", "shop.errors.NoSuchError: oh", "sandwich restart x", failing(3, "shop.errors.NoSuchError: oh")},
		"syntax":                {"code-broken", "SyntaxError", "sandwich restart x", failing(3, "SyntaxError: invalid syntax")},
		"no app":                {"app-not-found", "no application object", "sandwich apply x", failing(4, "Failed to find attribute 'application' in 'x.wsgi'.")},
		"improper":              {"settings-wrong", "oh no", "sandwich check x", failing(3, "django.core.exceptions.ImproperlyConfigured: oh no")},
		"secret key empty":      {"secret-key-missing", "no SECRET_KEY", "sandwich restart x", failing(3, "django.core.exceptions.ImproperlyConfigured: The SECRET_KEY setting must not be empty.")},
		"secret key":            {"secret-key-missing", "no SECRET_KEY", "sandwich restart x", failing(3, "KeyError: 'DJANGO_SECRET_KEY'")},
		"variable":              {"environment-missing", "want DB_HOST", "sandwich restart x", failing(3, "environ.ImproperlyConfigured: Set the DB_HOST environment variable")},
		"decouple":              {"environment-missing", "want DB_HOST", "sandwich restart x", failing(3, "decouple.UndefinedValueError: DB_HOST not found. Declare it as envvar or define a default value.")},
		"code unreadable":       {"file-permission", "may not use /srv/x/urls.py", "sandwich check x", failing(3, "PermissionError: [Errno 13] Permission denied: '/srv/x/urls.py'")},
		"read-only":             {"read-only", "/srv/x/cache", "sandwich apply x", failing(3, "OSError: [Errno 30] Read-only file system: '/srv/x/cache'")},
		"EPERM":                 {"sandbox-refusal", "EPERM", "systemctl edit", failing(3, "PermissionError: [Errno 1] Operation not permitted")},
		"SIGSYS":                {"sandbox-refusal", "SIGSYS", "systemctl edit", failing(3, "[ERROR] Worker (pid:5) was sent SIGSYS!")},
		"SIGSYS of gunicorn 20": {"sandbox-refusal", "SIGSYS", "systemctl edit", failing(3, "[WARNING] Worker with pid 5 was terminated due to signal 31")},
		"no thread":             {"tasks-limit", "limits { tasks }", "sandwich apply x", failing(3, "RuntimeError: can't start new thread")},
		"no fork":               {"tasks-limit", "limits { tasks }", "sandwich apply x", failing(1, "BlockingIOError: [Errno 11] Resource temporarily unavailable")},
		"files":                 {"files-limit", "files open", "systemctl edit", running("OSError: [Errno 24] Too many open files: '/x'")},
		"directory":             {"directory-unreachable", "/srv/x cannot be entered", "sandwich check x", failing(200)},
		"python gone":           {"python-gone", "/srv/x/venv/bin/python", "sandwich check x", failing(203)},
		"group gone":            {"group-gone", "group", "sandwich check x", failing(216)},
		"user gone":             {"user-gone", "user x does not exist", "sandwich check x", failing(217)},
		"writable gone":         {"sandbox-directory", "a directory that it may write to", "sandwich check x", failing(226)},
		"credentials":           {"credentials-missing", "credentials", "sandwich check x", failing(243)},
		"crash loop":            {"crash-loop", "status 7, again and again", "sandwich logs x", failing(7)},
		"OOM kill":              {"oom-kill", "more memory", "sandwich logs x", ended("oom-kill")},
		"OOM kill of a worker":  {"oom-kill", "want of memory", "sandwich apply x", running("[ERROR] Worker (pid:5) was sent SIGKILL! Perhaps out of memory?")},
		"start timeout":         {"start-timeout", "not ready within", "sandwich logs x", ended("timeout")},
		"watchdog":              {"watchdog", "watchdog", "sandwich logs x", ended("watchdog")},
		"protocol":              {"not-ready", "without saying that it is ready", "sandwich logs x", ended("protocol")},
		"start limit":           {"start-limit", "gave up", "sandwich start x", ended("start-limit-hit")},
		"signal":                {"killed", "signal 11 (SIGSEGV)", "sandwich logs x", func(f *Facts) { ended("signal")(f); f.Service.Status = 11 }},
		"starting":              {"starting", "is starting", "sandwich logs -f x", func(f *Facts) { f.Service.Active, f.Service.Sub, f.Page, f.Examined = "activating", "start", nil, nil }},
		"env_file closed":       {"env-file-unreadable", "/srv/x/.env as x: Permission denied", "sandwich check x", failing(1, "error: cannot read env_file /srv/x/.env as x: Permission denied")},
		"env_file": {"env-file-missing", "/etc/x.env", "sandwich check x", func(f *Facts) {
			ended("resources")(f)
			f.EnvFile = "/etc/x.env"
			f.Journal = said("a", 0, "sandwich-x.service: Failed to load environment files: No such file or directory")
		}},
		"disk full, said":         {"disk-full", "disk is full /srv/x/media", "df -h", running("OSError: [Errno 28] No space left on device: '/srv/x/media'")},
		"disk full":               {"disk-full", "/srv/x is full: 1 MB left", "df -h /srv/x", func(f *Facts) { f.Disks[0].Free = 1 << 20 }},
		"no inodes":               {"disk-full", "inode", "df -i /srv/x", func(f *Facts) { f.Disks[0].FreeInodes = 3 }},
		"database down":           {"database-down", "does not answer", "systemctl status", func(f *Facts) { f.Examined.Databases = []Database{{"default", "postgresql", "connection refused"}} }},
		"database down at import": {"database-down", "does not answer", "systemctl status", failing(3, `django.db.utils.OperationalError: connection to server at "127.0.0.1", port 5432 failed: Connection refused`)},
		"broker down":             {"database-down", "broker", "redis", failing(3, "redis.exceptions.ConnectionError: Error 111 connecting to 127.0.0.1:6379. Connection refused.")},
		"database password": {"database-auth", "password", "sandwich restart x", func(f *Facts) {
			f.Examined.Databases = []Database{{"default", "postgresql", `FATAL:  password authentication failed for user "x"`}}
		}},
		"database missing": {"database-missing", "shop does not exist", "createdb shop", func(f *Facts) {
			f.Examined.Databases = []Database{{"default", "postgresql", `FATAL:  database "shop" does not exist`}}
		}},
		"database file": {"database-directory", "SQLite", "sandwich check x", func(f *Facts) {
			f.Examined.Databases = []Database{{"default", "sqlite", "unable to open database file"}}
		}},
		"database locked":     {"database-locked", "two processes write at once", "sandwich logs x", running("django.db.utils.OperationalError: database is locked")},
		"database full":       {"database-full", "no connection left", "sandwich check x", running("FATAL:  sorry, too many clients already")},
		"migrations":          {"migrations-pending", "2 migrations", "sandwich manage x migrate", func(f *Facts) { f.Examined.Pending = []string{"a.1", "a.2"} }},
		"no table":            {"migrations-pending", "no polls_question", "sandwich manage x migrate", running(`django.db.utils.ProgrammingError: relation "polls_question" does not exist`)},
		"ALLOWED_HOSTS":       {"allowed-hosts", "does not have x.example", "sandwich restart x", func(f *Facts) { f.Page.Status, f.Examined.Hosts = 400, []string{"y.example"} }},
		"ALLOWED_HOSTS, said": {"allowed-hosts", "does not have www.x.example", "sandwich restart x", running("Invalid HTTP_HOST header: 'www.x.example'. You may need to add 'www.x.example' to ALLOWED_HOSTS.")},
		"CSRF":                {"csrf-origins", "https://x.example", "sandwich restart x", running("Forbidden (Origin checking failed - https://x.example does not match any trusted origins.): /login/")},
		"manifest":            {"manifest-missing", "no css/x.css", "collectstatic", running("ValueError: Missing staticfiles manifest entry for 'css/x.css'")},
		"worker timeout":      {"worker-timeout", "longer than gunicorn's timeout", "sandwich logs x", running("[2026-11-30 12:00:00 +0000] [5] [CRITICAL] WORKER TIMEOUT (pid:6)")},
		"page fails": {"page-fails", "ValueError: oh", "sandwich restart x", func(f *Facts) {
			f.Page.Status, f.Examined.Traceback = 500, []string{"Traceback (most recent call last):", "ValueError: oh"}
		}},
		"page fails unseen": {"page-fails", "500", "sandwich logs x", func(f *Facts) { f.Page.Status, f.Examined = 500, nil }},
		"page fails by table": {"migrations-pending", "no polls_question", "migrate", func(f *Facts) {
			f.Page.Status, f.Examined.Traceback = 500, []string{"django.db.utils.OperationalError: no such table: polls_question"}
		}},
		"bad answer": {"bad-answer", "answers 504", "sandwich logs x", func(f *Facts) { f.Page.Status = 504 }},
		"no answer":  {"no-answer", "reset", "sandwich proxy status", func(f *Facts) { f.Page.Err = "connection reset" }},
		"static": {"static-unreachable", "visitors get 403", "sandwich check x", func(f *Facts) {
			f.Mistakes = []Advice{{Summary: "The proxy cannot reach the static files", Detail: "Run: chmod", Error: true}}
		}},
		"mistake": {"project-file", "the user is not there", "sandwich check x", func(f *Facts) {
			f.Mistakes = []Advice{{Summary: "The user is not there", Detail: "Create it.", Error: true}}
		}},
		"need":           {"need-down", "postgresql.service", "systemctl start postgresql.service", func(f *Facts) { f.Needs = []Unit{{Name: "postgresql.service", Active: "failed"}} }},
		"journald":       {"journal-down", "journald", "systemctl start systemd-journald", func(f *Facts) { f.NoJournal = true }},
		"expired":        {"certificate-expired", "expired on 2026-11-29", "sandwich tls", func(f *Facts) { f.Hosts[0].Expires = now.Add(-24 * time.Hour) }},
		"expires":        {"certificate-expires", "was not renewed", "sandwich tls", func(f *Facts) { f.Hosts[0].Expires = now.Add(24 * time.Hour) }},
		"no name":        {"dns-missing", "leads nowhere: no such host", "getent", func(f *Facts) { f.Hosts[0].Err = "no such host" }},
		"name elsewhere": {"dns-elsewhere", "192.0.2.1", "getent", func(f *Facts) { f.Hosts[0].Elsewhere, f.Hosts[0].Public = []string{"192.0.2.1"}, true }},
		"proxy down":     {"proxy-down", "no site of this host", "systemctl restart sandwich-proxy", func(f *Facts) { f.Proxy = Proxy{Socket: Unit{Active: "inactive"}} }},
		"proxy masked":   {"proxy-masked", "masked", "systemctl unmask", func(f *Facts) { f.Proxy.Socket.Load = "masked" }},
		"proxy failing":  {"proxy-failing", "does not come up", "journalctl -u sandwich-proxy", func(f *Facts) { f.Proxy.Service.Active = "failed" }},
		"proxy's port":   {"proxy-port-taken", "nginx (pid 7)", "systemctl restart sandwich-proxy", func(f *Facts) { f.Proxy = Proxy{Socket: Unit{Active: "failed"}, Holder: "nginx (pid 7)"} }},
		"proxy frozen":   {"proxy-frozen", "does not answer", "systemctl restart sandwich-proxy", func(f *Facts) { f.Proxy.Frozen = true }},
		"not served":     {"not-served", "421", "sandwich apply x", func(f *Facts) { f.Proxy.Served = false }},
		"old route":      {"route-stale", "older route", "sandwich apply x", func(f *Facts) { f.Proxy.Current = false }},
		"maintenance":    {"maintenance", "maintenance is on", "sandwich maintenance off x", func(f *Facts) { f.Closed = true; f.Page.Status = 503 }},
		"stranded":       {"restart-unfinished", "half-way", "sandwich restart x", func(f *Facts) { f.Proxy.Upstream = "next" }},
		"refused":        {"new-code-refused", "serves on", "sandwich restart x", func(f *Facts) { f.NextJournal = said("n", time.Minute, "ImportError: oh") }},
		"not applied":    {"not-applied", "was changed", "sandwich apply x", func(f *Facts) { f.Changed = true }},
		"tasks":          {"tasks-limit", "256 processes", "sandwich apply x", func(f *Facts) { f.Slice.Tasks, f.Slice.TasksMax = 256, 256 }},
		"memory":         {"memory-limit", "399 MB", "sandwich apply x", func(f *Facts) { f.Slice.Memory, f.Slice.MemoryHigh = 399<<20, 400<<20 }},
		"busy":           {"workers-busy", "all 2 workers are busy and 5 requests wait", "sandwich status x", func(f *Facts) { f.Proxy.InFlight = 7 }},
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			c.spoil(f)
			got := Judge(f)
			if len(got) == 0 {
				t.Fatal("nothing is wrong")
			}
			if g := got[0]; g.Kind != c.kind || !strings.Contains(g.Says, c.says) || !strings.Contains(strings.Join(g.Next, "\n"), c.next) || g.Remedy == "" || len(g.Next) == 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestWhatWasSaidLongAgoOrByAnotherRunIsNoCause(t *testing.T) {
	for name, lines := range map[string][]Line{
		"two hours ago": said("b", 2*time.Hour, "[CRITICAL] WORKER TIMEOUT (pid:6)"),
		"another run":   said("a", time.Minute, "[CRITICAL] WORKER TIMEOUT (pid:6)"),
		"of loading":    said("b", time.Minute, "ModuleNotFoundError: No module named 'optional'"),
	} {
		f := well()
		f.Journal = lines
		if got := Judge(f); len(got) != 0 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestTheNewestRunIsBelieved(t *testing.T) {
	f := well()
	failing(3, "ModuleNotFoundError: No module named 'old'")(f)
	f.Journal = append(f.Journal, said("c", 0, "SyntaxError: new")...)
	if got := Judge(f); got[0].Kind != "code-broken" {
		t.Errorf("%+v", got)
	}
	f.Journal = append(f.Journal, said("d", 0, "[INFO] Starting gunicorn")...)
	if got := Judge(f); got[0].Kind != "code-broken" {
		t.Errorf("after a run that said nothing yet: %+v", got)
	}
}

func TestTheTracebacksEndIsShown(t *testing.T) {
	f := well()
	failing(3, "Traceback (most recent call last):", `  File "<frozen importlib._bootstrap>", line 1`, `  File "/srv/x/wsgi.py", line 8`, "    import environ", "    ^^^^", "ModuleNotFoundError: No module named 'environ'")(f)
	got := Judge(f)[0].Evidence
	want := []string{`  File "/srv/x/wsgi.py", line 8`, "    import environ", "ModuleNotFoundError: No module named 'environ'"}
	if !slices.Equal(got[:3], want) {
		t.Errorf("%q", got)
	}
}

func TestWhatTheJournalSaysGetsNeitherIntoATerminalNorIntoACommand(t *testing.T) {
	f := well()
	f.Examined.Databases = []Database{{"default", "postgresql", "database \"$(rm -rf /)\" does not exist\x1b[2J"}}
	for _, c := range Judge(f) {
		all := strings.Join(append(append(c.Evidence, c.Next...), c.Says, c.Remedy), "\n")
		if strings.Contains(all, "\x1b") || strings.Contains(strings.Join(c.Next, "\n"), "rm -rf") {
			t.Errorf("%+v", c)
		}
	}
	f = well()
	f.Page.Status, f.Examined.Traceback = 500, []string{"django.db.utils.OperationalError: database \"-x;reboot\" does not exist"}
	if got := Judge(f); strings.Contains(strings.Join(got[0].Next, "\n"), "reboot") {
		t.Errorf("%+v", got)
	}
}

func TestTheRemedyOfCheckIsTaken(t *testing.T) {
	f := well()
	failing(217)(f)
	f.Mistakes = []Advice{{Summary: "The user is not there", Detail: "Create it (adduser x).", Error: true}}
	if got := Judge(f); got[0].Remedy != "Create it (adduser x)." || len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
