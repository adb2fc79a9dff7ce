package units

import (
	"time"

	"sandwich/units/project"
)

// minimal is a project of which the file states nothing but its root.
func minimal(name string) *project.Project {
	return &project.Project{
		Name:      name,
		File:      "/etc/sandwich/projects/" + name + ".hcl",
		Root:      "/srv/" + name,
		Dir:       "/srv/" + name,
		Domains:   []string{name + ".example"},
		User:      name,
		Group:     name,
		Python:    "/usr/bin/python3",
		Settings:  "mysite.settings",
		App:       "mysite.wsgi:application",
		Hardening: project.HardeningDefault,
		Overlap:   true,
		Release:   project.Release{Health: "/"},
		Gunicorn: project.Gunicorn{
			Workers:         3,
			WorkersReason:   "2 processors",
			Threads:         1,
			WorkerClass:     "sync",
			Timeout:         30 * time.Second,
			GracefulTimeout: 30 * time.Second,
		},
		Proxy: project.Proxy{
			MaxBody:         25 << 20,
			Timeout:         60 * time.Second,
			Hold:            30 * time.Second,
			BufferRequests:  true,
			BufferResponses: true,
		},
	}
}

// cases are the projects whose units stand in testdata. The version is the systemd they are for:
// those for 252 are read by later ones too.
var cases = []struct {
	name    string
	version int
	project func() *project.Project
}{
	{"minimal", 257, func() *project.Project { return minimal("minimal") }},
	{"minimal-252", 252, func() *project.Project { return minimal("minimal-252") }},
	{"everything", 252, everything},
	{"home", 252, home},
	{"uv", 252, uv},
	{"tcp", 252, tcp},
	{"command", 257, command},
	{"command-249", 249, command},
	{"asgi", 252, asgi},
	{"strict", 252, strict},
	{"off", 252, off},
	{"jobs", 252, jobs},
	{"jobs-257", 257, jobs},
	{"release", 252, release},
	{"release-home", 252, releaseHome},
	{"guarded", 252, guarded},
	{"hostile", 252, hostile},
}

func everything() *project.Project {
	p := minimal("client-x")
	p.Root, p.Dir = "/srv/client-x", "/srv/client-x/src"
	p.Domains = []string{"client-x.example", "www.client-x.example"}
	p.Python = "/srv/client-x/venv/bin/python"
	p.Environment = map[string]string{"DJANGO_DEBUG": "0", "CACHE_URL": "redis://localhost/1"}
	p.EnvFile = "/etc/sandwich/client-x.env"
	p.Credentials = map[string]string{"secret_key": "/etc/sandwich/secrets/client-x", "api.token": "/etc/sandwich/secrets/token"}
	p.Needs = []string{"postgresql.service", "redis-server.service"}
	p.Writable = []string{"/srv/client-x/media", "/srv/client-x/db"}
	p.Gunicorn = project.Gunicorn{
		Workers:           4,
		Threads:           8,
		WorkerClass:       "gthread",
		Timeout:           90 * time.Second,
		GracefulTimeout:   45 * time.Second,
		MaxRequests:       1000,
		MaxRequestsJitter: 50,
		Preload:           true,
		Config:            "/srv/client-x/src/gunicorn.conf.py",
		Args:              []string{"--log-level", "debug"},
	}
	p.Statics = []project.Static{
		{Prefix: "/static/", Root: "/srv/client-x/static", Real: "/data/client-x/static", Domain: "media.client-x.example", MaxAge: time.Minute},
		{Prefix: "/media/", Root: "/srv/client-x/media", Real: "/srv/client-x", Uploads: true},
	}
	p.Statics[0].Index, p.Statics[0].Earlier = true, []string{"/srv/client-x/releases/1/static"}
	p.Internals = []project.Internal{{Prefix: "/protected/", Root: "/srv/client-x/private", Real: "/data/private"}}
	p.Base = "/srv/client-x"
	p.Redirects = []project.Redirect{{From: "old.client-x.example", To: "https://client-x.example", Status: 301}}
	p.Proxy.InFlight = 100
	p.Proxy.Stream = []string{"/events/"}
	p.Proxy.Headers = map[string]string{"Referrer-Policy": "same-origin"}
	p.Proxy.ErrorPages = map[string]string{"503": "/srv/client-x/503.html"}
	p.Proxy.PagesReal = []string{"/etc/sandwich/503.html"}
	p.Proxy.Compress, p.Proxy.CompressSecrets = true, true
	p.Limits = project.Limits{Memory: "512M", MemoryHigh: "400M", CPU: "150%", IORead: "50M", IOWrite: "20M", Tasks: 256}
	return p
}

