package django

import (
	"context"
	_ "embed"
	"errors"
	"strings"
	"time"
)

//go:embed ask.py
var script string

// The bounds of a question. Importing the settings of a large project on a busy host takes a few
// seconds; a minute means that it waits for something that does not come.
const (
	askTimeout = 60 * time.Second
	maxOutput  = 256 << 10
)

// Question is whom to ask and as whom.
type Question struct {
	Python      string // absolute path of the interpreter
	Dir         string // working directory, first on the import path
	Settings    string // DJANGO_SETTINGS_MODULE: a dotted Python name
	User        string
	Group       string
	Environment map[string]string
	EnvFile     string
	Credentials map[string]string
	Writable    []string // directories that it may write to
	View        View
	Examine     string // the host name to ask the first page for; "": settings only
}

// Ask runs the project's own python, imports its settings and gives what they say. A project that
// cannot answer gives an *AskError; one that prints anything else never makes Ask fail otherwise.
func Ask(ctx context.Context, run Runner, q Question) (Facts, error) {
	if !dotted(q.Settings) {
		return Facts{}, &AskError{Kind: NoAnswer, Question: q, Reason: "no settings module is known"}
	}
	if q.Examine != "" && !domain(q.Examine) {
		return Facts{}, &AskError{Kind: NoAnswer, Question: q, Reason: "the host name to ask for is none"}
	}
	result, err := run.Run(ctx, command(q))
	if err != nil {
		return Facts{}, &AskError{Kind: NotStarted, Question: q, Reason: err.Error(), Err: err}
	}
	return answer(q, result)
}

// command is the python process that answers q. The script comes on standard input, so that it
// shows in no process list and needs no file that the project's user can read.
func command(q Question) Command {
	return Command{
		Args:        []string{q.Python, "-B", "-"},
		Dir:         q.Dir,
		Environment: q.Environment,
		EnvFile:     q.EnvFile,
		Credentials: q.Credentials,
		User:        q.User,
		Group:       q.Group,
		Writable:    q.Writable,
		View:        q.View,
		Stdin:       []byte(strings.NewReplacer("@SETTINGS@", q.Settings, "@DOMAIN@", q.Examine).Replace(script)),
		Timeout:     askTimeout,
		MaxOutput:   maxOutput,
	}
}

// domain says whether s can stand in a string of the script.
func domain(s string) bool {
	return len(s) <= 253 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

// answer turns how the process ended into facts or into why there are none.
func answer(q Question, r Result) (Facts, error) {
	if r.TimedOut {
		return Facts{}, &AskError{Kind: TimedOut, Question: q, Traceback: lastLines(r.Stderr)}
	}
	facts, err := parse(r.Stdout)
	if err == nil {
		return facts, nil
	}
	failure := &AskError{Kind: NoAnswer, Question: q, Reason: err.Error(), Traceback: lastLines(r.Stderr), Exit: r.Exit}
	if r.Truncated {
		failure.Reason = "it printed too much"
	}
	var said *saidError
	if errors.As(err, &said) {
		failure.Kind, failure.Reason, failure.Traceback = said.kind, said.reason, said.traceback
		failure.Missing = said.missing
	}
	return Facts{}, failure
}
