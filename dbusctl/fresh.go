package dbusctl

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// unitFiles are the files that units are made from, as they are on the disk. systemd is asked about a
// change of them when there can be one: it looks for the drop-ins of a unit in every directory anew, which
// takes as long as twenty other questions about the unit.
type unitFiles struct {
	dirs    []string                   // where units are, the first wins
	names   map[string]map[string]bool // what is in each, by its name
	read    time.Time                  // when systemd began to read units; zero when it does not say
	changed map[string]bool            // whether drop-ins changed since then, by path
}

// tick is more than the clock of a file system is behind the time of day, which is ten milliseconds at most.
const tick = 20 * time.Millisecond

// unitFiles looks at the directories that units are in.
func (s *Systemd) unitFiles(ctx context.Context) (*unitFiles, error) {
	var dirs []string
	var read uint64
	if err := s.manager(ctx, "UnitPath", &dirs); err != nil {
		return nil, err
	}
	if s.manager(ctx, "UnitsLoadTimestamp", &read) != nil {
		read = 0 // systemd 249 has not got it
	}
	f := listUnitFiles(dirs)
	if read != 0 {
		f.since(time.UnixMicro(int64(read)))
	}
	return f, nil
}

// written are the directories that systemd itself writes, when it reads units or makes what others ask for.
var written = []string{"/run/systemd/transient", "/run/systemd/generator", "/run/systemd/generator.early", "/run/systemd/generator.late"}

// since says when systemd began to read units. When something came to one of the directories since then, or
// has gone, nothing is sure.
func (f *unitFiles) since(read time.Time) {
	f.read = read
	if slices.ContainsFunc(f.dirs, func(dir string) bool { return !slices.Contains(written, dir) && f.newer(dir) }) {
		f.read = time.Time{}
	}
}

func listUnitFiles(dirs []string) *unitFiles {
	f := &unitFiles{names: map[string]map[string]bool{}, changed: map[string]bool{}}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil || f.names[dir] != nil {
			continue // most of them are not there
		}
		f.dirs, f.names[dir] = append(f.dirs, dir), make(map[string]bool, len(entries))
		for _, e := range entries {
			f.names[dir][e.Name()] = true
		}
	}
	return f
}

// fragment is the file of a unit, that of its template when it has none of its own; "" when there is none.
func (f *unitFiles) fragment(unit string) string {
	for _, name := range []string{unit, templateOf(unit)} {
		for _, dir := range f.dirs {
			if f.names[dir][name] {
				return filepath.Join(dir, name)
			}
		}
	}
	return ""
}

// templateOf is the template that an instance is made from; of other units their own name.
func templateOf(unit string) string {
	before, after, is := strings.Cut(unit, "@")
	if !is {
		return unit
	}
	return before + "@" + filepath.Ext(after)
}

// dropIns are the directories that may extend a unit (systemd.unit(5)): of its name, of its template, of the
// beginnings of its name that end in a dash, and of its kind.
func (f *unitFiles) dropIns(unit string) (found []string) {
	suffix := filepath.Ext(unit)
	names := []string{unit, strings.TrimPrefix(suffix, ".")}
	if template := templateOf(unit); template != unit {
		names = append(names, template)
	}
	for i, c := range strings.TrimSuffix(unit, suffix) {
		if c == '-' {
			names = append(names, unit[:i+1]+suffix)
		}
	}
	for _, dir := range f.dirs {
		for _, name := range names {
			if f.names[dir][name+".d"] {
				found = append(found, filepath.Join(dir, name+".d"))
			}
		}
	}
	return found
}

// fresh says that systemd has read everything that a unit is made from as it is now. When it is false,
// only systemd can tell.
func (f *unitFiles) fresh(unit string) bool {
	path := f.fragment(unit)
	if f.read.IsZero() || path == "" || f.newer(path) {
		return false
	}
	return !slices.ContainsFunc(f.dropIns(unit), func(dir string) bool {
		changed, known := f.changed[dir]
		if !known {
			changed = f.anyNewer(dir)
			f.changed[dir] = changed
		}
		return changed
	})
}

func (f *unitFiles) anyNewer(dir string) bool {
	newer := f.newer(dir)
	err := filepath.WalkDir(dir+"/", func(path string, _ fs.DirEntry, err error) error {
		newer = newer || err != nil || f.newer(path)
		return nil
	})
	return newer || err != nil
}

// newer goes by the time that nobody can set, of a link and of what it leads to.
func (f *unitFiles) newer(path string) bool {
	limit := f.read.Add(-tick)
	for _, stat := range []func(string, *unix.Stat_t) error{unix.Lstat, unix.Stat} {
		var s unix.Stat_t
		if stat(path, &s) != nil || time.Unix(s.Ctim.Unix()).After(limit) {
			return true
		}
	}
	return false
}
