package project

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

var update = flag.Bool("update", false, "write the golden files anew")

func load(t *testing.T, src string) (*Project, hcl.Diagnostics) {
	t.Helper()
	return Load("/etc/sandwich/projects/client-x.hcl", []byte(src), nil)
}

func mustLoad(t *testing.T, src string) *Project {
	t.Helper()
	p, diags := load(t, src)
	if diags.HasErrors() {
		t.Fatalf("mistakes in a file that has none:\n%s", shown("client-x.hcl", src, diags))
	}
	return p
}

// shown is diagnostics as a person sees them.
func shown(_ string, src string, diags hcl.Diagnostics) string {
	var out bytes.Buffer
	files := map[string]*hcl.File{"/etc/sandwich/projects/client-x.hcl": {Bytes: []byte(src)}}
	if err := hcl.NewDiagnosticTextWriter(&out, files, 100, false).WriteDiagnostics(diags); err != nil {
		return err.Error()
	}
	return out.String()
}

func read(t *testing.T, name string) string {
	t.Helper()
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

func TestTheWholeExampleLoads(t *testing.T) {
	p := mustLoad(t, read(t, "testdata/everything.hcl"))
	p.Source = nil
	want := &Project{
		Name: "client-x", File: "/etc/sandwich/projects/client-x.hcl", Root: "/srv/client-x",
		Domains: []string{"client-x.example", "www.client-x.example"}, User: "client-x", Group: "client-x",
		Python: "/srv/client-x/venv/bin/python", Settings: "client_x.settings.production", App: "client_x.wsgi:application",
		Command: []string{"/srv/client-x/bin/serve"}, Listen: "127.0.0.1:8001",
		Environment: map[string]string{"DJANGO_DEBUG": "0"}, EnvFile: "/etc/sandwich/client-x.env",
		Credentials: map[string]string{"secret_key": "/etc/sandwich/secrets/client-x"}, Needs: []string{"postgresql.service"},
		Writable: []string{"/srv/client-x/media", "/srv/client-x/db"}, Hardening: HardeningDefault, Admins: []string{"alice", "@client-x"}, Overlap: true,
		Gunicorn: Gunicorn{
			Threads: 1, WorkerClass: "sync", Timeout: 30 * time.Second, GracefulTimeout: 30 * time.Second,
			Config: "/srv/client-x/gunicorn.conf.py", Args: []string{},
		},
		Statics: []Static{
			{Prefix: "/static/", Root: "/srv/client-x/static", Domain: "media.client-x.example", MaxAge: time.Minute},
			{Prefix: "/media/", Root: "/srv/client-x/media", MaxAge: time.Minute, Uploads: true},
		},
		Internals: []Internal{{Prefix: "/protected/", Root: "/srv/client-x/private"}},
		Redirects: []Redirect{{From: "old.client-x.example", To: "https://client-x.example", Status: 301}},
		Proxy: Proxy{
			MaxBody: 25 << 20, Timeout: time.Minute, Hold: 30 * time.Second, BufferRequests: true, BufferResponses: true,
			Stream: []string{"/events/"}, Headers: map[string]string{"Referrer-Policy": "same-origin"},
			ErrorPages: map[string]string{"503": "/srv/client-x/503.html"}, Compress: true,
			AccessLog: "combined", RateLimits: []RateLimit{{Path: "/accounts/login/", Per: "ip", Count: 10, Period: time.Minute, Burst: 20}},
			Access: &Access{Allow: []string{"10.0.0.0/8"}, Deny: []string{"0.0.0.0/0"}, UserFile: "/etc/sandwich/client-x.htpasswd"},
		},
		Limits: Limits{Memory: "512M", MemoryHigh: "400M", CPU: "150%", IORead: "50M", IOWrite: "20M", Tasks: 256},
		TLS:    TLS{Mode: "auto", Email: "ops@client-x.example", CheckDNS: true},
		Workers: []Worker{{
			Name: "celery", Command: []string{"celery", "-A", "client_x", "worker"}, Count: 2, Kind: KindCelery,
			StopSignal: "SIGTERM", StopTimeout: 10 * time.Minute,
		}},
		Timers: []Timer{{
			Name: "clearsessions", Command: []string{"manage.py", "clearsessions"}, Calendar: "daily", Jitter: 10 * time.Minute, Persistent: true,
		}},
		Release: Release{Steps: [][]string{{"manage.py", "migrate", "--noinput"}, {"manage.py", "collectstatic", "--noinput"}}, Health: "/"},
		Idle:    Idle{After: 30 * time.Minute},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("loaded\n got %+v\nwant %+v", p, want)
	}
}

func TestAFileWithOnlyARootHasTheDefaults(t *testing.T) {
	p := mustLoad(t, `root = "/srv/client-x/"`)
	if p.Root != "/srv/client-x" || p.Gunicorn.Threads != 1 || p.Gunicorn.WorkerClass != "sync" ||
		p.Proxy.MaxBody != 25<<20 || p.Proxy.Timeout != time.Minute || p.Proxy.Hold != 30*time.Second ||
		!p.Proxy.BufferRequests || !p.Proxy.BufferResponses || p.Hardening != HardeningDefault {
		t.Errorf("defaults: %+v", p)
	}
}

func TestEachMistakeIsToldWithItsPlaceAndRemedy(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no files with mistakes", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src := read(t, file)
			_, diags := load(t, src)
			got := shown(file, src, diags)
			golden := strings.TrimSuffix(file, ".hcl") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); got != want {
				t.Errorf("told\n%s\nwant\n%s", got, want)
			}
			if len(diags) == 0 {
				t.Error("no mistake was found")
			}
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	_, diags := load(t, "root = \"x\"\ndomains = [\"http://a\", \"b:80\", \"ok.example\"]\nuser = \"root\"\ngunicorn {\n  workers = 0\n  thread = 2\n}\n")
	var lines []int
	for _, d := range diags {
		lines = append(lines, d.Subject.Start.Line)
	}
	if want := []int{1, 2, 2, 3, 5, 6}; !slices.Equal(lines, want) {
		t.Errorf("mistakes on lines %v, want %v:\n%v", lines, want, diags)
	}
}

