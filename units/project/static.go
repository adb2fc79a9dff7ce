package project

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

var staticSettings = []setting[Static]{
	{"root", text(func(s *Static) *string { return &s.Root }, path)},
	{"domain", text(func(s *Static) *string { return &s.Domain }, hostName)},
	{"max_age", duration(func(s *Static) *time.Duration { return &s.MaxAge }, 0)},
	{"uploads", boolean(func(s *Static) *bool { return &s.Uploads })},
	{"index", boolean(func(s *Static) *bool { return &s.Index })},
}

// staticMaxAge is how long a browser keeps a file whose name may come back with other content.
const staticMaxAge = time.Minute

func decodeStatic(d *decoder, g *group) {
	s := Static{Prefix: g.label, MaxAge: staticMaxAge}
	fill(d, g, staticSettings, &s)
	if f := staticPrefix(s.Prefix); f != nil {
		d.refuse(&g.at, "Invalid prefix of a static block", quote(s.Prefix)+" "+f.why+". "+f.remedy)
		return
	}
	if s.Prefix == "/" && s.Domain == "" {
		d.refuse(&g.at, "A static block hides the site", `Everything below "/" would be taken from files. Write a longer prefix, or a domain of its own.`)
		return
	}
	d.p.Statics = append(d.p.Statics, s)
}

// staticPrefix says what is wrong with a URL path as a prefix of files.
func staticPrefix(s string) *fault {
	const example = `Write it like "/static/".`
	switch {
	case !strings.HasPrefix(s, "/") || !strings.HasSuffix(s, "/"):
		return wrong("does not begin and end with a slash", example)
	case clean(s) != nil:
		return clean(s)
	case strings.ContainsAny(s, `%?#;\ "`):
		return wrong("holds a character that has a meaning in URLs", "Write the path as it is after decoding, of letters, digits and dashes. "+example)
	}
	parts := strings.Split(strings.Trim(s, "/"), "/")
	if s != "/" && slices.ContainsFunc(parts, func(p string) bool { return p == "" || p == "." || p == ".." }) {
		return wrong("is no plain path", example)
	}
	return nil
}

// wholeStatics checks what only shows with everything read: no directory of files may hold the
// project itself, whose source and database would be served.
func (d *decoder) wholeStatics() {
	for _, s := range d.p.Statics {
		if s.Root == "" || d.p.Root == "" {
			continue
		}
		key := element("static", s.Prefix) + ".root"
		if published(s.Root, d.p.Root) {
			d.refuse(d.source.At(key), "A static block would publish the project itself",
				fmt.Sprintf("%s holds the project's own files: source, settings, perhaps its database. Give the files a directory of their own below it.", quote(s.Root)))
		}
	}
}

// published says whether a directory of files holds the project's root.
func published(files, root string) bool {
	_, inside := below(files, root)
	return inside || files == root || files == "/"
}
