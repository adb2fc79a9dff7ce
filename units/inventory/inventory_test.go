package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project/hostcheck"
)

// answers is a Runner that answers for each project by its directory, and counts.
type answers struct {
	mu    sync.Mutex
	asked []string
	say   map[string]string
}

func (a *answers) Run(_ context.Context, c django.Command) (django.Result, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := filepath.Base(c.Dir)
	a.asked = append(a.asked, name)
	const mark = "@@sandwich-answer@@"
	json, ok := a.say[name]
	if !ok {
		json = fmt.Sprintf(`{"django":"4.2","gunicorn":"23","wsgi":"x.wsgi.application","allowed_hosts":["%s.example"]}`, name)
	}
	return django.Result{Stdout: []byte(mark + json + mark)}, nil
}

// site is a host with project files and projects in a directory of its own.
type site struct {
	t    *testing.T
	dir  string
	runs *answers
	Options
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), runs: &answers{say: map[string]string{}}}
	s.Options = Options{ProjectsDir: filepath.Join(s.dir, "projects"), HostFile: filepath.Join(s.dir, "sandwich.hcl"), CPUs: 2, Run: s.runs, ProxyUser: "someone", System: system()}
	s.mkdir("projects")
	return s
}

// system is the real host, but that whoever runs the tests is an ordinary user.
func system() *hostcheck.System {
	sys := hostcheck.Real()
	sys.User = func(name string) (hostcheck.Account, error) {
		if name != "someone" {
			return hostcheck.Account{}, errors.New("unknown")
		}
		return hostcheck.Account{Name: name, UID: os.Getuid() + 1, Groups: []int{1}}, nil
	}
	sys.GroupID = func(string) (int, error) { return 1, nil }
	sys.UserName = func(int) string { return "someone" }
	sys.GroupName = func(int) string { return "someone" }
	lstat := sys.Lstat
	sys.Lstat = func(name string) (hostcheck.Info, error) {
		info, err := lstat(name)
		info.Mode |= 0o555
		return info, err
	}
	return sys
}