func TestNamesThatAreNoProjectAreRefused(t *testing.T) {
	for _, name := range []string{"proxy", "", ".", "..", "-x", "x-", "a@b", "a b", "ünï", "A", "a.b", strings.Repeat("a", 49), "a\nb", "a%nb"} {
		if CheckName(name) == nil {
			t.Errorf("%q is a project name", name)
		}
		if _, diags := Load("/p/"+name+".hcl", []byte(`root = "/srv/x"`), nil); !diags.HasErrors() {
			t.Errorf("%q loads", name)
		}
	}
	for _, name := range []string{"a", "0", "client-x", "a--b", strings.Repeat("a", 48)} {
		if err := CheckName(name); err != nil {
			t.Error(err)
		}
	}
}

func TestNoControlCharacterGetsThroughAnyText(t *testing.T) {
	for _, bad := range []string{`\n`, `\r`, `\u0000`, `\u001b`, `\u007f`, `\u0085`, `\u2028`, `\t`} {
		for _, line := range []string{
			`root = "/srv/@"`, `domains = ["a@b.example"]`, `user = "a@"`, `python = "/p@"`, `settings = "a@"`, `app = "a:b@"`,
			`command = ["/x", "@"]`, `environment = { A = "@" }`, `environment = { "A@" = "" }`, `env_file = "/@"`,
			`credentials = { a = "/@" }`, `credentials = { "a@" = "/a" }`, `needs = ["a@.service"]`, `writable = ["/a@"]`,
			`listen = "127.0.0.1:1@"`, `gunicorn { args = ["@"] }`, `gunicorn { config = "@" }`, `gunicorn { worker_class = "a@" }`,
			`static "/a@/" { root = "/srv/files" }`, `static "/a/" { root = "/srv/@" }`, `redirect "a@" { to = "https://b.example" }`,
			`redirect "a.example" { to = "https://b.example/@" }`, `proxy { headers = { A = "@" } }`, `proxy { headers = { "A@" = "" } }`,
			`proxy { stream = ["/@"] }`, `proxy { error_pages = { "503" = "/@" } }`, `limits { memory = "1M@" }`, `limits { cpu = "1%@" }`,
			`worker "a@" { command = ["x"] }`, `worker "a" { command = ["x", "@"] }`, `worker "a" { command = ["x@"] }`,
			"timer \"a\" {\n command = [\"x\"]\n schedule = \"daily@\"\n}", "timer \"a\" {\n command = [\"x\", \"@\"]\n schedule = \"daily\"\n}",
			"timer \"a\" {\n command = [\"x\"]\n schedule = \"daily\"\n on_failure = [\"x\", \"@\"]\n}",
			`release { steps = [["x", "@"]] }`, `release { health = "/@" }`,
		} {
			src := strings.ReplaceAll(line, "@", bad)
			if !strings.HasPrefix(line, "root") {
				src = "root = \"/srv/x\"\n" + src
			}
			if _, diags := load(t, src); !diags.HasErrors() {
				t.Errorf("%s loads", src)
			}
		}
	}
}

