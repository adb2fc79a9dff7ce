package why

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// symptom is a pattern in the lines of an application, with what it means. $1 is what its first
// group matched; only what is safe to paste gets into a command.
type symptom struct {
	kind    string
	pattern func() *regexp.Regexp // compiled when it is first needed: most commands need none
	says    string
	remedy  string
	next    []string
}

func line(kind, pattern, says, remedy string, next ...string) symptom {
	return symptom{kind, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) }), says, remedy, next}
}

var restart = "sandwich restart {name}"

// symptoms are tried in order on the last line of a traceback and on single lines: the narrow ones first.
var symptoms = []symptom{
	line("env-file-unreadable", `cannot read env_file (.+)`, "its env_file cannot be read: $1",
		"Give the file to the project's user, or move it to a directory of root's, such as /etc/sandwich, and name it in {file}.", "sandwich check {name}", "sandwich start {name}"),
	line("secret-key-missing", `SECRET_KEY setting must not be empty|KeyError: '([A-Z_]*SECRET_KEY)'|Set the ([A-Z_]*SECRET_KEY) environment variable`,
		"the settings have no SECRET_KEY: it is not in the project's environment",
		"Put it into a file that only root reads, and name that with env_file.", "sandwich check {name}", restart),
	line("environment-missing", `KeyError: '([A-Z][A-Z0-9_]+)'|Set the ([A-Z0-9_]+) environment variable|([A-Z][A-Z0-9_]+) not found. Declare it as envvar`,
		"the settings want $1 from the environment, and it is not there",
		"Write it into environment, or, if it is secret, into the file that env_file names.", "sandwich check {name}", restart),
	line("module-missing", `ModuleNotFoundError: No module named '([\w.]+)'|ImportError: No module named '?([\w.]+)'?`,
		"the python {python} cannot find the module $1",
		"Install what provides it into the project's python, or correct the import.", "{python} -m pip install -r {dir}/requirements.txt", restart),
	line("disk-full", `\[Errno 28\] No space left on device(?:: '([^']+)')?|database or disk is full|could not extend file`,
		"a disk is full $1", "Make room.", "df -h {dir}", restart),
	line("disk-full", `\[Errno 122\] Disk quota exceeded(?:: '([^']+)')?`, "the user {user} has used up its disk quota $1", "Make room, or raise the quota.", "quota -u {user}"),
	line("read-only", `\[Errno 30\] Read-only file system(?:: '([^']+)')?|attempt to write a readonly database`,
		"the project writes to a place that its sandbox makes read-only: $1",
		"Add the directory to writable in {file}.", "sandwich plan {name}", "sandwich apply {name}"),
	line("file-permission", `PermissionError: \[Errno 13\] Permission denied(?:: '([^']+)')?`,
		"the user {user} may not use $1", "Give the file to the user, or correct its mode.", "sandwich check {name}", restart),
	line("sandbox-refusal", `PermissionError: \[Errno 1\] Operation not permitted|OperationNotPermitted`,
		"the sandbox forbids something that the application does (EPERM)",
		"See in the traceback what it is. If the application cannot do without, write hardening = \"off\" in {file}, or allow the one thing in a drop-in.", "systemctl edit sandwich-{name}.service", "sandwich apply {name}"),
	line("sandbox-refusal", `was (?:sent|terminated due to signal|killed by) (?:SIGSYS|31)|status=31/SYS`,
		"the sandbox killed a process for a system call that is forbidden (SIGSYS)",
		"Allow the call in a drop-in, or write hardening = \"off\" in {file}.", "systemctl edit sandwich-{name}.service", "sandwich apply {name}"),
	line("tasks-limit", `can't start new thread|Resource temporarily unavailable|fork rejected by pids controller`,
		"it cannot start another process or thread: limits { tasks } is reached",
		"Raise tasks in limits, or run fewer workers and threads.", "systemctl status sandwich-{name}.service", "sandwich apply {name}"),
	line("files-limit", `\[Errno 24\] Too many open files`, "it has too many files open",
		"Find the leak, or raise LimitNOFILE= in a drop-in.", "systemctl edit sandwich-{name}.service", restart),
	line("oom-kill", `killed by the OOM killer|MemoryError`,
		"it needed more memory than there is or than limits allow, and a process of it was killed",
		"Give it more memory in limits, or run fewer workers.", "sandwich status {name}", "sandwich apply {name}"),
	line("database-auth", `password authentication failed for user "?([\w.-]+)|no pg_hba.conf entry for|Access denied for user '([\w.-]+)'|Peer authentication failed`,
		"the database refuses the user or the password", "Correct the password in the environment of the project.", "sandwich check {name}", restart),
	line("database-missing", `database "([\w.-]+)" does not exist|Unknown database '([\w.-]+)'`,
		"the database $1 does not exist", "Create it, or correct DATABASES.", "sudo -u postgres createdb $1", restart),
	line("database-full", `too many (?:clients|connections)|remaining connection slots are reserved`,
		"the database has no connection left", "Fewer workers or threads, a smaller CONN_MAX_AGE, or more connections in the database.", "sandwich check {name}"),
	line("database-down", `OperationalError.*(?:could not connect|[Cc]onnection (?:to server .* )?(?:refused|failed)|[Cc]an't connect|No such file or directory|could not translate host|timeout expired|server closed the connection)|redis.*ConnectionError|Error 111 connecting to ([\w.:-]+)`,
		"a database or broker that it needs does not answer", "Start it, and name its unit in needs, so that it is started first.", "systemctl status 'postgresql*' 'mysql*' 'mariadb*' 'redis*'", restart),
	line("database-locked", `database is locked`, "the SQLite database is locked: two processes write at once",
		"Raise timeout in OPTIONS of the database, or use a database for many writers.", "sandwich logs {name}"),
	line("database-directory", `unable to open database file`, "the SQLite database cannot be opened: its directory is not there, or {user} may not write to it",
		"Give the directory to the user and add it to writable.", "sandwich check {name}", restart),
	line("migrations-pending", `relation "([\w.]+)" does not exist|no such table: ([\w.]+)|no such column: ([\w.]+)|column ([\w."]+) does not exist|Table '([\w.]+)' doesn't exist`,
		"the database has no $1: migrations were not carried out", "Migrate.", "sandwich manage {name} migrate", restart),
	line("allowed-hosts", `Invalid HTTP_HOST header: '([\w.:-]+)'`, "ALLOWED_HOSTS of the settings does not have $1",
		"Add the name to ALLOWED_HOSTS.", restart),
	line("csrf-origins", `Origin checking failed - ([\w.:/-]+) does not match`, "CSRF_TRUSTED_ORIGINS does not have $1, so forms are refused",
		"Add it to CSRF_TRUSTED_ORIGINS, and set SECURE_PROXY_SSL_HEADER = (\"HTTP_X_FORWARDED_PROTO\", \"https\").", restart),
	line("manifest-missing", `Missing staticfiles manifest entry for '([^']+)'|staticfiles manifest '?([^']+)'? could not be`,
		"the manifest of static files has no $1", "Collect the static files.", "sandwich manage {name} collectstatic --noinput", restart),
	line("worker-timeout", `\[CRITICAL\] WORKER TIMEOUT`, "requests take longer than gunicorn's timeout, and their workers are killed",
		"Make the slow view quick, give its work to a queue, or raise gunicorn { timeout } and proxy { timeout }.", "sandwich logs {name}"),
	line("oom-kill", `Perhaps out of memory\?`, // gunicorn says so of every worker that it killed for its timeout, too
		"a process of it was killed, probably for want of memory",
		"Give it more memory in limits, or run fewer workers.", "sandwich status {name}", "sandwich apply {name}"),
	line("app-not-found", `Failed to find attribute '([\w.]+)' in '([\w.]+)'|Failed to find application object`,
		"the module has no application object of the name that app says", "Correct app in {file}.", "sandwich check {name}", "sandwich apply {name}"),
	line("settings-wrong", `ImproperlyConfigured: (.{1,300})`, "the settings are not right: $1", "Correct them.", "sandwich check {name}", restart),
	line("settings-wrong", `(?:AppRegistryNotReady|SystemCheckError): (.{1,300})`, "Django cannot be set up: $1", "Correct the settings.", "sandwich check {name}", restart),
	line("code-broken", `^((?:SyntaxError|IndentationError|TabError): .{1,300})`, "a file of the project is no valid Python: $1", "Correct it.", restart),
	line("import-broken", `^((?:[A-Za-z_][\w.]*)(?:Error|Exception|Exit|Interrupt|Warning|DoesNotExist)(?:: .{0,300})?)$`,
		"the application cannot be loaded: $1", "Correct what the traceback shows.", restart),
	line("start-timeout", `start operation timed out`, "it was not ready within its time limit",
		"Importing the application waits for something, perhaps the network or a database: make that quick, or have it done later.", "sandwich logs {name}", "systemctl status sandwich-{name}.service"),
}

