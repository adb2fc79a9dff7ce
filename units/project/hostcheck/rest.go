package hostcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project"
)

// Rest checks a completed project: what its python has, and what the proxy, which runs as
// proxyUser, has to read. facts is nil when the project was not asked.
func Rest(p *project.Project, facts *django.Facts, sys *System, proxyUser string) hcl.Diagnostics {
	c := &check{p: p, sys: sys}
	if facts != nil {
		c.packages(facts)
		c.settings(facts)
		c.perishable(facts)
	}
	if c.p.Gunicorn.Config != "" && c.p.Command == nil {
		c.config()
	}
	c.writables()
	c.withheld()
	c.jobs()
	c.served(proxyUser)
	return c.diags
}

// packages checks that the python has what runs the project.
func (c *check) packages(f *django.Facts) {
	if c.p.Command != nil {
		return
	}
	if f.Gunicorn == "" {
		c.refuse("python", "The python has no gunicorn", "%q cannot import gunicorn. Run: %s", c.p.Python, c.install("gunicorn"))
	}
	if strings.HasPrefix(c.p.Gunicorn.WorkerClass, "uvicorn.") && f.Uvicorn == "" {
		c.refuse("python", "The python has no uvicorn", "The application is ASGI and %q cannot import uvicorn. Run: %s", c.p.Python, c.install("uvicorn"))
	}
}

// install is the command that adds a package to the project's python.
func (c *check) install(name string) string {
	if c.p.Python == django.SystemPython {
		return "apt-get install python3-" + name + " (or create a virtual environment in " + shell(filepath.Join(c.p.Root, "venv")) + ")"
	}
	return shell(c.p.Python) + " -m pip install " + name
}

func (c *check) config() {
	info, err := c.sys.stat(c.p.Gunicorn.Config)
	if err != nil {
		c.refuse("gunicorn.config", "The gunicorn settings are not there", "%s. Write the path of the file, relative to root, or remove the attribute.", reason(err))
	} else if !info.Mode.IsRegular() {
		c.refuse("gunicorn.config", "The gunicorn settings are no file", "%q is no regular file.", c.p.Gunicorn.Config)
	}
}

// withheld tells what the sandbox does not open although the project seems to need it.
func (c *check) withheld() {
	for _, path := range c.p.Withheld {
		c.warn("writable", "Something outside the project stays closed", "The project's settings or links lead to %q, which is neither in its directory nor its user's: another project's, perhaps. "+
			"If it may use that, say so: writable = [%q], and all the others that it writes to.", path, path)
	}
}

// writables checks that the project's user can write where it has to.
func (c *check) writables() {
	user, err := c.sys.User(c.p.User)
	if err != nil {
		return
	}
	for _, dir := range c.p.Writable {
		key := c.stated(fmt.Sprintf("writable[%q]", dir), "writable")
		_, block, err := c.sys.reach(dir, user, mayWrite|maySearch)
		if errors.Is(err, fs.ErrNotExist) && c.ownBlock(dir) {
			continue // told with the static block
		}
		if errors.Is(err, fs.ErrNotExist) {
			c.warn(key, "A writable directory is not there", "The project writes to %q. Run: install -d -o %s %s", dir, c.p.User, shell(dir))
		} else if err == nil && block != nil {
			c.warn(key, "The project's user cannot write", "The user %s may not write to %q because of %q. %s", c.p.User, dir, block.path, c.remedy(block, user))
		}
	}
}

func (c *check) ownBlock(dir string) bool {
	return slices.ContainsFunc(c.servedDirs(), func(s servedDir) bool { return s.root == dir && (s.uploads || s.kind == internalFiles) })
}

// stated is the first of the keys that the file states; the last one if it states none.
func (c *check) stated(keys ...string) string {
	for _, key := range keys {
		if c.p.Source.States(key) {
			return key
		}
	}
	return keys[len(keys)-1]
}

