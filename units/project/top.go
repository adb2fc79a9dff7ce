package project

import (
	"time"

	"github.com/hashicorp/hcl/v2"
)

// top is the top level of a project file.
var top = kind{
	attrs:  names(topSettings),
	blocks: blocks,
	decode: decodeTop,
}

var blocks = []kind{
	{name: "gunicorn", attrs: names(gunicornSettings), decode: decodeGunicorn},
	{name: "static", label: "prefix", attrs: names(staticSettings), decode: decodeStatic},
	{name: "internal", label: "prefix", attrs: names(internalSettings), decode: decodeInternal},
	{name: "proxy", attrs: names(proxySettings), blocks: proxyBlocks, decode: decodeProxy},
	{name: "redirect", label: "host", attrs: names(redirectSettings), decode: decodeRedirect},
	{name: "tls", attrs: names(tlsSettings), blocks: tlsBlocks, decode: decodeTLS},
	{name: "idle", attrs: names(idleSettings), decode: decodeIdle},
	{name: "limits", attrs: names(limitSettings), decode: decodeLimits},
	{name: "worker", label: "name", attrs: names(workerSettings), decode: decodeWorker},
	{name: "timer", label: "name", attrs: names(timerSettings), decode: decodeTimer},
	{name: "release", attrs: names(releaseSettings), decode: decodeRelease},
}

// topSettings begins with root, which the others may refer to.
var topSettings = []setting[Project]{
	{"root", readRoot},
	{"domains", list(func(p *Project) *[]string { return &p.Domains }, hostName, unique)},
	{"user", text(func(p *Project) *string { return &p.User }, account)},
	{"group", text(func(p *Project) *string { return &p.Group }, account)},
	{"python", text(func(p *Project) *string { return &p.Python }, path)},
	{"settings", text(func(p *Project) *string { return &p.Settings }, module)},
	{"app", text(func(p *Project) *string { return &p.App }, callable)},
	{"command", readCommand},
	{"listen", text(func(p *Project) *string { return &p.Listen }, listenAddress)},
	{"environment", table(func(p *Project) *map[string]string { return &p.Environment }, variable, anything, open)},
	{"env_file", text(func(p *Project) *string { return &p.EnvFile }, path)},
	{"credentials", table(func(p *Project) *map[string]string { return &p.Credentials }, credential, path)},
	{"needs", list(func(p *Project) *[]string { return &p.Needs }, unitName, unique)},
	{"writable", list(func(p *Project) *[]string { return &p.Writable }, writable, unique)},
	{"admins", list(func(p *Project) *[]string { return &p.Admins }, admin, unique)},
	{"permit", list(func(p *Project) *[]string { return &p.Permit }, oneOf(PermitNeighbours), unique)},
	{"overlap", boolean(func(p *Project) *bool { return &p.Overlap })},
	{"hardening", text(func(p *Project) *string { return (*string)(&p.Hardening) }, oneOf("default", "strict", "off"))},
}

func decodeTop(d *decoder, g *group) {
	if _, ok := g.attrs["root"]; !ok {
		d.rootless(&g.at)
	}
	fill(d, g, topSettings, d.p)
}

// readRoot reads the root, which has to be absolute: there is nothing it could be relative to.
func readRoot(v value, p *Project) {
	told := len(v.d.diags)
	it, ok := v.text()
	if !ok {
		if len(v.d.diags) == told {
			v.d.rootless(&v.attr.Range)
		}
		return
	}
	if clean, ok := v.checked(it, absolute); ok {
		p.Root = clean
		v.d.setRoot(clean)
	}
}

func (d *decoder) rootless(at *hcl.Range) {
	if !d.scene.trial {
		d.refuse(at, "root is not stated", `Write where the project is: root = "/srv/`+d.p.Name+`".`)
	}
}

// readCommand reads the command that replaces gunicorn. Its first word is a program: with a slash
// in it, it is relative to the root.
func readCommand(v value, p *Project) {
	list(func(p *Project) *[]string { return &p.Command }, anything, open)(v, p)
	if p.Command == nil {
		return
	}
	if len(p.Command) == 0 || p.Command[0] == "" {
		at := v.attr.Expr.Range()
		v.d.refuse(&at, "command is empty", "Write the program and its arguments, or remove the attribute to have gunicorn.")
		p.Command = nil
		return
	}
	p.Command[0] = program(p.Root, p.Command[0])
}

// builtIn is a Project with the defaults that depend on nothing. What follows gunicorn or nginx:
// gunicorn's own threads, timeout, graceful_timeout and worker class; nginx's 60 s for an answer.
func builtIn() *Project {
	return &Project{
		Hardening: HardeningDefault,
		Overlap:   true,
		Release:   Release{Health: "/"},
		Gunicorn:  Gunicorn{Threads: 1, WorkerClass: "sync", Timeout: 30 * time.Second, GracefulTimeout: 30 * time.Second},
		Proxy: Proxy{
			MaxBody: 25 << 20, Timeout: 60 * time.Second, Hold: 30 * time.Second,
			BufferRequests: true, BufferResponses: true, Compress: true,
			AccessLog: "combined",
		},
		TLS: TLS{Mode: "auto", CheckDNS: true},
	}
}
