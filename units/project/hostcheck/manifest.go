package hostcheck

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"sandwich/units/project"
)

// manifest checks that the files are there which the manifest of hashed names lists: Django links
// to them, whatever is on the disk.
func (c *check) manifest(s project.Static) {
	if s.Uploads || s.Real == "" {
		return
	}
	content, err := c.sys.ReadFile(filepath.Join(s.Real, "staticfiles.json"))
	if err != nil {
		return // without a manifest names are not hashed
	}
	block := fmt.Sprintf("static[%q]", s.Prefix)
	key := c.stated(block+".root", block, "root")
	var listed struct{ Paths map[string]string }
	if json.Unmarshal(content, &listed) != nil {
		c.warn(key, "The manifest of static files cannot be read", "%q is no JSON. %s", filepath.Join(s.Real, "staticfiles.json"), c.collect())
		return
	}
	for _, name := range slices.Sorted(maps.Values(listed.Paths)) {
		_, err := c.sys.Lstat(filepath.Join(s.Real, filepath.Clean("/"+name)))
		if errors.Is(err, fs.ErrNotExist) {
			c.warn(key, "The manifest of static files is not complete", "It lists %q, which is not in %q: pages link to what answers 404. %s", name, s.Root, c.collect())
			return
		}
	}
}

func (c *check) collect() string {
	return fmt.Sprintf("Run: sudo -u %s %s manage.py collectstatic (in %s)", c.p.User, shell(c.p.Python), shell(c.p.Dir))
}
