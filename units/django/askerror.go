package django

import (
	"fmt"
	"strings"
)

// Failure is why a project did not answer.
type Failure string

// The reasons why a project did not answer.
const (
	NotStarted   Failure = "not started"   // its python could not be run
	TimedOut     Failure = "timed out"     // no answer in time
	NoAnswer     Failure = "no answer"     // it ended without an answer, or with garbage
	NoDjango     Failure = "no django"     // its python cannot import Django
	SettingsFail Failure = "settings fail" // its settings cannot be imported
)

// AskError says why a project could not be asked, in a sentence.
type AskError struct {
	Kind      Failure
	Question  Question
	Reason    string   // the last line of the traceback, or why nothing was understood
	Missing   string   // the module that could not be found, when that is the reason
	Traceback []string // its last lines, bounded, for a person
	Exit      int      // exit status of the python, when it ended without an answer
	Err       error    // of the Runner, or nil
}

func (e *AskError) Error() string {
	q := e.Question
	switch e.Kind {
	case NotStarted:
		return fmt.Sprintf("cannot run %s: %s", q.Python, e.Reason)
	case TimedOut:
		return fmt.Sprintf("the settings module %s was not imported within %s", q.Settings, askTimeout)
	case NoDjango:
		return fmt.Sprintf("%s has no Django: %s", q.Python, e.Reason)
	case SettingsFail:
		return fmt.Sprintf("the settings module %s could not be imported: %s", q.Settings, e.Reason)
	}
	return fmt.Sprintf("%s gave no answer about the settings module %s (exit status %d): %s",
		q.Python, q.Settings, e.Exit, e.Reason)
}

func (e *AskError) Unwrap() error { return e.Err }

// tracebackLines is how much of a traceback is worth a person's time.
const tracebackLines = 12

// lastLines is the printable end of what a program wrote.
func lastLines(output []byte) []string {
	const most = 8 << 10
	if len(output) > most {
		output = output[len(output)-most:]
	}
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) > tracebackLines {
		lines = lines[len(lines)-tracebackLines:]
	}
	for i, line := range lines {
		lines[i] = printable(line)
	}
	if len(lines) == 1 && lines[0] == "" {
		return nil
	}
	return lines
}
