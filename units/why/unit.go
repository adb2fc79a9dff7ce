package why

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

func (f *Facts) serves() bool { return f.Service.Active == "active" || f.Service.Active == "reloading" }

func fileGone(f *Facts) []Cause {
	if !f.NoFile || !f.Enabled {
		return nil
	}
	return one("file-gone", f.File+" is not there, though the project is enabled",
		"Write it again, or take the project away.", "sandwich init "+quote(cmp.Or(f.Dir, "DIR")), "sandwich disable "+f.Name)
}

func notEnabled(f *Facts) []Cause {
	if f.Enabled {
		return nil
	}
	return one("not-enabled", "the project is not enabled: it has a project file, but neither units nor a route",
		"Enable it.", "sandwich enable "+f.Name)
}

// unitFiles are units that systemd cannot use, whatever the project does.
func unitFiles(f *Facts) []Cause {
	var found []Cause
	for _, u := range []Unit{f.Socket, f.Service} {
		what := strings.TrimPrefix(u.Name, "sandwich-"+f.Name+".")
		switch u.Load {
		case "masked":
			found = append(found, one(what+"-masked", u.Name+" is masked: systemd must not start it",
				"Lift the mask.", "systemctl unmask "+u.Name, "sandwich start "+f.Name)...)
		case "not-found":
			found = append(found, one("unit-missing", "the file of "+u.Name+" is not there", "Write it again.", "sandwich apply "+f.Name)...)
		case "bad-setting", "error":
			found = append(found, broken(f, u))
		}
	}
	return found
}

// broken is a unit that systemd does not understand: somebody changed it, or extended it.
func broken(f *Facts, u Unit) Cause {
	if len(u.DropIns) > 0 && !u.Edited {
		return one("drop-in-broken", "a drop-in makes "+u.Name+" unusable: "+cmp.Or(u.LoadError, u.Load),
			"Correct or remove the drop-in.", "systemd-analyze verify "+u.Name, "systemctl edit "+u.Name, "sandwich start "+f.Name)[0].because(u.DropIns...)
	}
	return one("unit-broken", u.Name+" is not usable: "+cmp.Or(u.LoadError, u.Load),
		"Write it again.", "sandwich apply "+f.Name)[0]
}

// listening is the project's socket.
func listening(f *Facts) []Cause {
	l, u := f.Listener, f.Socket
	switch {
	case u.Load != "loaded":
		return nil
	case u.Active == "failed" && l.Holder != "":
		return one("port-taken", "another program has "+l.Address+": "+l.Holder,
			"Stop that program, or choose another address with listen.", "sandwich start "+f.Name)
	case u.Active == "failed":
		c := one("socket-failed", u.Name+" could not be opened ("+cmp.Or(u.Result, "failed")+")",
			"See what systemd says about it.", "systemctl status "+u.Name, "sandwich start "+f.Name)[0]
		return []Cause{c.because(last(f.SocketJournal, 2)...)}
	case u.Active == "active" && l.Missing:
		return one("socket-file-gone", l.Address+" was removed, though systemd holds the socket: nobody can connect",
			"Open it again.", "sandwich restart "+f.Name)
	case u.Active == "active" && l.Blocked != "":
		return one("socket-unreachable", "the proxy may not connect to "+l.Address+": "+l.Blocked+" does not let it through",
			"Make the socket anew, with the rights that its unit gives it.", "systemd-tmpfiles --create sandwich.conf", "systemctl restart "+u.Name, "sandwich start "+f.Name)
	case u.Active == "inactive" && f.serves():
		return one("socket-stopped", u.Name+" does not listen, though the service runs: nobody can connect",
			"Open it.", "sandwich start "+f.Name)
	}
	return nil
}

// stopped is a service that does not run and did not fail.
func stopped(f *Facts) []Cause {
	u := f.Service
	if u.Load != "loaded" || u.Active != "inactive" || f.Socket.Load != "loaded" || f.Socket.Active == "failed" {
		return nil
	}
	if f.Socket.Active == "active" {
		return one("service-stopped", u.Name+" does not run; its socket listens, so the next visitor starts it and waits for that",
			"Start it, if it should run now.", "sandwich start "+f.Name)
	}
	return one("stopped", "somebody stopped the project: neither its service nor its socket runs",
		"Start it.", "sandwich start "+f.Name)
}

// ending is a service that failed, or fails again and again: first by what the application said.
func ending(f *Facts) []Cause {
	u := f.Service
	if u.Load == "loaded" && u.Active == "deactivating" && (u.Result == "success" || u.Result == "") {
		return one("stopping", u.Name+" is stopping: requests in flight finish first", "Wait a moment.", "sandwich logs -f "+f.Name)
	}
	// What is still being tidied up after a failure is deactivating, too.
	failing := u.Active == "failed" || u.Active == "activating" || u.Active == "deactivating"
	if u.Load != "loaded" || !failing {
		return nil
	}
	said := toldBy(f, f.Journal)
	if f.NoJournal {
		said = nil
	}
	if len(said) > 0 && said[0].Kind == "tasks-limit" {
		return said // also a program that cannot be executed: execve(2) fails with EAGAIN
	}
	if cause := spawn(f, u); cause != nil {
		return []Cause{*cause}
	}
	if len(said) > 0 {
		return said
	}
	if c := result(f, u); c != nil {
		return []Cause{c.because(last(f.Journal, 5)...)}
	}
	if u.Active == "activating" && u.Sub != "auto-restart" {
		return one("starting", u.Name+" is starting: it is ready when every worker has loaded the application",
			"Wait a moment.", "sandwich logs -f "+f.Name)
	}
	return nil
}

