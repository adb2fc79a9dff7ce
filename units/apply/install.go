package apply

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sandwich/units/unitfile"
)

// The links that have a unit started at boot, as "systemctl enable" makes them from [Install] sections
// (systemd.unit(5)). They are made here, because systemd itself goes through all links of a host for each
// unit, and answers nobody meanwhile: five minutes for a thousand projects.

// wanting are the directories of links for one way that a unit pulls in others.
var wanting = []string{"*.wants", "*.requires"}

// installed finds the links there are, by the unit that each is for.
func (d Dirs) installed() (map[string][]string, error) {
	links := map[string][]string{}
	for _, pattern := range wanting {
		dirs, err := filepath.Glob(d.unit(pattern))
		if err != nil {
			return nil, fmt.Errorf("cannot see which units are enabled: %w", err)
		}
		for _, dir := range dirs {
			entries, err := os.ReadDir(dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, fmt.Errorf("cannot see which units are enabled: %w", err)
			}
			for _, e := range entries {
				if e.Type()&fs.ModeSymlink != 0 {
					links[e.Name()] = append(links[e.Name()], filepath.Join(dir, e.Name()))
				}
			}
		}
	}
	return links, nil
}

// links are those that a unit asks for.
func (d Dirs) links(unit unitfile.File) (links []string) {
	directives, err := unitfile.Parse(unit.Content)
	if err != nil {
		return nil // nothing that sandwich writes
	}
	for _, one := range directives {
		if one.Section == "Install" && one.Name == "WantedBy" {
			links = append(links, filepath.Join(d.unit(one.Value+".wants"), unit.Name))
		}
	}
	return links
}

// link has the links lead to the unit that they have the name of.
func (d Dirs) link(links []string) error {
	for _, link := range links {
		target := d.unit(filepath.Base(link))
		err := makeLink(link, target)
		for try := 1; errors.Is(err, fs.ErrNotExist) && try < tries; try++ {
			err = makeLink(link, target)
		}
		if err != nil {
			return fmt.Errorf("cannot enable %s: %w", filepath.Base(link), err)
		}
	}
	return syncDirs(links)
}

// tries is how often a link is made at most: whoever disables the last unit in a directory takes that away.
const tries = 5

func makeLink(link, target string) error {
	if err := makeDir(filepath.Dir(link)); err != nil {
		return err
	}
	err := os.Symlink(target, link)
	if is, _ := os.Readlink(link); is == target {
		return nil
	}
	return err
}

// makeDir makes a directory that everybody may look into, whatever the umask of whoever runs the command.
func makeDir(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return errors.Join(err, os.Chmod(path, 0o755))
}

// unlink takes links away, and their directories when nothing else is in there.
func unlink(links []string) error {
	for _, link := range links {
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot disable %s: %w", filepath.Base(link), err)
		}
	}
	if err := syncDirs(links); err != nil {
		return err
	}
	for _, link := range links {
		_ = os.Remove(filepath.Dir(link)) // others are in there
	}
	return nil
}

// syncDirs has changes in the directories of the paths survive a power cut.
func syncDirs(paths []string) error {
	done := map[string]bool{}
	for _, path := range paths {
		dir := filepath.Dir(path)
		if done[dir] {
			continue
		}
		if err := syncDir(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		done[dir] = true
	}
	return nil
}

// missing are those of the wanted links that there are not.
func missing(wanted, there []string) []string {
	return slices.DeleteFunc(wanted, func(link string) bool { return slices.Contains(there, link) })
}
