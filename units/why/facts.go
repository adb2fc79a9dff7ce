// Package why tells the cause and the remedy when a project is down or slow, from facts that were
// seen of it at one moment. It is pure; who looks, at systemd, the journal, the proxy and the
// project itself, is the caller's business.
package why

import "time"

// Facts is what was seen of a project. What was not looked at is zero and counts for nothing.
type Facts struct {
	Name    string
	Now     time.Time
	Enabled bool
	Domains []string
	File    string // the project file
	NoFile  bool   // it is not there
	Closed  bool   // maintenance is on
	Changed bool   // it says something else than what was applied

	// From the project file, as far as it could be read.
	User, Python, Dir, Settings string
	EnvFile                     string
	Static                      []Static

	Service, Socket, Next, Slice Unit
	Needs                        []Unit
	Listener                     Listener
	Journal                      []Line // of the service, systemd's lines about it included, oldest first
	NextJournal                  []Line // of the generation that a restart tries first
	SocketJournal                []Line

	Proxy    Proxy
	Page     *Page    // what the first page answers through the proxy; nil: not asked
	Mistakes []Advice // what is wrong with the project file and the host, as check tells it
	Examined *Examination
	Disks    []Disk
	Hosts    []Host

	NoJournal bool // journald does not run: what follows from its lines is not known
}

// Unit is what systemd says of a unit.
type Unit struct {
	Name, Load, LoadError, Active, Sub, Result string
	DropIns                                    []string
	Edited                                     bool // its file is not as sandwich wrote it
	Status                                     int32
	Killed                                     bool // Status is a signal
	Restarts                                   uint32
	Invocation                                 string
	Since                                      time.Time // of the active state
	Text                                       string    // what the service says of itself
	Memory, MemoryHigh, MemoryMax              uint64    // bytes; 0: not known, or no limit
	Tasks, TasksMax                            uint64
}

// Line is one line of the journal.
type Line struct {
	At         time.Time
	Invocation string
	Text       string
}

// Listener is the project's socket as the kernel has it.
type Listener struct {
	Address string // a path, or host:port
	Missing bool   // the file is not there, though systemd holds the socket
	Blocked string // the file or directory that keeps the proxy from it
	Holder  string // the process that has the address instead, "nginx (pid 12)"
}

// Proxy is the front proxy.
type Proxy struct {
	Service, Socket Unit
	Holder          string // the process that has its port instead
	Frozen          bool   // it runs and does not answer
	Known           bool   // it was asked; the rest is its answer
	Served, Current bool   // it serves the project, and by the route that was compiled last
	Upstream        string // the generation that gets the requests: main or next
	InFlight, Held  uint32
	LastError       string
	LastErrorAt     time.Time
}

// Page is an answer, or why there is none.
type Page struct {
	Status int
	Err    string
}

// Advice is something wrong with its remedy, in words. Place is file and line.
type Advice struct {
	Summary, Detail, Place string
	Error                  bool
}

// Static is a directory of files that the proxy serves, and what keeps it from there.
type Static struct{ Prefix, Root string }

// Examination is what the project said when it was asked in its own python.
type Examination struct {
	Databases []Database
	Pending   []string // migrations that were not carried out, "polls.0002_x"
	Hosts     []string // ALLOWED_HOSTS
	Page      int      // status of the first page, asked inside python; 0: not asked
	Traceback []string // of the exception behind it
}

// Database is one that the settings name and that does not answer.
type Database struct{ Alias, Engine, Reason string }

// Disk is a file system that the project writes to.
type Disk struct {
	Path       string
	Free       uint64 // bytes an ordinary user may still write
	FreeInodes uint64
	Inodes     bool // it counts inodes
}

// Host is a host name of the project: where it leads and what certificate it shows.
type Host struct {
	Name      string
	Err       string   // why it leads nowhere
	Elsewhere []string // addresses that are none of this machine's; nil when one is
	Public    bool     // this machine has a public address, so that Elsewhere means something
	Expires   time.Time
}

// Cause is an answer: what is wrong, what shows it, and what to do.
type Cause struct {
	Kind     string   `json:"kind"`  // for programs; never given another meaning
	Says     string   `json:"cause"` // a sentence
	Evidence []string `json:"evidence,omitempty"`
	Remedy   string   `json:"remedy"`
	Next     []string `json:"next"` // commands to type
}
