package project

import "github.com/hashicorp/hcl/v2"

// Source remembers where each setting stands in a project file, so that what is found out later
// (a root that is not there, a domain that another project has) is still reported with its place.
// Keys are attribute paths: "root", "gunicorn.workers", `static["/media/"].root`.
type Source struct {
	File  string
	Bytes []byte
	at    map[string]hcl.Range
}

// States says whether the file itself (not a default) states the setting.
func (s *Source) States(key string) bool {
	_, ok := s.at[key]
	return ok
}

// At is the place of a setting. A setting the file does not state has the file's first line.
func (s *Source) At(key string) *hcl.Range {
	if r, ok := s.at[key]; ok {
		return &r
	}
	start := hcl.Pos{Line: 1, Column: 1}
	return &hcl.Range{Filename: s.File, Start: start, End: start}
}