func TestAnAddressOfADomainIsLowered(t *testing.T) {
	p := mustLoad(t, "root = \"/srv/x\"\ndomains = [\"Client-X.Example\"]")
	if !slices.Equal(p.Domains, []string{"client-x.example"}) {
		t.Error(p.Domains)
	}
	if _, diags := load(t, "root = \"/srv/x\"\ndomains = [\"Client-X.Example\", \"client-x.example\"]"); !diags.HasErrors() {
		t.Error("the same domain twice, in another case, loads")
	}
}

func TestInterpolationKnowsTheNameAndTheRoot(t *testing.T) {
	p := mustLoad(t, `
env_file = "/etc/sandwich/${name}.env"
static "/files/" { root = "${root}/files" }
root = "/srv/${name}"
`)
	if p.Root != "/srv/client-x" || p.EnvFile != "/etc/sandwich/client-x.env" || p.Statics[0].Root != "/srv/client-x/files" {
		t.Errorf("%+v", p)
	}
}

func TestTheProxyWaitsLongerThanAStatedGunicornTimeout(t *testing.T) {
	p := mustLoad(t, "root = \"/srv/x\"\ngunicorn {\n timeout = \"2m\"\n}")
	if p.Proxy.Timeout != 150*time.Second {
		t.Error(p.Proxy.Timeout)
	}
}

// canary is a host on which the environment and a file hold a secret.
func canary() *Host {
	h := DefaultHost()
	h.Outside = Outside{
		Env: func(name string) (string, bool) { return "hunter2 hunter2", name == "SECRET" },
		ReadFile: func(dir, name string, _ int64) ([]byte, bool, error) {
			if dir != "/etc/sandwich/projects" {
				return nil, false, errors.New("elsewhere")
			}
			return []byte("hunter2 hunter2\n"), name == "public", nil
		},
		Home: func(user string) (string, error) { return "/home/" + user, nil },
	}
	return h
}

func TestNoDiagnosticShowsASecret(t *testing.T) {
	for _, call := range []string{`env("SECRET")`, `file("secret")`, `"${env("SECRET")}"`, `"a ${file("secret")} b"`} {
		for _, line := range []string{
			"root = @", "domains = [@]", "domains = @", "user = @", "python = @", "settings = @", "app = @", "command = [@]", "listen = @",
			"environment = { A = @ }", "environment = { (@) = 1 }", "env_file = @", "credentials = { (@) = \"x\" }", "needs = [@, @]", "writable = [@]",
			"hardening = @", "gunicorn {\n workers = @\n}", "gunicorn {\n threads = @\n}", "gunicorn {\n preload = @\n}", "gunicorn {\n args = [@]\n}",
			"proxy {\n max_body = @\n}", "proxy {\n timeout = @\n}", "proxy {\n headers = { (@) = \"x\" }\n}", "proxy {\n headers = { X = @ }\n}",
			"redirect \"a.example\" {\n to = @\n}", "redirect \"a.example\" {\n status = @\n}", "limits {\n memory = @\n}", "limits {\n cpu = @\n}",
			"tls {\n mode = @\n}", "admins = [@]", "environment = { DJANGO_SETTINGS_MODULE = @ }", "domains = [@ + 1]", "domains = [{}[@]]", "user = {}[@]", "user = root[@]",
		} {
			src := strings.ReplaceAll(line, "@", call)
			if !strings.HasPrefix(line, "root") {
				src = "root = \"/srv/x\"\n" + src
			}
			_, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), canary())
			if out := shown("", src, diags); strings.Contains(out, "hunter2") {
				t.Errorf("%s\nshows the secret:\n%s", src, out)
			}
			for _, d := range diags {
				if d.EvalContext != nil || d.Expression != nil {
					t.Errorf("%s keeps its variables", d)
				}
			}
		}
	}
}

