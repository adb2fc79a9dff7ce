package django

import (
	"context"
	"time"
)

// Runner runs a command as the project would run. An error means that it could not be started or
// not be watched; a command that ran and failed has a Result with its exit status and no error.
type Runner interface {
	Run(ctx context.Context, c Command) (Result, error)
}

// Command is one program to run in the project's surroundings. It is run without a shell.
type Command struct {
	Args        []string          // Args[0] is an absolute path
	Dir         string            // working directory
	Environment map[string]string // as it is: nothing of the caller's own is added
	EnvFile     string            // EnvironmentFile=, or ""
	Credentials map[string]string // credential name -> file, as LoadCredential=
	Writable    []string          // directories that it may write to
	View        View
	User        string
	Group       string
	Stdin       []byte
	Timeout     time.Duration // the Runner ends the command, and all it started, after this
	MaxOutput   int           // bytes of Stdout that are kept; what follows is read and dropped
}

// View is what the command sees of the host's files beside the system's.
type View struct {
	Empty  []string // directories that are empty but for what is in Shown
	Closed []string // not there at all; they may be missing
	Shown  []string // read-only; they may be missing
}

// Result is how a command ended.
type Result struct {
	Stdout    []byte
	Stderr    []byte // the tail, bounded by the Runner
	Exit      int    // exit status; 128+n after signal n
	TimedOut  bool
	Truncated bool // Stdout was longer than MaxOutput
}
