package django

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of an answer: more than any real project has, little enough for a hostile one.
const (
	maxText  = 4096
	maxItems = 200
)

var mark = []byte("@@sandwich-answer@@")

// saidError is a failure that the script itself reported.
type saidError struct {
	kind      Failure
	reason    string
	missing   string
	traceback []string
}

func (e *saidError) Error() string { return e.reason }

// parse finds the answer in what a project's python printed. The project may print anything: what
// is no answer is an error, what is no sensible value of a setting is left out with a note.
func parse(output []byte) (Facts, error) {
	line, ok := between(output)
	if !ok {
		return Facts{}, errors.New("it printed no answer")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return Facts{}, errors.New("it printed an answer that is no JSON")
	}
	r := reader{fields: fields}
	if kind := r.text("failed"); kind != "" {
		return Facts{}, r.failure(kind)
	}
	return r.facts(), nil
}

// between is what stands between the last two markers.
func between(output []byte) ([]byte, bool) {
	if len(output) > maxOutput {
		return nil, false
	}
	end := bytes.LastIndex(output, mark)
	if end < 0 {
		return nil, false
	}
	start := bytes.LastIndex(output[:end], mark)
	if start < 0 {
		return nil, false
	}
	return output[start+len(mark) : end], true
}

// reader takes values out of an answer and notes what it had to leave out.
type reader struct {
	fields map[string]json.RawMessage
	notes  []string
}

func (r *reader) failure(kind string) error {
	e := &saidError{kind: SettingsFail, reason: r.text("reason"), missing: r.text("missing")}
	if kind == "django" {
		e.kind = NoDjango
	}
	var traceback string
	if json.Unmarshal(r.fields["traceback"], &traceback) == nil {
		e.traceback = lastLines([]byte(traceback))
	}
	return e
}

func (r *reader) facts() Facts {
	f := Facts{
		Python: r.text("python"), Django: r.text("django"), Gunicorn: r.text("gunicorn"), Uvicorn: r.text("uvicorn"),
		WSGI: r.callable("wsgi"), ASGI: r.callable("asgi"), Channels: r.flag("channels"),
		StaticURL: r.text("static_url"), StaticRoot: r.path("static_root"), StaticFiles: r.flag("staticfiles"),
		MediaURL: r.text("media_url"), MediaRoot: r.path("media_root"),
		AllowedHosts: r.texts("allowed_hosts"), Debug: r.flag("debug"),
		SQLiteDirs: r.paths("sqlite_dirs"), CacheDirs: r.paths("cache_dirs"), LogDirs: r.paths("log_dirs"),
		DataUploadMax: r.number("data_upload_max"), ProxySSLHeader: r.flag("proxy_ssl_header"),
		CSRFTrustedOrigins: r.texts("csrf_trusted_origins"),
		SecretWeak:         r.flag("secret_weak"), ConnMaxAge: r.age("conn_max_age"), SSLRedirect: r.flag("ssl_redirect"),
	}
	if _, ok := r.fields["page"]; ok {
		f.Examined = r.examination()
	}
	f.Notes = append(r.texts("notes"), r.notes...)
	return f
}

// take decodes one field into a value of the wanted type; an absent or null one leaves it alone.
func (r *reader) take(name string, into any) bool {
	raw, ok := r.fields[name]
	if !ok || string(raw) == "null" {
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		r.leaveOut(name, "has a value of an unexpected type")
		return false
	}
	return true
}

func (r *reader) leaveOut(name, why string) {
	if len(r.notes) < maxItems {
		r.notes = append(r.notes, fmt.Sprintf("%s %s and was left out", strings.ToUpper(name), why))
	}
}

func (r *reader) text(name string) string {
	var s string
	if !r.take(name, &s) || !r.plain(name, s) {
		return ""
	}
	return s
}

// plain says whether a text can be used: bounded and without control characters.
func (r *reader) plain(name, s string) bool {
	if len(s) > maxText {
		r.leaveOut(name, "is too long")
		return false
	}
	if s != printable(s) {
		r.leaveOut(name, "holds control characters")
		return false
	}
	return true
}

func (r *reader) texts(name string) []string {
	var all []json.RawMessage
	if !r.take(name, &all) {
		return nil
	}
	if len(all) > maxItems {
		r.leaveOut(name, "has too many values, the rest was cut")
		all = all[:maxItems]
	}
	var kept []string
	for _, raw := range all {
		one := reader{fields: map[string]json.RawMessage{name: raw}}
		if s := one.text(name); s != "" {
			kept = append(kept, s)
		}
		r.notes = append(r.notes, one.notes...)
	}
	return kept
}

func (r *reader) path(name string) string { return r.absolute(name, r.text(name)) }

func (r *reader) absolute(name, s string) string {
	if s == "" {
		return ""
	}
	if !path.IsAbs(s) {
		r.leaveOut(name, "is no absolute path")
		return ""
	}
	return path.Clean(s)
}

func (r *reader) paths(name string) []string {
	var kept []string
	for _, s := range r.texts(name) {
		if p := r.absolute(name, s); p != "" {
			kept = append(kept, p)
		}
	}
	return kept
}

func (r *reader) flag(name string) bool {
	var b bool
	r.take(name, &b)
	return b
}

func (r *reader) number(name string) int64 {
	var n int64
	r.take(name, &n)
	return max(n, 0)
}

// age is a number of seconds; -1 stands for no end.
func (r *reader) age(name string) int64 {
	var n int64
	r.take(name, &n)
	return max(n, -1)
}

func (r *reader) examination() *Examination {
	e := &Examination{Pending: r.texts("pending"), Page: int(r.number("page"))}
	for _, text := range r.texts("databases") {
		parts := strings.SplitN(text, " | ", 3)
		if len(parts) == 3 {
			e.Databases = append(e.Databases, Database{Alias: parts[0], Engine: parts[1], Reason: parts[2]})
		}
	}
	var traceback string
	if json.Unmarshal(r.fields["page_traceback"], &traceback) == nil {
		e.Traceback = lastLines([]byte(traceback))
	}
	return e
}

// callable is a setting such as WSGI_APPLICATION, "a.b.c", in gunicorn's way of saying it, "a.b:c".
func (r *reader) callable(name string) string {
	s := r.text(name)
	dot := strings.LastIndexByte(s, '.')
	if s == "" {
		return ""
	}
	if !dotted(s) || dot < 0 {
		r.leaveOut(name, "is no dotted Python name")
		return ""
	}
	return s[:dot] + ":" + s[dot+1:]
}

// dotted says whether s is a Python name with dots, as an import statement takes it.
func dotted(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for _, part := range strings.Split(s, ".") {
		if !identifier(part) {
			return false
		}
	}
	return true
}

func identifier(s string) bool {
	for i, c := range []byte(s) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// printable is s with everything replaced that could act on a terminal or break a line.
func printable(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "?")
	}
	return strings.Map(func(c rune) rune {
		if c == '\t' {
			return ' '
		}
		if unicode.IsControl(c) || unicode.In(c, unicode.Cf, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return c
	}, s)
}
