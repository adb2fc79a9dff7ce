package project

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
)

// Found is what was found out about a project beside its file.
type Found struct {
	Owner   string // name of the root's owner, "" when it has none
	Group   string // name of the root's group
	Link    string // the symbolic link to the current release that root goes through, "" when there is none
	Current string // what Link leads to
	// Scale is what "sandwich scale" was told last: how many of what there should be.
	Scale Scale
	// Releases are the directories of releases that were deployed, newest first.
	Releases []string
	// Interpreter is the file that Python leads to through symbolic links, "" when it is itself.
	Interpreter string
	CPUs        int
	Layout      django.Layout
	Facts       *django.Facts // nil: the project was not asked, or did not answer
	// Unasked says why the project was not asked, as the end of a sentence: "only root may run it".
	// With neither Facts nor Unasked the project could not answer, which the caller has reported.
	Unasked string
}

// Complete fills what the file leaves open from what was found, and says for everything that was
// not found which attribute to write. It changes nothing of p: the completed Project is a new
// value. With mistakes the result is for further checks only.
func Complete(p *Project, found Found) (*Project, hcl.Diagnostics) {
	c := &completion{p: clone(p), found: found}
	c.release()
	c.dir()
	c.account()
	c.python()
	c.gunicornSettings()
	c.settings()
	c.app()
	c.workers()
	c.scale()
	c.statics()
	c.internals()
	c.writable()
	c.domains()
	c.earlier()
	c.unasked()
	return c.p, tidy(c.diags)
}

// completion is one Complete on its way.
type completion struct {
	p     *Project
	found Found
	diags hcl.Diagnostics
	open  []string // attributes that only the project could have told
}

func clone(p *Project) *Project {
	q := *p
	q.Domains, q.Needs, q.Admins, q.Writable = slices.Clone(p.Domains), slices.Clone(p.Needs), slices.Clone(p.Admins), slices.Clone(p.Writable)
	q.Command, q.Gunicorn.Args = slices.Clone(p.Command), slices.Clone(p.Gunicorn.Args)
	q.Environment, q.Credentials = maps.Clone(p.Environment), maps.Clone(p.Credentials)
	q.Statics, q.Internals, q.Redirects = slices.Clone(p.Statics), slices.Clone(p.Internals), slices.Clone(p.Redirects)
	q.Workers, q.Timers = slices.Clone(p.Workers), slices.Clone(p.Timers)
	q.Proxy.Stream, q.Proxy.Headers, q.Proxy.ErrorPages = slices.Clone(p.Proxy.Stream), maps.Clone(p.Proxy.Headers), maps.Clone(p.Proxy.ErrorPages)
	return &q
}

func (c *completion) refuse(key, summary, detail string) {
	c.diags = append(c.diags, refusal(summary, detail, c.p.Source.At(key)))
}

func (c *completion) warn(key, summary, detail string) {
	c.diags = append(c.diags, warning(summary, detail, c.p.Source.At(key)))
}

// ownCommand says whether the project starts itself: gunicorn and its application are not needed.
func (c *completion) ownCommand() bool { return c.p.Command != nil }

func (c *completion) dir() {
	c.p.Dir = cmp.Or(c.found.Layout.Dir, c.p.Root)
	if !c.found.Layout.Ambiguous() || c.p.Root == "" {
		return
	}
	c.p.Dir = c.p.Root
	shown := make([]string, 0, 5)
	for _, m := range c.found.Layout.Manage[:min(len(c.found.Layout.Manage), 5)] {
		shown = append(shown, quote(m))
	}
	c.refuse("root", "There is more than one Django project",
		fmt.Sprintf("Found %s. Make root the directory of one of them.", strings.Join(shown, ", ")))
}

// account takes the owner of the root, and its group when it is the owner's to give: a directory
// that root's group has says nothing about the project's.
func (c *completion) account() {
	c.p.User = cmp.Or(c.p.User, c.found.Owner)
	if c.found.Group != "root" && c.p.User == c.found.Owner {
		c.p.Group = cmp.Or(c.p.Group, c.found.Group)
	}
	if c.p.Root == "" || c.p.Source.States("user") {
		return
	}
	if c.p.User == "root" {
		c.refuse("root", "The project would run as root", fmt.Sprintf(
			"%s belongs to root and user is not stated. Write user with an account of the project's own (adduser --system --group %s), or give the files to it.", quote(c.p.Root), c.p.Name))
	}
	if c.p.User == "" {
		c.refuse("root", "The project's user is not known", "The owner of root has no name on this host. Write user.")
	}
}

func (c *completion) python() {
	c.p.Python = cmp.Or(c.p.Python, c.found.Layout.Python, django.SystemPython)
	c.p.Interpreter = c.found.Interpreter
}

// gunicornSettings finds the settings file that gunicorn reads when it is told of none.
func (c *completion) gunicornSettings() {
	if !c.p.Source.States("gunicorn.config") {
		c.p.Gunicorn.Config = c.found.Layout.Gunicorn
	}
}

