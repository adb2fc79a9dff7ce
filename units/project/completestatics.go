package project

import (
	"net/url"
	"slices"
	"strings"
)

// statics adds what the settings say about static files and uploads, unless the file does.
func (c *completion) statics() {
	f := c.facts()
	c.static("STATIC", f.StaticURL, f.StaticRoot, false)
	c.static("MEDIA", f.MediaURL, f.MediaRoot, true)
	if f.StaticFiles && f.StaticRoot == "" && !c.has(f.StaticURL) {
		c.warn("root", "Static files are not served", `STATIC_ROOT is not set in the settings. Set it and run collectstatic, or write a static block.`)
	}
	c.rootless()
}

// static adds or completes the block of one pair of settings, such as STATIC_URL and STATIC_ROOT.
func (c *completion) static(setting, address, root string, uploads bool) {
	prefix, ok := c.prefix(address)
	if !ok || root == "" {
		return
	}
	for i, s := range c.p.Statics {
		if s.Prefix == prefix {
			c.fillStatic(&c.p.Statics[i], root, uploads)
			return
		}
	}
	if f := staticPrefix(prefix); f != nil || prefix == "/" {
		c.warn("root", "Files of "+setting+"_ROOT are not served", quote(address)+" of "+setting+"_URL is no prefix that can be served. Write a static block.")
		return
	}
	if published(root, c.p.Root) {
		c.refuse("root", setting+"_ROOT would publish the project itself",
			quote(root)+" holds the project's own files. Give the files a directory of their own, or write a static block.")
		return
	}
	c.p.Statics = append(c.p.Statics, Static{Prefix: prefix, Root: root, MaxAge: staticMaxAge, Uploads: uploads})
}

// fillStatic completes a block that the file states in part.
func (c *completion) fillStatic(s *Static, root string, uploads bool) {
	key := element("static", s.Prefix)
	if !c.p.Source.States(key + ".root") {
		s.Root = root
	}
	if !c.p.Source.States(key + ".uploads") {
		s.Uploads = uploads
	}
}

// prefix is the URL path of a setting such as STATIC_URL. A relative one is below "/", as Django
// takes it; one on a host that is not the project's gives none.
func (c *completion) prefix(address string) (string, bool) {
	u, err := url.Parse(address)
	if address == "" || err != nil {
		return "", false
	}
	if u.Host != "" && !slices.Contains(c.p.Domains, strings.ToLower(u.Hostname())) {
		return "", false
	}
	return "/" + strings.Trim(u.Path, "/") + map[bool]string{true: "/"}[strings.Trim(u.Path, "/") != ""], true
}

func (c *completion) has(address string) bool {
	prefix, ok := c.prefix(address)
	return ok && slices.ContainsFunc(c.p.Statics, func(s Static) bool { return s.Prefix == prefix })
}

// rootless reports blocks that state no directory and are none of the settings' own.
func (c *completion) rootless() {
	for _, s := range c.p.Statics {
		key := element("static", s.Prefix)
		if s.Root != "" || c.p.Source.States(key+".root") {
			continue
		}
		if c.found.Facts == nil {
			c.open = append(c.open, "root in the block "+key)
			continue
		}
		c.refuse(key, "A static block has no root", quote(s.Prefix)+" is neither STATIC_URL nor MEDIA_URL of the settings. Write root: the directory of its files.")
	}
}

// internals checks the internal blocks against the static files that the settings have added.
func (c *completion) internals() {
	for _, i := range c.p.Internals {
		for _, s := range c.p.Statics {
			if c.p.Source.States(element("static", s.Prefix) + ".root") {
				continue // told when the file was read
			}
			if summary, detail := i.beside(s); summary != "" {
				c.refuse(element("internal", i.Prefix), summary, detail)
			}
		}
	}
}