// spawned is a failure before the program ran: systemd's own exit statuses (systemd.exec(5)).
type spawned struct{ kind, says, remedy, summary string }

var spawns = map[int32]spawned{
	200: {"directory-unreachable", "the working directory {dir} cannot be entered", "Let the user {user} through to it.", "The project's user cannot reach the project"},
	203: {"python-gone", "its program cannot be executed: {python} is not there, or its interpreter is gone", "Create the virtual environment anew, or correct python.", "The python is not there"},
	216: {"group-gone", "its group does not exist", "Create it, or write another group.", "The group is not there"},
	217: {"user-gone", "its user {user} does not exist", "Create the user, or write another.", "The user is not there"},
	226: {"sandbox-directory", "its sandbox cannot be set up: a directory that it may write to is not there", "Create the directory, or take it out of writable.", "A writable directory is not there"},
	243: {"credentials-missing", "a file of credentials is missing or unreadable", "Write the file, or correct credentials.", "A file is not there"},
}

func spawn(f *Facts, u Unit) *Cause {
	if u.Result == "resources" {
		s := spawned{"env-file-missing", "a file that systemd reads for it is not there: " + cmp.Or(f.EnvFile, "env_file"), "Write the file, or correct env_file.", "A file is not there"}
		if missing(last(f.Journal, 20)) {
			return s.cause(f)
		}
		return nil
	}
	if s, ok := spawns[u.Status]; ok && u.Result == "exit-code" && !u.Killed {
		return s.cause(f)
	}
	return nil
}

func missing(lines []string) bool {
	return slices.ContainsFunc(lines, func(s string) bool { return strings.Contains(s, "environment file") })
}

// cause takes the remedy that check has for it, if it has one.
func (s spawned) cause(f *Facts) *Cause {
	c := one(s.kind, f.fill(s.says), f.fill(s.remedy), "sandwich check "+f.Name, "sandwich start "+f.Name)[0]
	for _, m := range f.Mistakes {
		if m.Summary == s.summary {
			c.Remedy = m.Detail
		}
	}
	return &c
}

// fill puts what is known of the project into a sentence.
func (f *Facts) fill(text string) string {
	return strings.NewReplacer(
		"{name}", f.Name, "{user}", cmp.Or(f.User, "its user"), "{python}", quote(cmp.Or(f.Python, "its python")),
		"{dir}", quote(cmp.Or(f.Dir, "its directory")), "{settings}", cmp.Or(f.Settings, "its settings module"), "{file}", cmp.Or(f.File, "the project file"),
	).Replace(text)
}

// result words how the last run of a unit ended.
func result(f *Facts, u Unit) *Cause {
	logs := []string{"sandwich logs " + f.Name, "systemctl status " + u.Name}
	switch u.Result {
	case "oom-kill":
		return &one("oom-kill", "the kernel killed it: it needed more memory than there is or than limits allow",
			"Give it more memory in limits, or run fewer workers.", append([]string{"sandwich status " + f.Name}, logs...)...)[0]
	case "timeout":
		return &one("start-timeout", "it was not ready within its time limit",
			"Importing the application waits for something, perhaps the network or a database: make that quick, or have it done later.", logs...)[0]
	case "watchdog":
		return &one("watchdog", "it did not answer its watchdog", "See what it was busy with.", logs...)[0]
	case "protocol":
		return &one("not-ready", "it ended, or went to the background, without saying that it is ready",
			"A command must stay in the foreground.", logs...)[0]
	case "start-limit-hit", "service-start-limit-hit":
		return &one("start-limit", "it failed too often in too short a time, and systemd gave up", "Correct what made it fail, then start it.", append(logs, "sandwich start "+f.Name)...)[0]
	case "signal", "core-dump":
		return &one("killed", "its process was killed by signal "+fmt.Sprint(u.Status)+signalHint(u.Status),
			"Find out who sends that signal.", logs...)[0]
	case "exit-code":
		return crash(f, u)
	}
	return nil
}

// signalHint explains the signals that have a usual reason (signal(7)).
func signalHint(signal int32) string {
	switch signal {
	case 9:
		return " (SIGKILL): by hand, or by the kernel for want of memory"
	case 11:
		return " (SIGSEGV): an extension module crashed"
	case 31:
		return " (SIGSYS): the sandbox forbids a system call that it made"
	}
	return ""
}

func crash(f *Facts, u Unit) *Cause {
	says := fmt.Sprintf("its process ends with status %d", u.Status)
	if u.Restarts > 0 {
		says += fmt.Sprintf(", again and again: systemd has started it %d times", u.Restarts+1)
	}
	return &one("crash-loop", says, "Its last lines say more.", "sandwich logs "+f.Name, "systemctl status "+u.Name)[0]
}

func last(lines []Line, n int) []string {
	var texts []string
	for _, line := range lines[max(0, len(lines)-n):] {
		texts = append(texts, line.Text)
	}
	return texts
}
