package static_test

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sandwich/proxy/route"
	"sandwich/proxy/static"
)

// within is a host with a project of two releases and a neighbour; static is served from below
// "current".
func within(t *testing.T) (*files, string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	must(t, err)
	for _, d := range []string{"site/1/static", "site/2/static", "site-private"} {
		must(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
		must(t, os.WriteFile(filepath.Join(dir, d, "a.txt"), []byte(d), 0o644))
	}
	must(t, os.Symlink("1", filepath.Join(dir, "site/current")))
	f := &files{T: t, root: filepath.Join(dir, "site/current/static")}
	f.Dir = static.New(route.Static{Prefix: "/static/", Root: f.root, Within: []string{filepath.Join(dir, "site")}}, false)
	return f, dir
}

func relink(t *testing.T, target, link string) {
	t.Helper()
	must(t, os.Symlink(target, link+".new"))
	must(t, os.Rename(link+".new", link))
}

func TestAReleaseBelowTheProjectIsServed(t *testing.T) {
	f, dir := within(t)
	for _, release := range []string{"1", "2"} {
		relink(t, release, filepath.Join(dir, "site/current"))
		if w := f.ask("GET", "a.txt"); w.Code != 200 || w.Body.String() != "site/"+release+"/static" {
			t.Errorf("release %s: %d %s", release, w.Code, w.Body)
		}
	}
}

func TestARootThatBecomesALinkToANeighbourIsNotServed(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	f, dir := within(t)
	if w := f.ask("GET", "a.txt"); w.Code != 200 {
		t.Fatalf("before: %d", w.Code)
	}
	must(t, os.Rename(f.root, f.root+".old"))
	must(t, os.Symlink(filepath.Join(dir, "site-private"), f.root))
	for range 3 {
		if w := f.ask("GET", "a.txt"); w.Code != 404 || strings.Contains(w.Body.String(), "private") {
			t.Errorf("a neighbour's file: %d %s", w.Code, w.Body)
		}
	}
	if n := strings.Count(log.String(), "which is not the project's"); n != 1 {
		t.Errorf("logged %d times: %s", n, &log)
	}
	must(t, os.Remove(f.root))
	must(t, os.Rename(f.root+".old", f.root))
	if w := f.ask("GET", "a.txt"); w.Code != 200 {
		t.Errorf("after it is put right: %d", w.Code)
	}
}
