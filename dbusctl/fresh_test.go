package dbusctl

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const freshUnit = "sandwich-client-x.service"

// changeTime is when a file last changed, by a clock that nobody sets.
func changeTime(t *testing.T, path string) time.Time {
	t.Helper()
	var s unix.Stat_t
	must(t, unix.Lstat(path, &s))
	return time.Unix(s.Ctim.Unix())
}

// put writes a file again and again until its time is after the moment.
func put(t *testing.T, path string, after time.Time) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	for begun := false; !begun || !changeTime(t, path).After(after); begun = true {
		must(t, os.WriteFile(path, []byte("[Service]\n"), 0o644))
	}
}

// unitDirs are two directories with a unit and drop-ins, all older than the moment that it gives.
func unitDirs(t *testing.T) (dirs []string, read time.Time) {
	t.Helper()
	dirs = []string{filepath.Join(t.TempDir(), "etc"), filepath.Join(t.TempDir(), "run")}
	for _, name := range []string{freshUnit, "service.d/a.conf", "sandwich-.service.d/a.conf", freshUnit + ".d/a.conf"} {
		put(t, filepath.Join(dirs[0], name), time.Time{})
	}
	last := filepath.Join(dirs[1], "other.service")
	put(t, last, changeTime(t, dirs[0]))
	return dirs, changeTime(t, last)
}

func look(dirs []string, read time.Time) *unitFiles {
	f := listUnitFiles(dirs)
	f.since(read.Add(tick))
	return f
}

func TestAUnitIsFreshUntilAFileOfItChanges(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, etc, run string, read time.Time){
		"its own file":       func(t *testing.T, etc, _ string, read time.Time) { put(t, etc+"/"+freshUnit, read) },
		"a drop-in":          func(t *testing.T, etc, _ string, read time.Time) { put(t, etc+"/"+freshUnit+".d/a.conf", read) },
		"a new drop-in":      func(t *testing.T, etc, _ string, read time.Time) { put(t, etc+"/"+freshUnit+".d/b.conf", read) },
		"a drop-in for many": func(t *testing.T, etc, _ string, read time.Time) { put(t, etc+"/sandwich-.service.d/a.conf", read) },
		"a drop-in for all":  func(t *testing.T, etc, _ string, read time.Time) { put(t, etc+"/service.d/a.conf", read) },
		"the first drop-in":  func(t *testing.T, _, run string, read time.Time) { put(t, run+"/"+freshUnit+".d/a.conf", read) },
		"a time that was set back": func(t *testing.T, etc, _ string, read time.Time) {
			put(t, etc+"/"+freshUnit, read)
			must(t, os.Chtimes(etc+"/"+freshUnit, time.Unix(1, 0), time.Unix(1, 0)))
		},
		"drop-ins that are gone": func(t *testing.T, etc, _ string, read time.Time) {
			put(t, etc+"/"+freshUnit+".d/a.conf", read)
			must(t, os.RemoveAll(etc+"/"+freshUnit+".d"))
		},
		"a file that is gone": func(t *testing.T, etc, _ string, _ time.Time) { must(t, os.Remove(etc+"/"+freshUnit)) },
	} {
		t.Run(name, func(t *testing.T) {
			dirs, read := unitDirs(t)
			if !look(dirs, read).fresh(freshUnit) {
				t.Fatal("not fresh before")
			}
			change(t, dirs[0], dirs[1], read)
			if look(dirs, read).fresh(freshUnit) {
				t.Error("still fresh")
			}
		})
	}
}

func TestNothingIsFreshWhenSystemdDoesNotSaySinceWhen(t *testing.T) {
	dirs, _ := unitDirs(t)
	if listUnitFiles(dirs).fresh(freshUnit) {
		t.Error("fresh")
	}
}

func TestAllDropInsOfAUnitAreKnown(t *testing.T) {
	dirs, _ := unitDirs(t)
	if got := listUnitFiles(dirs).dropIns(freshUnit); len(got) != 3 {
		t.Errorf("drop-ins: %v", got)
	}
	if got := listUnitFiles(dirs).dropIns("ssh.socket"); len(got) != 0 {
		t.Errorf("drop-ins of another kind: %v", got)
	}
}

func TestAnInstanceHasTheFilesOfItsTemplate(t *testing.T) {
	dirs, _ := unitDirs(t)
	const instance = "sandwich-client-x.mail@2.service"
	template, dropIn := filepath.Join(dirs[0], "sandwich-client-x.mail@.service"), filepath.Join(dirs[0], "sandwich-client-x.mail@.service.d")
	put(t, template, time.Time{})
	put(t, dropIn+"/a.conf", time.Time{})
	f := listUnitFiles(dirs)
	if got := f.fragment(instance); got != template {
		t.Errorf("its file is %q", got)
	}
	if got := f.dropIns(instance); !slices.Contains(got, dropIn) {
		t.Errorf("its drop-ins are %v", got)
	}
	own := filepath.Join(dirs[0], instance)
	put(t, own, time.Time{})
	if got := listUnitFiles(dirs).fragment(instance); got != own {
		t.Errorf("with a file of its own that is %q", got)
	}
}
