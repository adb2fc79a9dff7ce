package project

import "strings"

// release takes what the project said of its own directories to go through the link, as its file
// does: it was asked in the current release, and will be in another one after the next deploy.
func (c *completion) release() {
	c.p.Link, c.p.Current = c.found.Link, c.found.Current
	if c.p.Link == "" || c.found.Facts == nil {
		return
	}
	f := *c.found.Facts
	f.StaticRoot, f.MediaRoot = c.linked(f.StaticRoot), c.linked(f.MediaRoot)
	f.SQLiteDirs, f.CacheDirs, f.LogDirs = c.allLinked(f.SQLiteDirs), c.allLinked(f.CacheDirs), c.allLinked(f.LogDirs)
	c.found.Facts = &f
}

func (c *completion) linked(dir string) string {
	if rest, ok := relative(c.p.Current, dir); ok {
		return c.p.Link + rest
	}
	return dir
}

func (c *completion) allLinked(dirs []string) []string {
	all := make([]string, 0, len(dirs))
	for _, dir := range dirs {
		all = append(all, c.linked(dir))
	}
	return all
}

// earlier has the files of earlier releases served for pages that these have made.
func (c *completion) earlier() {
	for i := range c.p.Statics {
		c.p.Statics[i].Earlier = EarlierRoots(c.p.Link, c.p.Statics[i].Root, c.found.Releases)
	}
}

// EarlierRoots is where a directory that is reached through the link lies in each of the releases.
func EarlierRoots(link, root string, releases []string) []string {
	rest, ok := relative(link, root)
	if !ok {
		return nil
	}
	var roots []string
	for _, release := range releases {
		roots = append(roots, release+rest)
	}
	return roots
}

// relative is what follows dir in the path of something in it, "" for dir itself.
func relative(dir, file string) (string, bool) {
	rest, ok := strings.CutPrefix(file, dir)
	return rest, ok && dir != "" && (rest == "" || rest[0] == '/')
}
