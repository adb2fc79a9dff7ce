package hostcheck

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// passwords checks that the proxy can read the file of names and passwords, and that not everybody
// can: hashes are there to be guessed at.
func (c *check) passwords(file string, proxy Account) {
	const key = "proxy.access.basic_auth_file"
	info, stop, err := c.sys.reach(file, proxy, mayRead)
	switch {
	case errors.Is(err, fs.ErrPermission):
		c.warn(key, "The password file was not checked", "%s. Only root can tell whether the proxy reads it.", reason(err))
	case err != nil:
		c.refuse(key, "The password file is not there", "%s. Run: htpasswd -B -c %s NAME", reason(err), shell(file))
	case stop != nil && stop.info.Mode.IsDir():
		c.refuse(key, "The proxy cannot reach the password file", "The proxy runs as %s and may not enter %q on the way to %q. %s", proxy.Name, stop.path, file, remedy(stop, proxy))
	case stop != nil:
		c.refuse(key, "The proxy cannot read the password file", "The proxy runs as %s and may not read %q. Run: chgrp %s %s && chmod 640 %s",
			proxy.Name, file, proxy.Name, shell(file), shell(file))
	case !info.Mode.IsRegular():
		c.refuse(key, "The password file is none", "%q is no regular file.", file)
	case c.sys.Public(file):
		c.warn(key, "Everyone may read the password file", "Every user of this host can guess at the passwords in %q. Run: chgrp %s %s && chmod 640 %s",
			filepath.Clean(file), proxy.Name, shell(file), shell(file))
	}
}