func TestASecretDoesNotGetIntoWhatEveryoneReads(t *testing.T) {
	for _, line := range []string{"environment = { A = @ }", "command = [\"/x\", @]", "gunicorn {\n args = [@]\n}", "proxy {\n headers = { X = @ }\n}", "worker \"a\" {\n command = [\"x\", @]\n}", "release {\n steps = [[\"x\", @]]\n}"} {
		for _, call := range []string{`env("SECRET")`, `file("secret")`} {
			src := "root = \"/srv/x\"\n" + strings.ReplaceAll(line, "@", call)
			if _, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), canary()); !diags.HasErrors() {
				t.Errorf("%s loads", src)
			}
		}
		for _, call := range []string{`env("OTHER", "x")`, `file("public")`} {
			src := "root = \"/srv/x\"\n" + strings.ReplaceAll(line, "@", call)
			if _, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), canary()); diags.HasErrors() {
				t.Error(diags)
			}
		}
	}
}

func TestFileReadsOnlyBesideTheProjectFilesAndBelowRoot(t *testing.T) {
	var asked []string
	h := canary()
	h.Outside.ReadFile = func(dir, name string, _ int64) ([]byte, bool, error) {
		asked = append(asked, dir+"|"+name)
		return []byte("x"), true, nil
	}
	for _, path := range []string{"/etc/shadow", "../../shadow", "/srv/x/../../etc/shadow", "/srv/xy/a", "/srv/x", "/etc/sandwich/projects", "", "a/../../b"} {
		src := "root = \"/srv/x\"\nuser = file(\"" + path + "\")"
		if _, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), h); !diags.HasErrors() {
			t.Errorf("file(%q) reads %v", path, asked)
		}
	}
	for _, path := range []string{"a", "/etc/sandwich/projects/b", "/srv/x/c"} {
		src := "root = \"/srv/x\"\nuser = file(\"" + path + "\")"
		if _, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), h); diags.HasErrors() {
			t.Error(diags)
		}
	}
	if want := []string{"/etc/sandwich/projects|a", "/etc/sandwich/projects|b", "/srv/x|c"}; !slices.Equal(asked, want) {
		t.Errorf("read %q, want %q", asked, want)
	}
}

func TestPathexpandKnowsHomes(t *testing.T) {
	p, diags := Load("/p/client-x.hcl", []byte(`root = pathexpand("~alice/site")`), canary())
	if diags.HasErrors() || p.Root != "/home/alice/site" {
		t.Error(p, diags)
	}
}

func TestLoadReachesForNothingByItself(t *testing.T) {
	for _, call := range []string{`env("HOME")`, `env("HOME", "x")`, `file("x")`, `pathexpand("~")`} {
		if _, diags := load(t, "root = \"/srv/x\"\nuser = "+call); !diags.HasErrors() {
			t.Errorf("%s gives something", call)
		}
	}
}

func TestWhatNoFileStatesHasThePlaceOfRoot(t *testing.T) {
	p := mustLoad(t, "# a remark\nroot = \"/srv/client-x\"\nuser = \"x\"\n")
	if at := p.Source.At("settings"); at.Start.Line != 2 {
		t.Errorf("settings are at %v", at)
	}
	if at := p.Source.At("user"); at.Start.Line != 3 {
		t.Errorf("user is at %v", at)
	}
	if at := NewSource("x.hcl", nil).At("user"); at.Start.Line != 1 {
		t.Errorf("without a root it is at %v", at)
	}
}
