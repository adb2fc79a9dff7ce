package project

import "github.com/hashicorp/hcl/v2"

// Source remembers where each setting stands, in the project file or in the host file's defaults,
// so that what is found out later (a root that is not there, a domain that another project has)
// is still reported with its place. Keys are attribute paths: "root", "gunicorn.workers",
// `static["/media/"].root`; one value of a list or a map is `domains["client-x.example"]`.
type Source struct {
	File  string
	Bytes []byte
	at    map[string]hcl.Range
}

// NewSource is a Source that knows no places yet: of a project that no file states.
func NewSource(file string, bytes []byte) *Source {
	return &Source{File: file, Bytes: bytes, at: map[string]hcl.Range{}}
}

// States says whether a file (not a built-in default) states the setting.
func (s *Source) States(key string) bool {
	_, ok := s.at[key]
	return ok
}

// At is the place of a setting. One that no file states has that of root, where the rest is found, or the
// file's first line.
func (s *Source) At(key string) *hcl.Range {
	for _, stated := range []string{key, "root"} {
		if r, ok := s.at[stated]; ok {
			return &r
		}
	}
	start := hcl.Pos{Line: 1, Column: 1}
	return &hcl.Range{Filename: s.File, Start: start, End: start}
}

// put records the place of a setting; the first place of a setting is the one that counts.
func (s *Source) put(key string, at hcl.Range) {
	if _, ok := s.at[key]; !ok {
		s.at[key] = at
	}
}

// element is the key of one value of a list or a map.
func element(key, name string) string { return key + "[" + quote(name) + "]" }
