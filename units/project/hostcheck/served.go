package hostcheck

import (
	"fmt"
	"strings"
)

// servedDir is a directory of files that the proxy serves.
type servedDir struct {
	kind    string // of its block: staticFiles or internalFiles
	prefix  string
	root    string
	real    string
	uploads bool
}

const (
	staticFiles   = "static"
	internalFiles = "internal"
)

// servedDirs are the directories of files whose places are known.
func (c *check) servedDirs() []servedDir {
	var all []servedDir
	for _, s := range c.p.Statics {
		if s.Root != "" {
			all = append(all, servedDir{staticFiles, s.Prefix, s.Root, s.Real, s.Uploads})
		}
	}
	for _, i := range c.p.Internals {
		all = append(all, servedDir{internalFiles, i.Prefix, i.Root, i.Real, false})
	}
	return all
}

// block is the key of its block.
func (t servedDir) block() string { return fmt.Sprintf("%s[%q]", t.kind, t.prefix) }

// called is the kind at the beginning of a sentence.
func (t servedDir) called() string { return strings.ToUpper(t.kind[:1]) + t.kind[1:] }

func (t servedDir) content() string {
	if t.uploads {
		return "uploads"
	}
	return t.kind + " files"
}