func (s *site) mkdir(name string) {
	if err := os.MkdirAll(filepath.Join(s.dir, name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) write(name, content string) {
	s.mkdir(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// project adds a Django project and its file.
func (s *site) project(name, more string) {
	s.write("srv/"+name+"/manage.py", "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x.settings')")
	s.write("projects/"+name+".hcl", fmt.Sprintf("root = %q\n%s", filepath.Join(s.dir, "srv", name), more))
}

func (s *site) read(names ...string) *Inventory {
	s.t.Helper()
	s.Names = names
	i, err := Read(s.t.Context(), s.Options)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func entry(t *testing.T, i *Inventory, name string) *Entry {
	t.Helper()
	for _, e := range i.Entries {
		if e.Name == name {
			return e
		}
	}
	t.Fatalf("there is no entry %s", name)
	return nil
}

func TestAllProjectsAreReadAndAsked(t *testing.T) {
	s := newSite(t)
	for n := range 9 {
		s.project(fmt.Sprintf("p%d", n), "")
	}
	s.write("projects/.hidden.hcl", "x")
	s.write("projects/notes.txt", "x")
	i := s.read()
	if len(i.Entries) != 9 || len(s.runs.asked) != 9 {
		t.Fatalf("%d projects, %d asked", len(i.Entries), len(s.runs.asked))
	}
	for _, e := range i.Entries {
		if e.Project == nil || !slices.Equal(e.Project.Domains, []string{e.Name + ".example"}) || e.Facts == nil || e.Err != nil {
			t.Errorf("%s: %v", e.Name, e.Diagnostics)
		}
	}
}

func TestAMistakeInOneProjectTouchesNoOther(t *testing.T) {
	s := newSite(t)
	s.project("good", "")
	s.project("bad", "user = \"root\"\n")
	s.write("projects/broken.hcl", "root = ")
	s.write("projects/Wrong.hcl", "root = \"/srv\"")
	s.runs.say["mute"] = "nothing"
	s.project("mute", "domains = [\"mute.example\"]")
	i := s.read()
	for _, e := range i.Entries {
		if (e.Project != nil) != (e.Name == "good") || e.Diagnostics.HasErrors() == (e.Name == "good") {
			t.Errorf("%s: %v", e.Name, e.Diagnostics)
		}
	}
	if diags := entry(t, i, "mute").Diagnostics; len(diags) != 1 || diags[0].Summary != "The project does not answer" {
		t.Errorf("mute: %v", diags)
	}
}

func TestTheInterpreterBehindAVirtualEnvironmentIsFound(t *testing.T) {
	s := newSite(t)
	s.write("home/alice/.local/share/uv/python/bin/python3.13", "")
	s.project("a", "")
	s.mkdir("srv/a/venv/bin")
	target := filepath.Join(s.dir, "home/alice/.local/share/uv/python/bin/python3.13")
	if err := os.Symlink(target, filepath.Join(s.dir, "srv/a/venv/bin/python")); err != nil {
		t.Fatal(err)
	}
	if draft := entry(t, s.read(), "a").Draft; draft.Interpreter != target {
		t.Errorf("python %q, interpreter %q", draft.Python, draft.Interpreter)
	}
}

func TestWhereAProjectReallyIsIsFound(t *testing.T) {
	s := newSite(t)
	s.project("a", "static \"/static/\" {\n  root = \"static\"\n}\n")
	s.mkdir("srv/a/assets")
	if err := os.Symlink("assets", filepath.Join(s.dir, "srv/a/static")); err != nil {
		t.Fatal(err)
	}
	draft := entry(t, s.read(), "a").Draft
	if base := filepath.Join(s.dir, "srv/a"); draft.Base != base || draft.Statics[0].Real != filepath.Join(base, "assets") {
		t.Errorf("base %q, files %q", draft.Base, draft.Statics[0].Real)
	}
}

func TestOnlyNamedProjectsAreAskedButAllHostNamesCount(t *testing.T) {
	s := newSite(t)
	s.project("a", "domains = [\"x.example\"]")
	s.project("b", "domains = [\"x.example\"]")
	s.runs.say["b"] = `{"django":"5.2","gunicorn":"23","wsgi":"x.wsgi.application","allowed_hosts":["x.example"]}`
	i := s.read("b")
	if len(i.Entries) != 1 || !slices.Equal(s.runs.asked, []string{"b"}) {
		t.Errorf("asked %q", s.runs.asked)
	}
	if e := i.Entries[0]; e.Project != nil || len(e.Diagnostics) != 1 || !strings.Contains(e.Diagnostics[0].Detail, "the project a ") {
		t.Error(e.Diagnostics)
	}
	s.Enabled = func(name string) bool { return name == "b" }
	if e := s.read("b").Entries[0]; e.Project == nil {
		t.Error(e.Diagnostics)
	}
}

func TestAHostNameThatIsServedForAnotherIsSaid(t *testing.T) {
	s := newSite(t)
	s.project("a", "") // its host name is in its settings only, so that whoever reads b does not know it
	s.project("b", "domains = [\"a.example\"]")
	s.runs.say["b"] = `{"django":"5.2","gunicorn":"23","wsgi":"x.wsgi.application","allowed_hosts":["a.example"]}`
	s.Served = func() map[string]string { return map[string]string{"a.example": "a", "c.example": "c"} }
	e := s.read("b").Entries[0]
	if e.Project != nil || len(e.Diagnostics) != 1 || e.Diagnostics[0].Subject.Start.Line != 2 || !strings.Contains(e.Diagnostics[0].Detail, "sandwich disable a") {
		t.Error(e.Diagnostics)
	}
	// A project that is read, too, goes by its file from now on.
	s.project("a", "domains = [\"new.example\"]")
	s.runs.say["a"] = `{"django":"5.2","gunicorn":"23","wsgi":"x.wsgi.application","allowed_hosts":["new.example"]}`
	if e := entry(t, s.read("a", "b"), "b"); e.Project == nil {
		t.Error(e.Diagnostics)
	}
	if e := s.read("a").Entries[0]; e.Project == nil {
		t.Error("its own name is held against a project:", e.Diagnostics)
	}
}

func TestAProjectWithoutAFileIsSaid(t *testing.T) {
	s := newSite(t)
	s.project("a", "")
	i := s.read("a", "none", "../etc/passwd", "a")
	if !slices.Equal(i.Missing(), []string{"../etc/passwd", "none"}) || len(i.Entries) != 3 {
		t.Errorf("missing %q", i.Missing())
	}
	if e := entry(t, i, "none"); !errors.Is(e.Err, ErrNoProject) || e.Project != nil || e.File == "" {
		t.Errorf("%+v", e)
	}
}

func TestMistakesOfTheFileAndOfTheProjectAreToldTogether(t *testing.T) {
	s := newSite(t)
	s.runs.say["a"] = `{"django":"4.2","gunicorn":"","wsgi":"x.wsgi.application"}`
	s.project("a", "proxy {\n  max_body = \"x\"\n}\nlimits {\n  cpu = \"x\"\n}\n")
	var summaries []string
	for _, d := range s.read().Entries[0].Diagnostics {
		summaries = append(summaries, d.Summary)
	}
	for _, want := range []string{"Invalid value for proxy.max_body", "Invalid value for limits.cpu", "The project has no domain", "The python has no gunicorn"} {
		if !slices.Contains(summaries, want) {
			t.Errorf("told %q, not %q", summaries, want)
		}
	}
}

func TestAProjectIsNotAskedWithWrongSurroundings(t *testing.T) {
	s := newSite(t)
	s.project("a", "environment = { \"1\" = \"x\" }")
	s.project("b", "env_file = \"/no/such/file\"")
	s.project("c", "python = \"/no/such/python\"")
	for _, e := range s.read().Entries {
		if len(e.Diagnostics) != 1 {
			t.Errorf("%s: %v", e.Name, e.Diagnostics)
		}
	}
	if len(s.runs.asked) > 0 {
		t.Errorf("asked %q", s.runs.asked)
	}
}

func TestWithoutARunnerWhatIsUnknownIsSaid(t *testing.T) {
	s := newSite(t)
	s.Run = nil
	s.project("a", "")
	s.project("b", "domains = [\"b.example\"]\napp = \"b.wsgi\"")
	i := s.read()
	if e := entry(t, i, "a"); e.Project != nil || !strings.Contains(e.Diagnostics[0].Detail, "only root may run it") {
		t.Error(e.Diagnostics)
	}
	if e := entry(t, i, "b"); e.Project == nil || len(e.Diagnostics) != 1 || e.Diagnostics[0].Severity != hcl.DiagWarning {
		t.Error(e.Diagnostics)
	}
}

func TestTheHostFileReachesEveryProject(t *testing.T) {
	s := newSite(t)
	s.project("a", "")
	s.write("sandwich.hcl", "defaults {\n  gunicorn {\n    workers = 3\n  }\n}\n")
	if e := s.read().Entries[0]; e.Project == nil || e.Project.Gunicorn.Workers != 3 {
		t.Error(e.Diagnostics)
	}
	s.write("sandwich.hcl", "defaults {\n  user = \"root\"\n}\n")
	i := s.read()
	if !i.HostDiagnostics.HasErrors() || i.Entries[0].Project != nil {
		t.Errorf("%+v", i.Entries[0])
	}
	if got := len(i.Diagnostics()); got != 1 {
		t.Errorf("%d mistakes are told: %v", got, i.Diagnostics())
	}
}

func TestFilesThatCannotBeTrustedOrReadAreRefused(t *testing.T) {
	s := newSite(t)
	s.project("open", "")
	if err := os.Chmod(filepath.Join(s.dir, "projects/open.hcl"), 0o666); err != nil {
		t.Fatal(err)
	}
	s.project("gone", "")
	if err := os.Remove(filepath.Join(s.dir, "projects/gone.hcl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/no/such/file", filepath.Join(s.dir, "projects/gone.hcl")); err != nil {
		t.Fatal(err)
	}
	for _, e := range s.read().Entries {
		if e.Project != nil || len(e.Diagnostics) != 1 || e.Diagnostics[0].Summary != "The file cannot be read" {
			t.Errorf("%s: %v", e.Name, e.Diagnostics)
		}
	}
}

func TestFileFunctionStaysInItsDirectory(t *testing.T) {
	s := newSite(t)
	s.write("projects/user", "someone\n")
	s.write("elsewhere", "someone\n")
	if err := os.Symlink("../elsewhere", filepath.Join(s.dir, "projects/link")); err != nil {
		t.Fatal(err)
	}
	s.project("a", `user = file("user")`)
	s.project("b", `user = file("link")`)
	i := s.read()
	if e := entry(t, i, "a"); e.Project == nil || e.Project.User != "someone" {
		t.Error(e.Diagnostics)
	}
	if e := entry(t, i, "b"); e.Project != nil {
		t.Error("a symbolic link leads out of the directory")
	}
}

func TestMistakesCanBePrintedWithTheirLines(t *testing.T) {
	s := newSite(t)
	s.project("a", "user = \"root\"")
	i := s.read()
	var out bytes.Buffer
	if err := hcl.NewDiagnosticTextWriter(&out, i.Files(), 80, false).WriteDiagnostics(i.Diagnostics()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `2: user = "root"`) {
		t.Error(out.String())
	}
}

func TestAnEndedContextEndsReading(t *testing.T) {
	s := newSite(t)
	s.project("a", "")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, s.Options); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAHostWithoutProjectsIsEmpty(t *testing.T) {
	if i, err := Read(t.Context(), Options{ProjectsDir: filepath.Join(t.TempDir(), "none")}); err != nil || len(i.Entries) > 0 {
		t.Error(i, err)
	}
}
