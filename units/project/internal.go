package project

import (
	"fmt"
	"strings"
)

var internalSettings = []setting[Internal]{
	{"root", text(func(i *Internal) *string { return &i.Root }, path)},
}

func decodeInternal(d *decoder, g *group) {
	i := Internal{Prefix: g.label}
	fill(d, g, internalSettings, &i)
	switch f := staticPrefix(i.Prefix); {
	case f != nil:
		d.refuse(&g.at, "Invalid prefix of an internal block", quote(i.Prefix)+" "+f.why+". "+f.remedy)
	case i.Prefix == "/":
		d.refuse(&g.at, "An internal block hides the site", `Nobody could ask for anything below "/". Write a longer prefix, for example "/protected/".`)
	case g.attrs["root"] == nil:
		d.refuse(&g.at, "An internal block has no root", "Write root: the directory of its files.")
	case i.Root != "":
		d.p.Internals = append(d.p.Internals, i)
	}
}

// wholeInternals checks that what is internal cannot be had by another name.
func (d *decoder) wholeInternals() {
	for _, i := range d.p.Internals {
		key := element("internal", i.Prefix)
		if d.p.Root != "" && published(i.Root, d.p.Root) {
			d.refuse(d.source.At(key+".root"), "An internal block would hand out the project itself",
				fmt.Sprintf("%s holds the project's own files: source, settings, perhaps its database. Give the files a directory of their own below it.", quote(i.Root)))
		}
		for _, s := range d.p.Statics {
			if summary, detail := i.beside(s); summary != "" {
				d.refuse(d.source.At(key), summary, detail)
			}
		}
	}
}

// beside says what is wrong with an internal block beside a static one; "" is nothing.
func (i Internal) beside(s Static) (summary, detail string) {
	switch {
	case s.Prefix == i.Prefix:
		return "A prefix is there twice",
			fmt.Sprintf("There is a static block for %s as well, and everybody may ask for its files. Give one of them another prefix.", quote(i.Prefix))
	case s.Root != "" && shows(s, i):
		return "Internal files would be public",
			fmt.Sprintf("%s is shown to everybody below %s, because the static files there are in %s. Give the internal files a directory outside it.", quote(i.Root), quote(s.Prefix), quote(s.Root))
	}
	return "", ""
}

// shows says whether somebody who asks for files of s could get one of i. Where the URL would be that of
// i, i comes first.
func shows(s Static, i Internal) bool {
	rest, inside := below(s.Root, i.Root)
	return s.Root == i.Root || inside && !strings.HasPrefix(s.Prefix+rest+"/", i.Prefix)
}
