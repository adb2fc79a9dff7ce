package hostcheck

import "sandwich/units/django"

// perishable warns of data in the current release, which the next one does not have.
func (c *check) perishable(f *django.Facts) {
	for _, dir := range append([]string{f.MediaRoot}, f.SQLiteDirs...) {
		if c.p.Current != "" && dir != "" && inside(c.sys.resolve(dir).path, c.p.Current) {
			c.warn("root", "Data lies in the current release",
				"%q is in %q: the next release starts without what is there, unless the file itself is a link. Keep uploads and databases in a directory beside the releases.", dir, c.p.Current)
		}
	}
}
