// Package project turns a project file (HCL) into a Project, or into diagnostics that say
// everything that is wrong with it. It is pure: bytes in, values out. What the Django project
// itself tells is found by units/django; what the host has is looked at by units/project/hostcheck.
package project

import "time"

// Project is everything sandwich knows about one project. Load fills what the file states and
// the fixed defaults; Complete fills the rest from what the Django project told, so that a
// completed Project has no unset field that a unit or a route needs. It is a plain value: never
// changed after Complete, safe to share.
type Project struct {
	Name string // the file's base name: [a-z0-9] and inner '-', at most 48 characters
	File string // absolute path of the project file

	Root string // absolute, clean
	// Link is the symbolic link to the current release, "" when root goes through none: root itself
	// or a directory above it. It lies in the directory that holds the releases.
	Link    string
	Current string   // what Link leads to now
	Base    string   // the real directory that is the project's own, set by hostcheck.Locate
	Dir     string   // working directory: where manage.py is and modules are imported from; Root or below it
	Domains []string // lower case host names without port, the first is canonical
	User    string   // never root
	Group   string   // "": the user's own
	Python  string   // absolute path of the interpreter
	// Interpreter is the file that Python leads to through symbolic links, "" when it is itself:
	// that of a virtual environment may lie in somebody's home.
	Interpreter string
	Settings    string // DJANGO_SETTINGS_MODULE
	App         string // "module:callable"
	ASGI        bool   // App is an ASGI callable
	Command     []string
	Listen      string // "host:port", or "" for the unix socket

	Environment map[string]string
	EnvFile     string
	EnvGuarded  bool              // not only root chooses what EnvFile leads to, set by hostcheck.Locate: it is read as User
	Credentials map[string]string // credential name -> file
	Needs       []string          // unit names
	Admins      []string          // users, and groups after an "@", who may manage this project without root
	Permit      []string          // what the sandbox leaves open although it need not: PermitNeighbours
	Writable    []string          // absolute paths
	Withheld    []string          // what its developers chose outside of the project, set by hostcheck.Locate: not opened
	Hardening   Hardening
	Overlap     bool // two generations may run beside each other while it restarts

	Gunicorn  Gunicorn
	Statics   []Static
	Internals []Internal
	Redirects []Redirect
	Proxy     Proxy
	Limits    Limits
	TLS       TLS
	Workers   []Worker
	Timers    []Timer
	Release   Release
	Idle      Idle

	Source *Source // where each setting stands in File
}

// Hardening chooses the sandbox of the project's services.
type Hardening string

// The three levels of Hardening.
const (
	HardeningDefault Hardening = "default"
	HardeningStrict  Hardening = "strict"
	HardeningOff     Hardening = "off"
)

// PermitNeighbours lets a project see what is beside it: the directories of other projects.
const PermitNeighbours = "neighbours"

// Gunicorn is the gunicorn block.
type Gunicorn struct {
	Workers           int    // 0 before Complete means "auto"
	Scaled            bool   // Workers was set by hand: it wins over every settings file
	WorkersReason     string // why auto chose Workers, for plan; empty when the file states a number
	Threads           int
	WorkerClass       string // "sync", "gthread", ..., or the import path of a worker class
	Timeout           time.Duration
	GracefulTimeout   time.Duration
	MaxRequests       int
	MaxRequestsJitter int
	Preload           bool
	Config            string // absolute path of the project's own gunicorn settings file, or ""
	Args              []string
}

// Static is one static block: files below Root served for URL paths below Prefix.
type Static struct {
	Prefix  string // begins and ends with '/'
	Root    string // absolute, clean
	Real    string // Root without symbolic links, set by hostcheck.Locate
	Domain  string // own host name for these files, or ""
	MaxAge  time.Duration
	Uploads bool // files come from users: never rendered in the site's origin
	Index   bool // index.html answers for its directory

	// Earlier are the roots of earlier releases, newest first, set by whoever knows the releases:
	// what is not below Root is looked for there.
	Earlier []string
}

// Internal is one internal block: files below Root that only the application can have sent.
type Internal struct {
	Prefix string // begins and ends with '/'
	Root   string // absolute, clean
	Real   string // Root without symbolic links, set by hostcheck.Locate
}

// Redirect is one redirect block: every request to the host From goes to To with its path and query.
type Redirect struct {
	From   string // lower case host name
	To     string // scheme://host[/path]
	Status int    // 301, 302, 303, 307 or 308
}

// Proxy is the proxy block.
type Proxy struct {
	MaxBody         int64         // bytes
	Timeout         time.Duration // for the application's answer
	Hold            time.Duration // how long a request waits for a restarting project
	InFlight        int           // 0: no cap
	BufferRequests  bool
	BufferResponses bool
	Stream          []string          // path prefixes that are not buffered
	Headers         map[string]string // set on every response
	ErrorPages      map[string]string // status, or a class like "5xx" -> absolute path of a page
	PagesReal       []string          // the real directories of those pages, set by hostcheck.Locate
	Compress        bool              // text, for clients that take it
	CompressSecrets bool              // answers with secrets in them, too
	AccessLog       string            // "combined", "json", "journal" or "off"
	RateLimits      []RateLimit
	Access          *Access // nil: everybody may come
}

// Idle is the idle block: a web service that nobody visits is stopped, and the next request starts it.
type Idle struct {
	After time.Duration // without a request; 0: never
}

// Limits is the limits block, for the project's slice. Each value is in systemd's own syntax and
// checked; "" is no limit.
type Limits struct {
	Memory     string // MemoryMax=
	MemoryHigh string // MemoryHigh=
	CPU        string // CPUQuota=
	IORead     string // IOReadBandwidthMax= of the disk that root is on
	IOWrite    string // IOWriteBandwidthMax=
	Tasks      int    // TasksMax=, 0: no limit
}

// TLS is the tls block.
type TLS struct {
	Mode        string // "auto", "files", "internal" or "off"
	Email       string
	CA          string // address of an ACME directory; "": Let's Encrypt
	CARoot      string // absolute path of what to trust when talking to the CA, or ""
	CheckDNS    bool   // order only when the names lead to this host
	EAB         EAB
	Certificate string // absolute path, mode "files"
	Key         string // absolute path, mode "files"
	Redirect    string // "always", "never", or "": once browsers trust the certificate
	HSTS        time.Duration
}

// EAB is the eab block: what binds an ACME account to one that the CA knows already.
type EAB struct {
	KeyID   string
	KeyFile string // absolute path; it holds the secret
}

// SocketPath is where the project's web service listens unless Listen says otherwise.
func (p *Project) SocketPath() string { return "/run/sandwich/" + p.Name + ".sock" }

// NextSocketPath is where the generation listens that runs beside the service while it restarts.
func (p *Project) NextSocketPath() string { return "/run/sandwich/" + p.Name + ".next.sock" }