// home is a project in its developer's home directory, with an interpreter that lives there too.
func home() *project.Project {
	p := minimal("home")
	p.Root, p.Dir = "/home/alice/site", "/home/alice/site"
	p.User, p.Group = "alice", "alice"
	p.Python = "/home/alice/venvs/site/bin/python"
	p.Writable = []string{"/home/alice/site/db", "/home/alice/uploads"}
	p.Statics = []project.Static{{Prefix: "/media/", Root: "/home/alice/uploads", Uploads: true}}
	return p
}

// uv has its virtual environment beside the code and the python behind it in somebody's home.
func uv() *project.Project {
	p := minimal("uv")
	p.Python = "/srv/uv/.venv/bin/python"
	p.Interpreter = "/home/deploy/.local/share/uv/python/cpython-3.13/bin/python3.13"
	return p
}

func tcp() *project.Project {
	p := minimal("tcp")
	p.Listen = "127.0.0.1:8001"
	return p
}

func command() *project.Project {
	p := minimal("command")
	p.Python = "/srv/command/venv/bin/python"
	p.Command = []string{"granian", "--interface", "wsgi", "mysite.wsgi"}
	return p
}

func asgi() *project.Project {
	p := minimal("asgi")
	p.App, p.ASGI = "mysite.asgi:application", true
	p.Gunicorn.WorkerClass = "uvicorn.workers.UvicornWorker"
	return p
}

func strict() *project.Project {
	p := minimal("strict")
	p.Hardening = project.HardeningStrict
	p.Writable = []string{"/srv/strict/db"}
	return p
}

func off() *project.Project {
	p := minimal("off")
	p.Hardening = project.HardeningOff
	p.Overlap = false
	return p
}

// jobs runs each kind of worker and of schedule beside its web service.
func jobs() *project.Project {
	p := minimal("jobs")
	p.Python = "/srv/jobs/venv/bin/python"
	p.Needs = []string{"redis-server.service"}
	p.Limits = project.Limits{Memory: "512M"}
	p.Environment = map[string]string{"BROKER": "redis://localhost/1"}
	p.Workers = []project.Worker{
		{Name: "celery", Command: []string{"celery", "-A", "mysite", "worker"}, Count: 2, Kind: project.KindCelery, StopSignal: "SIGTERM", StopTimeout: 10 * time.Minute},
		{Name: "huey", Command: []string{"manage.py", "run_huey"}, Count: 1, Kind: project.KindHuey, StopSignal: "SIGINT", StopTimeout: 10 * time.Minute},
		{Name: "mail", Command: []string{"bin/mail", "--fast"}, Count: 0, Kind: project.KindPlain, StopSignal: "SIGTERM", StopTimeout: 30 * time.Second},
	}
	p.Timers = []project.Timer{
		{Name: "clearsessions", Command: []string{"manage.py", "clearsessions"}, Calendar: "daily", Jitter: 10 * time.Minute, Persistent: true},
		{Name: "poll", Command: []string{"fetch"}, Every: 5 * time.Minute, Timeout: time.Minute, OnFailure: []string{"/usr/bin/logger", "poll failed"}},
	}
	return p
}

// release has its code in releases, one of which a link leads to.
func release() *project.Project {
	p := minimal("release")
	p.Root, p.Dir = "/srv/release/current", "/srv/release/current/src"
	p.Link, p.Current = "/srv/release/current", "/srv/release/releases/41"
	p.Python = "/srv/release/current/venv/bin/python"
	p.EnvFile = "/etc/sandwich/release.env"
	p.Writable = []string{"/srv/release/shared/media"}
	p.Hardening = project.HardeningStrict
	p.Gunicorn.Config = "/srv/release/current/src/gunicorn.conf.py"
	p.Release = project.Release{
		Steps:  [][]string{{"manage.py", "migrate", "--noinput"}, {"manage.py", "collectstatic", "--noinput"}, {"npm", "run", "build"}},
		Health: "/health/",
	}
	p.Workers = []project.Worker{{Name: "celery", Command: []string{"celery", "-A", "mysite", "worker"}, Count: 1, Kind: project.KindCelery, StopSignal: "SIGTERM", StopTimeout: time.Minute}}
	p.Timers = []project.Timer{{Name: "night", Command: []string{"manage.py", "clearsessions"}, Calendar: "daily"}}
	return p
}

