package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	slogjournal "github.com/systemd/slog-journal"

	"sandwich/units/project"
)

// actorVariable names who is behind a command that root's side runs for an admin.
const actorVariable = "SANDWICH_ACTOR"

// isDelegated says whether an admin's command has asked for this one.
func isDelegated() bool { return os.Getenv(actorVariable) != "" }

// noted are the verbs that are noted in the journal.
var noted = []string{
	"enable", "disable", "apply", "start", "stop", "restart", "reload", "kill", "scale", "maintenance",
	"manage", "run", "shell", "deploy", "rollback", "idle",
}

// audit notes who asked for what, once for each project that is named: before it is done, so that
// the journal has it whatever becomes of it. Arguments may hold secrets, so only those verbs show
// theirs that take names and words of ours.
func audit(cmd *cobra.Command, args []string) {
	verb := cmd.Name()
	if os.Geteuid() != 0 || cmd.Parent() != cmd.Root() || !slices.Contains(noted, verb) {
		return
	}
	names := args
	if of := delegable[verb]; of != nil {
		names = projectsOf(verb, args)
	}
	who := actor()
	for _, name := range names {
		if project.CheckName(name) == nil {
			note(name, who, "sandwich "+verb+" "+name)
		}
	}
	if len(names) == 0 {
		note("", who, "sandwich "+verb+" --all")
	}
}

// note writes to the journal that somebody changes a project. Without a journal it is not written:
// that must not keep a command from its work.
func note(project, actor, what string) {
	handler, err := slogjournal.NewHandler(&slogjournal.Options{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		a.Key = "SANDWICH_" + strings.ToUpper(a.Key)
		return a
	}})
	if err != nil {
		return
	}
	slog.New(handler).InfoContext(context.Background(), what+", asked by "+actor, "project", project, "actor", actor)
}

// actor is who types, whatever he has become to do so.
func actor() string {
	if name := os.Getenv(actorVariable); name != "" {
		return name
	}
	if name, uid := os.Getenv("SUDO_USER"), os.Getenv("SUDO_UID"); name != "" {
		return fmt.Sprintf("%s (uid %s)", name, uid)
	}
	login, err := os.ReadFile("/proc/self/loginuid")
	uid := strings.TrimSpace(string(login))
	if err != nil || uid == "4294967295" { // (uid_t) -1: not from a login
		uid = "0"
	}
	name := uid
	if account, err := user.LookupId(uid); err == nil {
		name = account.Username
	}
	return fmt.Sprintf("%s (uid %s)", name, uid)
}
