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

	Notes []string // what was left out of the answer and why, for a person
}