// releaseHome has its releases in a home, and a command of its own in place of gunicorn.
func releaseHome() *project.Project {
	p := minimal("release-home")
	p.Root, p.Dir = "/home/alice/site/current", "/home/alice/site/current"
	p.Link, p.Current = "/home/alice/site/current", "/home/alice/site/releases/41"
	p.User, p.Group = "alice", "alice"
	p.Python = "/home/alice/site/venv/bin/python"
	p.Command = []string{"granian", "--interface", "wsgi", "mysite.wsgi"}
	return p
}

// guarded keeps its env_file where its user can put another in its place.
func guarded() *project.Project {
	p := minimal("guarded")
	p.EnvFile, p.EnvGuarded = "/srv/guarded/100% $X/.env", true
	p.Group = ""
	p.Release.Steps = [][]string{{"manage.py", "migrate"}}
	p.Workers = []project.Worker{{Name: "celery", Command: []string{"celery", "-A", "mysite", "worker"}, Count: 1, Kind: project.KindCelery, StopSignal: "SIGTERM", StopTimeout: time.Minute}}
	p.Timers = []project.Timer{{Name: "night", Command: []string{"manage.py", "clearsessions"}, Calendar: "daily", OnFailure: []string{"manage.py", "tell"}}}
	return p
}

// hostile has in every field what would break out of it if it were not quoted.
func hostile() *project.Project {
	p := minimal("hostile")
	p.File = `/etc/sandwich/projects/%n "x" #.hcl`
	p.Root, p.Dir = `/srv/a b%n$HOME#;'`, `/srv/a b%n$HOME#;'/it"s\`+`x`
	p.Python = `/srv/${HOME} %n/bin/python`
	p.Settings = `mysite.settings" "X=y`
	p.App = `mysite.wsgi:make("$HOME ${HOME} $$ %n ; \x41")`
	p.Environment = map[string]string{
		"QUOTES":    `a"b'c\d`,
		"LINES":     "one\nExecStart=/bin/false\r\n[Service]\n",
		"PERCENT":   "p%40ss%n%H%%",
		"DOLLAR":    "$HOME ${HOME} $$",
		"SEPARATOR": "; # a=b",
		"CONTINUED": `ends in \`,
		"UNICODE":   "naïve ☃ 🥪 \u2028",
		"EMPTY":     "",
		"BLANK":     " \t ",
	}
	p.EnvFile = `/etc/sandwich/*[x]?\ %n.env`
	p.Credentials = map[string]string{"key": `/etc/sandwich/secrets/a b:c%n"`}
	p.Needs = []string{`dev-disk-by\x2dlabel-x.device`, "foo@bar.service"}
	p.Writable = []string{`/srv/a b%n$HOME#;'/db "1"`, `/home/a:b\c`}
	p.Gunicorn.Config = `/srv/a b%n$HOME#;'/conf.py`
	p.Gunicorn.Args = []string{"", ";", "--env", `A=b c"'\`, "-x", "@x", "${X}", "\t\n", "~root"}
	p.Workers = []project.Worker{{Name: "w", Command: []string{"/srv/a b%n$HOME/run", "%i", "$HOME", "\nExecStart=/bin/false"}, Count: 1, StopSignal: "SIGTERM", StopTimeout: time.Second}}
	p.Timers = []project.Timer{{Name: "t", Command: []string{"manage.py", `"`, ";"}, Calendar: "Mon *-*-* 06:30", OnFailure: []string{"manage.py", "%n"}}}
	p.Release.Steps = [][]string{{"/srv/a b%n$HOME/build", "%n", "$HOME", "\nExecStart=/bin/false"}}
	return p
}
