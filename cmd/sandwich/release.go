package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/project"
	"sandwich/units/release"
	"sandwich/units/unitfile"
)

// releases is what a deploy needs to know of a project. It is read from the project's units, not
// from its file: what is deployed is code, for settings that were applied.
type releases struct {
	project string
	link    string // the symbolic link to the current release, "" when the project has none
	dir     string // its working directory, below the link
	health  string
	steps   bool
}

func releasesOf(name string) (releases, error) {
	path := filepath.Join(apply.SystemDirs.Units, units.GateService(name))
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return releases{}, fmt.Errorf("cannot deploy %s: its units are of an older sandwich\nhint: sandwich apply %s", name, name)
	}
	if err != nil {
		return releases{}, fmt.Errorf("cannot read how %s is deployed: %w", name, err)
	}
	directives, err := unitfile.Parse(string(content))
	if err != nil {
		return releases{}, fmt.Errorf("cannot read how %s is deployed: %w\nhint: sandwich apply %s", name, err, name)
	}
	r := releases{project: name, steps: unitThere(units.ReleaseService(name))}
	for _, d := range directives {
		value := strings.ReplaceAll(d.Value, "%%", "%")
		switch d.Section + "." + d.Name {
		case "X-Sandwich.Link":
			r.link = value
		case "X-Sandwich.Dir":
			r.dir = value
		case "X-Sandwich.Health":
			r.health = value
		}
	}
	return r, nil
}

// current is the directory that new processes of the project start in: its release, or where it is.
func (r releases) current() (string, error) {
	if r.link == "" {
		return r.dir, nil
	}
	current, err := filepath.EvalSymlinks(r.link)
	if err != nil {
		return "", fmt.Errorf("cannot find the current release of %s: %w", r.project, err)
	}
	return current, nil
}

// tree is the real directory of the link, where the releases are.
func (r releases) tree() (string, error) { return filepath.EvalSymlinks(filepath.Dir(r.link)) }

// releaseForm is what a release's directory may be called: it is written into a file that systemd
// reads variables from.
var releaseForm = regexp.MustCompile(`^/[A-Za-z0-9._/+@=:,~-]+$`)

// find is the directory of a release that somebody named.
func (r releases) find(dir string) (string, error) {
	if r.link == "" {
		return "", usageError("%s has no releases: its root is no symbolic link\nhint: have root lead through one, such as /srv/%s/current -> releases/1, and sandwich apply %s; or deploy without --release",
			r.project, r.project, r.project)
	}
	if isDelegated() && !filepath.IsAbs(dir) {
		return "", usageError("%s is no full path, and root's side works in a directory of its own\nhint: sandwich deploy %s --release \"$PWD/%s\"", dir, r.project, dir)
	}
	full, err := filepath.Abs(dir)
	if err == nil {
		full, err = filepath.EvalSymlinks(full)
	}
	if err != nil {
		return "", fmt.Errorf("cannot find the release: %w\nhint: ls -d %s/*", err, filepath.Dir(r.link))
	}
	tree, err := r.tree()
	if err != nil {
		return "", fmt.Errorf("cannot find the releases of %s: %w", r.project, err)
	}
	inside, err := filepath.Rel(tree, full)
	switch {
	case err != nil || inside == "." || inside == ".." || strings.HasPrefix(inside, "../"):
		return "", fmt.Errorf("%s is no release of %s: its releases are below %s, where %s is\nhint: sandwich deploy %s --release DIR, with a directory below %s", full, r.project, tree, r.link, r.project, tree)
	case !releaseForm.MatchString(full):
		return "", fmt.Errorf("cannot deploy %q: the name of a release is letters, digits and . _ / + @ = : , ~ -\nhint: give it another name, and sandwich deploy %s --release DIR", full, r.project)
	case !release.There(full + r.below()):
		return "", fmt.Errorf("%s is no release of %s: there is no directory %s\nhint: sandwich deploy %s --release DIR, with a complete one", full, r.project, full+r.below(), r.project)
	}
	return full, nil
}

// around is the release that somebody works in, "" for none: a process that was just made is in / until
// it has gone to where it works.
func (r releases) around(dir string) string {
	dir, inside := strings.CutSuffix(dir, r.below())
	if !inside {
		return ""
	}
	found, err := r.find(dir)
	if err != nil {
		return ""
	}
	return found
}

// below is where in a release the working directory is, "" or with a slash first.
func (r releases) below() string { return strings.TrimPrefix(r.dir, r.link) }

// environment is the content of a file by which a service learns its release.
func (r releases) environment(dir string, more ...string) []byte {
	var b strings.Builder
	if r.link != "" {
		fmt.Fprintf(&b, "SANDWICH_RELEASE=%s\n", dir)
	}
	for _, line := range more {
		b.WriteString(line + "\n")
	}
	return []byte(b.String())
}

// earlierReleases is how many releases have their static files served beside the current one's.
const earlierReleases = 5

// lastReleases are the releases whose files are still served, newest first.
func lastReleases(name string) []string {
	history, err := release.Read(release.Dir, name)
	if err != nil {
		return nil // without it old pages lose their files, and nothing else
	}
	return history.Last(earlierReleases, release.There)
}

// earlier is where a directory of static files lies in other releases.
func (r releases) earlier(root string, dirs []string) []string {
	return project.EarlierRoots(r.link, root, dirs)
}
