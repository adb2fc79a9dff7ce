package static

import "strings"

// shown are the types of what visitors have sent that a browser may show as a document of the site:
// nothing in them can act there.
var shown = map[string]bool{"text/plain": true, "text/css": true, "text/csv": true, "text/vtt": true, "text/calendar": true, "application/json": true, "application/pdf": true}

// runs are the types that a page can have run by naming them. With another type and nosniff,
// browsers refuse to.
var runs = map[string]bool{
	"text/javascript": true, "application/javascript": true, "application/x-javascript": true, "application/ecmascript": true,
	"text/ecmascript": true, "application/wasm": true, "application/manifest+json": true,
}

// restrain keeps what visitors have sent from acting in the name of the site: a browser neither
// guesses another type, nor shows a document that could run something, nor runs it for a page.
func (d *Dir) restrain(e *entry, kind *string) {
	base, _, _ := strings.Cut(*kind, ";")
	e.nosniff = true
	if base != "application/pdf" { // browsers do not show it in a sandbox, and run nothing of it outside
		e.policy = []string{"sandbox"}
	}
	if runs[base] {
		*kind = "application/octet-stream"
	}
	top, _, _ := strings.Cut(base, "/")
	media := top == "image" && !strings.HasSuffix(base, "+xml") || top == "audio" || top == "video" || top == "font"
	if !shown[base] && !media {
		e.disposition = []string{"attachment"}
	}
}