// atRun are the kinds that count also for a project that runs: they are about requests.
var atRun = []string{
	"disk-full", "read-only", "file-permission", "sandbox-refusal", "tasks-limit", "files-limit", "oom-kill", "database-auth", "database-full",
	"database-down", "database-locked", "database-directory", "migrations-pending", "allowed-hosts", "csrf-origins", "manifest-missing", "worker-timeout",
}

// recent is how far back what a running project said still tells something about now.
const recent = time.Hour

// troubles are what a running project said of its requests.
func troubles(f *Facts) []Cause {
	if !f.serves() {
		return nil
	}
	lines := slices.DeleteFunc(slices.Clone(f.Journal), func(l Line) bool {
		return l.Invocation != f.Service.Invocation || f.Now.Sub(l.At) > recent
	})
	return slices.DeleteFunc(symptomsOf(f, lines), func(c Cause) bool { return !slices.Contains(atRun, c.Kind) })
}

// refused is new code that a restart did not take, while the old serves.
func refused(f *Facts) []Cause {
	if !f.serves() {
		return nil
	}
	lines := slices.DeleteFunc(slices.Clone(f.NextJournal), func(l Line) bool { return l.At.Before(f.Service.Since) })
	found := toldBy(f, lines)
	if len(found) == 0 {
		return nil
	}
	c := found[0]
	c.Says = "the old code serves on, the last restart was refused: " + c.Says
	c.Kind = "new-code-refused"
	return []Cause{c}
}