// served checks that the proxy's user gets to everything it serves.
func (c *check) served(proxyUser string) {
	proxy, err := c.sys.User(proxyUser)
	if err != nil {
		c.proxyless(proxyUser)
		return
	}
	for _, t := range c.servedDirs() {
		c.servedDir(t, proxy)
	}
	if a := c.p.Proxy.Access; a != nil && a.UserFile != "" {
		c.passwords(a.UserFile, proxy)
	}
	c.certificates(proxy)
	for status, page := range c.p.Proxy.ErrorPages {
		c.page(status, page, proxy)
	}
}

func (c *check) proxyless(name string) {
	if len(c.p.Statics)+len(c.p.Internals)+len(c.p.Proxy.ErrorPages) > 0 {
		c.warn("root", "The proxy's user is not there", "There is no user %q, so nobody can tell whether it reaches the static files. Install the package.", name)
	}
}

func (c *check) servedDir(t servedDir, proxy Account) {
	key := c.stated(t.block()+".root", t.block(), "root")
	if !c.publishable(key, t) {
		return
	}
	info, stop, err := c.sys.reach(t.root, proxy, maySearch)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.absent(key, t)
	case err != nil:
		c.refuse(key, t.called()+" files cannot be reached", "%s.", reason(err))
	case stop != nil && stop.info.Mode.IsDir():
		c.refuse(key, "The proxy cannot reach the "+t.kind+" files", "The proxy runs as %s and may not enter %q on the way to %q. %s", proxy.Name, stop.path, t.root, c.remedy(stop, proxy))
	case !info.Mode.IsDir():
		c.refuse(key, t.called()+" files have no directory", "%q is a file. Write the directory.", t.root)
	default:
		c.sample(key, t, proxy)
	}
}

func (c *check) absent(key string, t servedDir) {
	if t.uploads || t.kind == internalFiles {
		c.warn(key, "The directory of "+t.content()+" is not there", "%q is not there. Run: install -d -o %s -m 755 %s", t.root, c.p.User, shell(t.root))
		return
	}
	c.warn(key, "Static files are not collected", "%q is not there. Run: sudo -u %s %s manage.py collectstatic (in %s)", t.root, c.p.User, shell(c.p.Python), shell(c.p.Dir))
}

// sampled is how many files of a directory stand for all of them.
const sampled = 20

// sample looks at some files: a strict umask at collectstatic makes all of them unreadable.
func (c *check) sample(key string, t servedDir, proxy Account) {
	names, _ := c.sys.List(t.root, sampled)
	for _, name := range names {
		file := filepath.Join(t.root, name)
		info, err := c.sys.Lstat(file)
		if err != nil || strings.HasPrefix(name, ".") {
			continue
		}
		need := uint16(mayRead)
		if info.Mode.IsDir() {
			need = maySearch
		}
		if (info.Mode.IsDir() || info.Mode.IsRegular()) && !info.allows(proxy, need) {
			c.warn(key, "The proxy cannot read some "+t.kind+" files", "The proxy runs as %s and may not read %q. %s", proxy.Name, file, c.readable(t, proxy))
			return
		}
	}
}

// readable is the command that lets the proxy read the files of a block.
func (c *check) readable(t servedDir, who Account) string {
	if !inside(t.real, c.p.Base) {
		return undecided
	}
	if t.kind == internalFiles {
		return "Run: setfacl -R -m u:" + who.Name + ":rX " + shell(t.real)
	}
	return "Run: chmod -R o+rX " + shell(t.real)
}

func (c *check) page(status, page string, proxy Account) {
	key := fmt.Sprintf("proxy.error_pages[%q]", status)
	if !c.showable(key, page) {
		return
	}
	info, stop, err := c.sys.reach(page, proxy, mayRead)
	switch {
	case err != nil:
		c.refuse(key, "An error page is not there", "%s. Create it, or remove the entry.", reason(err))
	case stop != nil:
		c.refuse(key, "The proxy cannot read an error page", "The proxy runs as %s and is stopped by %q on the way to %q. %s", proxy.Name, stop.path, page, c.remedy(stop, proxy))
	case !info.Mode.IsRegular():
		c.refuse(key, "An error page is no file", "%q is no regular file.", page)
	}
}
