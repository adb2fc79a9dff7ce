// Package django tells what a directory tells about the Django project in it: Look reads the
// tree, Ask runs the project's own python with its settings. What becomes of the answers, and
// how a process is run as another user, is left to the callers.
package django

// Facts is what a project's own python said about itself. Every string is bounded and free of
// control characters, every path absolute. It never holds SECRET_KEY or a password.
type Facts struct {
	Python   string // version, for example "3.11.2"
	Django   string // version
	Gunicorn string // version, "" when it cannot be imported
	Uvicorn  string // version, "" when it cannot be imported

	WSGI         string // WSGI_APPLICATION as "module:callable", or ""
	ASGI         string // ASGI_APPLICATION as "module:callable", or ""
	Channels     bool   // channels or daphne is installed: the ASGI application answers more than the WSGI one
	StaticURL    string
	StaticRoot   string
	StaticFiles  bool // django.contrib.staticfiles is installed
	MediaURL     string
	MediaRoot    string
	AllowedHosts []string
	Debug        bool

	SQLiteDirs []string // directories of SQLite databases
	CacheDirs  []string // locations of file based caches
	LogDirs    []string // directories of the files that LOGGING writes

	DataUploadMax      int64 // DATA_UPLOAD_MAX_MEMORY_SIZE in bytes, 0: no limit
	ProxySSLHeader     bool  // SECURE_PROXY_SSL_HEADER is set
	CSRFTrustedOrigins []string
	SecretWeak         bool  // SECRET_KEY is short, monotonous, or the one of "startproject"
	ConnMaxAge         int64 // the longest CONN_MAX_AGE in seconds, -1: for ever
	SSLRedirect        bool  // SECURE_SSL_REDIRECT is on

	Examined *Examination // nil unless the question asked for it

	Notes []string // what was left out of the answer and why, for a person
}

// Examination is what shows only when a project is set up and used: its databases, its
// migrations, its first page.
type Examination struct {
	Databases []Database // those that do not answer
	Pending   []string   // migrations of the default database that were not carried out: "polls.0002_x"
	Page      int        // status of the first page, asked inside the process
	Traceback []string   // of the exception behind a page that fails
}

// Database is one of the settings that does not answer, and why.
type Database struct{ Alias, Engine, Reason string }