// lastRuns are the lines of the newest run that said something, and of the one before it, newest
// first: a run that has just begun says nothing yet.
func lastRuns(lines []Line) [][]Line {
	var runs [][]Line
	for end := len(lines); end > 0 && len(runs) < 2; {
		start := end
		for start > 0 && lines[start-1].Invocation == lines[end-1].Invocation {
			start--
		}
		runs = append(runs, lines[start:end])
		end = start
	}
	return runs
}

// toldBy is what the newest run that shows a symptom shows.
func toldBy(f *Facts, lines []Line) []Cause {
	for _, run := range lastRuns(lines) {
		if found := symptomsOf(f, run); len(found) > 0 {
			return found
		}
	}
	return nil
}

// symptomsOf gives the first symptom by the table's order, per run the first that shows: workers
// that are ended while they import leave odd ones after it.
func symptomsOf(f *Facts, lines []Line) []Cause {
	for _, s := range symptoms {
		for i, l := range lines {
			if m := s.pattern().FindStringSubmatch(l.Text); m != nil {
				return []Cause{s.cause(f, m, lines, i)}
			}
		}
	}
	return nil
}

func (s symptom) cause(f *Facts, match []string, lines []Line, at int) Cause {
	word := ""
	for _, group := range match[1:] {
		if group != "" {
			word = group
			break
		}
	}
	c := Cause{Kind: s.kind, Says: tidy(strings.ReplaceAll(f.fill(s.says), "$1", word)), Remedy: f.fill(s.remedy)}
	for _, next := range s.next {
		if strings.Contains(next, "$1") && !safe.MatchString(word) {
			continue
		}
		c.Next = append(c.Next, strings.ReplaceAll(f.fill(next), "$1", word))
	}
	times := 0
	for _, l := range lines {
		if s.pattern().MatchString(l.Text) {
			times++
		}
	}
	c.Evidence = traceback(lines, at)
	if when := lines[at].At; !when.IsZero() {
		c.Evidence = append(c.Evidence, fmt.Sprintf("seen %d times, last at %s", times, lastAt(s, lines).Local().Format(time.DateTime)))
	}
	return c
}

func lastAt(s symptom, lines []Line) time.Time {
	for i := len(lines) - 1; i >= 0; i-- {
		if s.pattern().MatchString(lines[i].Text) {
			return lines[i].At
		}
	}
	return time.Time{}
}

// safe is what may be put into a command: it comes from the journal, where a project says what it likes.
var safe = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}$`)

// tidy drops what is left of a sentence when nothing was there to fill in.
func tidy(s string) string {
	return strings.TrimRight(strings.Join(strings.Fields(s), " "), " :")
}

// traceback is the end of the traceback that line at ends, or that line alone.
func traceback(lines []Line, at int) []string {
	const most = 7
	start := at
	for start > 0 && at-start < 60 && strings.HasPrefix(lines[start-1].Text, " ") {
		start--
	}
	var kept []string
	for _, l := range lines[start : at+1] {
		if !strings.Contains(l.Text, `File "<frozen importlib`) && strings.Trim(l.Text, " ~^") != "" {
			kept = append(kept, strings.TrimRight(l.Text, " "))
		}
	}
	return kept[max(0, len(kept)-most):]
}
