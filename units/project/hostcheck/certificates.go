package hostcheck

import (
	"errors"
	"io/fs"
)

// certificates checks that the proxy can read what the tls block names, and that nobody else can read
// what is secret of it.
func (c *check) certificates(proxy Account) {
	t := &c.p.TLS
	if t.Mode == "files" {
		c.proxyFile("tls.certificate", "certificate", t.Certificate, proxy)
		if c.proxyFile("tls.key", "private key", t.Key, proxy) {
			c.secret("tls.key", "private key", t.Key, proxy)
		}
	}
	if t.Mode != "auto" {
		return
	}
	c.proxyFile("tls.ca_root", "certificate of the CA", t.CARoot, proxy)
	if c.proxyFile("tls.eab.key_file", "key of eab", t.EAB.KeyFile, proxy) {
		c.secret("tls.eab.key_file", "key of eab", t.EAB.KeyFile, proxy)
	}
}

// proxyFile says whether there is a file that the proxy can read.
func (c *check) proxyFile(key, called, file string, proxy Account) bool {
	if file == "" {
		return false
	}
	key = c.stated(key, "root")
	info, stop, err := c.sys.reach(file, proxy, mayRead)
	switch {
	case errors.Is(err, fs.ErrPermission):
		c.warn(key, "The "+called+" was not checked", "%s. Only root can tell whether the proxy reads it.", reason(err))
	case err != nil:
		c.refuse(key, "The "+called+" is not there", "%s. Write the path of a PEM file that is there.", reason(err))
	case stop != nil && stop.info.Mode.IsDir():
		c.refuse(key, "The proxy cannot reach the "+called, "The proxy runs as %s and may not enter %q on the way to %q. %s", proxy.Name, stop.path, file, remedy(stop, proxy))
	case stop != nil:
		c.refuse(key, "The proxy cannot read the "+called, "The proxy runs as %s and may not read %q. %s", proxy.Name, file, forProxyOnly(file, proxy))
	case !info.Mode.IsRegular():
		c.refuse(key, "The "+called+" is none", "%q is no regular file.", file)
	default:
		return true
	}
	return false
}

// secret checks that a file is for the proxy only.
func (c *check) secret(key, called, file string, proxy Account) {
	key = c.stated(key, "root")
	info, err := c.sys.stat(file)
	switch {
	case err == nil && info.Mode.Perm()&0o002 != 0:
		c.refuse(key, "Everyone may change the "+called, "%q can be written by every user of this host. %s", file, forProxyOnly(file, proxy))
	case c.sys.Public(file):
		c.warn(key, "Everyone may read the "+called, "%q can be read by every user of this host. %s", file, forProxyOnly(file, proxy))
	}
}

func forProxyOnly(file string, proxy Account) string {
	return "Run: chgrp " + proxy.Name + " " + shell(file) + " && chmod 640 " + shell(file)
}
