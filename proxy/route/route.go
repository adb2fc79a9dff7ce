// Package route says which project and which destination in it a request belongs to. It is pure:
// it decodes compiled route files and looks hosts and paths up; it opens no file and no connection.
package route

import "time"

// Version is the format of a compiled route file. A reader refuses another one.
const Version = 1

// Route is one project as the proxy sees it: the content of /var/lib/sandwich/routes/NAME.json.
// It never holds a secret. It is a plain value, never changed after Decode.
type Route struct {
	Version  int      `json:"version"`
	Name     string   `json:"name"`
	Domains  []string `json:"domains"` // lower case, without port; the first is canonical
	Upstream Upstream `json:"upstream"`

	// Next is the generation beside the service during a restart. Without it the project cannot
	// run twice.
	Next *Upstream `json:"next,omitempty"`

	Static    []Static   `json:"static,omitempty"`
	Internal  []Internal `json:"internal,omitempty"`
	Redirects []Redirect `json:"redirects,omitempty"`

	RateLimits []RateLimit `json:"rate_limits,omitempty"` // longest path first
	Access     *Access     `json:"access,omitempty"`

	AccessLog string `json:"access_log,omitempty"` // "combined", "json", "journal" or "off"; "": combined

	MaxBody         int64             `json:"max_body"`            // bytes of a request body
	TimeoutMS       int64             `json:"timeout_ms"`          // for the application's answer
	HoldMS          int64             `json:"hold_ms"`             // for a listener that is not there yet
	DrainMS         int64             `json:"drain_ms"`            // for requests in flight to end; see Drain
	InFlight        int               `json:"in_flight,omitempty"` // 0: no cap
	IdleMS          int64             `json:"idle_ms,omitempty"`   // without a request, before it is stopped; 0: never
	BufferRequests  bool              `json:"buffer_requests"`
	BufferResponses bool              `json:"buffer_responses"`
	Stream          []string          `json:"stream,omitempty"`      // path prefixes that are not buffered
	Headers         map[string]string `json:"headers,omitempty"`     // set on every response
	ErrorPages      map[string]string `json:"error_pages,omitempty"` // "503" or "5xx" -> file

	// PagesWithin are real directories: an error page is read only while it leads to a file in one of
	// them or below. Without any, it may lead anywhere.
	PagesWithin []string `json:"error_pages_within,omitempty"`

	TLS *TLS `json:"tls,omitempty"` // nil: plain HTTP only

	Compress    bool `json:"compress,omitempty"`     // text, for clients that take it
	CompressAll bool `json:"compress_all,omitempty"` // even answers that hold secrets
}

// Upstream is where the application listens.
type Upstream struct {
	Network string `json:"network"` // "unix" or "tcp"
	Address string `json:"address"` // socket path or host:port
	Unit    string `json:"unit"`    // the service behind it, for messages
}

// Static maps URL paths below Prefix to files below Root.
type Static struct {
	Prefix  string `json:"prefix"` // begins and ends with '/'
	Root    string `json:"root"`
	Domain  string `json:"domain,omitempty"` // only on this host, when set
	MaxAge  int64  `json:"max_age"`          // seconds
	Uploads bool   `json:"uploads,omitempty"`
	Index   bool   `json:"index,omitempty"` // index.html answers for its directory

	// Earlier are the roots of earlier releases, newest first: a name that is not below Root is
	// looked for there, because pages made by them are still open in browsers.
	Earlier []string `json:"earlier,omitempty"`

	// Within are real directories: Root is served only while it leads to one of them or to a
	// directory below one. The owner of Root can make it a link to what is not his. Without any,
	// Root may lead anywhere.
	Within []string `json:"within,omitempty"`
}

// Internal maps URL paths below Prefix to files below Root that only the application can have sent,
// by naming them in its answer.
type Internal struct {
	Prefix string   `json:"prefix"` // begins and ends with '/'
	Root   string   `json:"root"`
	Within []string `json:"within,omitempty"` // as in Static
}

// Redirect sends every request for the host From to To, keeping path and query.
type Redirect struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Status int    `json:"status"`
}

// defaultDrain is gunicorn's graceful_timeout.
const defaultDrain = 30 * time.Second

// Drain is how long requests in flight may take to end when their generation goes.
func (r *Route) Drain() time.Duration {
	if r.DrainMS == 0 {
		return defaultDrain
	}
	return time.Duration(r.DrainMS) * time.Millisecond
}