func (c *completion) settings() {
	if serving := c.found.Layout.Serving; serving != "" && c.found.Layout.Settings != "" && !c.p.Source.States("settings") {
		c.warn("root", "Two settings modules are named", fmt.Sprintf(
			"manage.py names %q, which is taken; the server's entry point names %q. Write settings = %q if that is the one to serve with.",
			c.found.Layout.Settings, serving, serving))
	}
	c.p.Settings = cmp.Or(c.p.Settings, c.found.Layout.Settings)
	if c.p.Settings != "" || c.ownCommand() || c.p.Source.States("settings") || c.found.Layout.Ambiguous() || c.p.Root == "" {
		return
	}
	why := "There is a manage.py, but it names no settings module."
	if len(c.found.Layout.Manage) == 0 {
		why = "There is no manage.py in root or one level below it."
	}
	c.refuse("root", "The settings module is not known", why+` Write settings = "client_x.settings" with the project's own name.`)
}

// app chooses the application: WSGI before ASGI, unless the settings name an ASGI one only, or have
// channels, whose WebSockets only ASGI answers.
func (c *completion) app() {
	facts := c.facts()
	if c.p.App == "" && facts.Channels {
		c.p.App = facts.ASGI
	}
	if c.p.App == "" {
		c.p.App = cmp.Or(facts.WSGI, facts.ASGI, c.found.Layout.WSGI, c.found.Layout.ASGI)
	}
	c.p.ASGI = c.p.App != "" && c.isASGI(facts)
	if c.p.ASGI && !c.p.Source.States("gunicorn.worker_class") {
		c.p.Gunicorn.WorkerClass = uvicornWorker
	}
	if c.p.App == "" && !c.ownCommand() && !c.p.Source.States("app") && c.p.Settings != "" {
		c.missing("app", "The application is not known",
			`The settings have no WSGI_APPLICATION and there is no wsgi.py beside them. Write app = "client_x.wsgi:application".`)
	}
}

// uvicornWorker is what gunicorn runs an ASGI application with.
const uvicornWorker = "uvicorn.workers.UvicornWorker"

func (c *completion) isASGI(facts django.Facts) bool {
	module, _, _ := strings.Cut(c.p.App, ":")
	return c.p.App == facts.ASGI && c.p.App != facts.WSGI ||
		c.p.App == c.found.Layout.ASGI ||
		module == "asgi" || strings.HasSuffix(module, ".asgi") ||
		strings.Contains(strings.ToLower(c.p.Gunicorn.WorkerClass), "uvicorn")
}

func (c *completion) facts() django.Facts {
	if c.found.Facts == nil {
		return django.Facts{}
	}
	return *c.found.Facts
}

// missing reports what was not found. Without the project's own answer it is left to unasked.
func (c *completion) missing(attr, summary, detail string) {
	if c.found.Facts == nil {
		c.open = append(c.open, attr)
		return
	}
	c.refuse(attr, summary, detail)
}

// Unasked are the summaries of diagnostics that say no more than that the project was not asked.
var Unasked = []string{"Not everything about the project is known", "The project was not asked"}

// unasked says what is not known because the project was not asked. When it was asked in vain,
// why it did not answer has been told.
func (c *completion) unasked() {
	if c.found.Facts != nil || c.found.Unasked == "" || c.p.Root == "" {
		return
	}
	why := "The project itself was not asked: " + c.found.Unasked + "."
	if len(c.open) > 0 {
		c.refuse("root", Unasked[0],
			fmt.Sprintf("%s Write %s, or have it asked: sudo sandwich check %s", why, strings.Join(c.open, " and "), c.p.Name))
		return
	}
	c.warn("root", Unasked[1], why+" Its static files, media and the directories it writes to are known only as far as the file states them.")
}

// auto is gunicorn's own advice, 2 x CPUs + 1 (docs.gunicorn.org, "How Many Workers?"). That is
// for a project alone on its host: beyond maxAuto, memory is the reason to state a number.
const maxAuto = 12

func (c *completion) workers() {
	if c.p.Gunicorn.Workers > 0 {
		return
	}
	cpus := max(c.found.CPUs, 1)
	n := 2*cpus + 1
	unit := "CPUs"
	if cpus == 1 {
		unit = "CPU"
	}
	c.p.Gunicorn.Workers = min(n, maxAuto)
	c.p.Gunicorn.WorkersReason = fmt.Sprintf("%d %s: 2 x %d + 1", cpus, unit, cpus)
	if n > maxAuto {
		c.p.Gunicorn.WorkersReason += fmt.Sprintf(" = %d, at most %d", n, maxAuto)
	}
}

// writable is where the project writes, as far as its settings say: uploads, databases, caches, logs.
func (c *completion) writable() {
	if c.p.Source.States("writable") || c.found.Facts == nil {
		return
	}
	f := c.facts()
	candidates := slices.Concat([]string{f.MediaRoot}, f.SQLiteDirs, f.CacheDirs, f.LogDirs)
	for _, s := range c.p.Statics {
		if s.Uploads {
			candidates = append(candidates, s.Root)
		}
	}
	for _, i := range c.p.Internals {
		candidates = append(candidates, i.Root) // what only the application hands out, it has made as a rule
	}
	var kept []string
	for _, dir := range candidates {
		if dir != "" && !slices.Contains(systemDirs, filepath.Clean(dir)) {
			kept = append(kept, filepath.Clean(dir))
		}
	}
	slices.Sort(kept)
	c.p.Writable = slices.Compact(kept)
}
