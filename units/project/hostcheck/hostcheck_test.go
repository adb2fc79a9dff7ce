package hostcheck

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project"
)

// node is a file of a fake tree: "d" or "-" or a link, its mode, and whose it is.
type node struct {
	mode     fs.FileMode
	uid, gid int
	link     string
	acl      []Entry
	content  string
}

// tree is a fake host: files by path, and these accounts: alice 1000, sandwich-proxy 990 (with the
// group web, 33), toor 0.
type tree map[string]node

func (t tree) system() *System {
	notThere := func(op, name string) error { return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist} }
	accounts := map[string]Account{
		"alice": {"alice", 1000, []int{1000}}, "sandwich-proxy": {"sandwich-proxy", 990, []int{990, 33}}, "toor": {"toor", 0, []int{0}},
	}
	groups := map[string]int{"alice": 1000, "web": 33, "wheel": 0}
	return &System{
		Lstat: func(name string) (Info, error) {
			n, ok := t[name]
			if !ok {
				return Info{}, notThere("lstat", name)
			}
			return Info{n.mode, n.uid, n.gid, n.acl}, nil
		},
		ReadFile: func(name string) ([]byte, error) {
			if n, ok := t[name]; ok && n.content != "" {
				return []byte(n.content), nil
			}
			return nil, notThere("open", name)
		},
		Now:      func() time.Time { return time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC) },
		Readlink: func(name string) (string, error) { return t[name].link, nil },
		List: func(dir string, most int) (names []string, err error) {
			for name := range t {
				if path.Dir(name) == dir && name != dir {
					names = append(names, path.Base(name))
				}
			}
			return names[:min(most, len(names))], nil
		},
		User: func(name string) (Account, error) {
			if a, ok := accounts[name]; ok {
				return a, nil
			}
			return Account{}, errors.New("unknown user")
		},
		GroupID: func(name string) (int, error) {
			if id, ok := groups[name]; ok {
				return id, nil
			}
			return 0, errors.New("unknown group")
		},
		UserName:  func(uid int) string { return map[int]string{0: "root", 1000: "alice"}[uid] },
		GroupName: func(gid int) string { return map[int]string{0: "root", 1000: "alice"}[gid] },
	}
}

func dir(mode fs.FileMode, uid, gid int) node {
	return node{mode: fs.ModeDir | mode, uid: uid, gid: gid}
}
func file(mode fs.FileMode, uid int) node { return node{mode: mode, uid: uid, gid: uid} }
func link(to string) node                 { return node{mode: fs.ModeSymlink | 0o777, link: to} }

// alices is a link that she can change.
func alices(to string) node {
	return node{mode: fs.ModeSymlink | 0o777, uid: 1000, gid: 1000, link: to}
}

// common is a project in order.
func common() tree {
	return tree{
		"/": dir(0o755, 0, 0), "/home": dir(0o755, 0, 0), "/home/alice": dir(0o755, 1000, 1000), "/home/alice/site": dir(0o755, 1000, 1000),
		"/home/alice/site/venv": dir(0o755, 1000, 1000), "/home/alice/site/venv/bin": dir(0o755, 1000, 1000),
		"/home/alice/site/venv/bin/python": link("python3"), "/home/alice/site/venv/bin/python3": link("/usr/bin/python3"),
		"/usr": dir(0o755, 0, 0), "/usr/bin": dir(0o755, 0, 0), "/usr/bin/python3": file(0o755, 0),
		"/home/alice/site/static": dir(0o755, 1000, 1000), "/home/alice/site/static/a.css": file(0o644, 1000),
		"/home/alice/site/media": dir(0o755, 1000, 1000), "/home/alice/site/503.html": file(0o644, 1000),
		"/home/alice/site/private": dir(0o755, 1000, 1000), "/home/alice/site/private/a.pdf": file(0o644, 1000),
		"/home/alice/site/gunicorn.conf.py": file(0o644, 1000), "/home/alice/site/serve": file(0o755, 1000),
		"/etc": dir(0o755, 0, 0), "/etc/secret": file(0o600, 0),
	}
}

const stated = `root = "/home/alice/site"
user = "alice"
group = "alice"
python = "venv/bin/python"
env_file = "/etc/secret"
credentials = { key = "/etc/secret" }
writable = ["media"]
gunicorn {
  config = "gunicorn.conf.py"
}
static "/static/" {
  root = "static"
}
static "/media/" {
  root    = "media"
  uploads = true
}
proxy {
  error_pages = { "503" = "503.html" }
}
internal "/protected/" {
  root = "private"
}
`

func facts() *django.Facts {
	return &django.Facts{Python: "3.13.5", Django: "5.2.1", Gunicorn: "23.0.0"}
}

func looked(t *testing.T, src string, files tree, f *django.Facts) hcl.Diagnostics {
	t.Helper()
	p, diags := project.Load("/etc/sandwich/projects/site.hcl", []byte(src), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.Dir = p.Root
	Locate(p, files.system())
	return append(Basics(p, files.system()), Rest(p, f, files.system(), "sandwich-proxy")...)
}

func TestAProjectInOrderHasNoMistakes(t *testing.T) {
	if diags := looked(t, stated, common(), facts()); len(diags) > 0 {
		t.Error(diags)
	}
}

func TestEachMistakeOfAHostHasItsPlaceAndRemedy(t *testing.T) {
	blockedHome := dir(0o700, 1000, 1000)
	for name, test := range map[string]struct {
		change func(tree, *django.Facts)
		line   int
		want   string
	}{
		"no root":         {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site") }, 1, "There is no directory"},
		"root is a file":  {func(t tree, _ *django.Facts) { t["/home/alice/site"] = file(0o644, 0) }, 1, "is a file"},
		"root is a link":  {func(t tree, _ *django.Facts) { t["/home/alice/site"] = link("site") }, 1, "too many symbolic links"},
		"no python":       {func(t tree, _ *django.Facts) { delete(t, "/usr/bin/python3") }, 4, "python3 -m venv /home/alice/site/venv"},
		"dead python":     {func(t tree, _ *django.Facts) { t["/usr/bin/python3"] = file(0o644, 0) }, 4, "chmod +x"},
		"no env_file":     {func(t tree, _ *django.Facts) { delete(t, "/etc/secret") }, 5, `"/etc/secret" of env_file is not there`},
		"open env_file":   {func(t tree, _ *django.Facts) { t["/etc/secret"] = file(0o644, 0) }, 5, "chmod 600 /etc/secret"},
		"changed secret":  {func(t tree, _ *django.Facts) { t["/etc/secret"] = file(0o602, 0) }, 5, "written by every user"},
		"pipe":            {func(t tree, _ *django.Facts) { t["/etc/secret"] = node{mode: fs.ModeNamedPipe | 0o600} }, 5, "no regular file"},
		"home is closed":  {func(t tree, _ *django.Facts) { t["/home/alice"] = blockedHome }, 12, "for the administrator to decide"},
		"static is":       {func(t tree, _ *django.Facts) { t["/home/alice/site/static"] = blockedHome }, 12, "chmod o+x /home/alice/site/static (or, for this account alone: setfacl -m u:sandwich-proxy:x /home/alice/site/static)"},
		"static absent":   {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site/static") }, 12, "sudo -u alice /home/alice/site/venv/bin/python manage.py collectstatic (in /home/alice/site)"},
		"static file":     {func(t tree, _ *django.Facts) { t["/home/alice/site/static"] = file(0o644, 0) }, 12, "Write the directory"},
		"unreadable file": {func(t tree, _ *django.Facts) { t["/home/alice/site/static/a.css"] = file(0o600, 1000) }, 12, "chmod -R o+rX /home/alice/site/static"},
		"media absent":    {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site/media") }, 15, "install -d -o alice -m 755"},
		"not writable":    {func(t tree, _ *django.Facts) { t["/home/alice/site/media"] = dir(0o755, 0, 0) }, 7, "setfacl -m u:alice:rwX /home/alice/site/media"},
		"no config":       {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site/gunicorn.conf.py") }, 9, "relative to root"},
		"no page":         {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site/503.html") }, 19, "Create it"},
		"closed page":     {func(t tree, _ *django.Facts) { t["/home/alice/site/503.html"] = file(0o600, 1000) }, 19, "chmod o+rX"},
		"page elsewhere":  {func(t tree, _ *django.Facts) { t["/home/alice/site/503.html"] = alices("/etc/secret") }, 19, "outside the project"},
		"private is":      {func(t tree, _ *django.Facts) { t["/home/alice/site/private"] = blockedHome }, 22, "may not enter"},
		"private absent":  {func(t tree, _ *django.Facts) { delete(t, "/home/alice/site/private") }, 22, "install -d -o alice -m 755 /home/alice/site/private"},
		"private file":    {func(t tree, _ *django.Facts) { t["/home/alice/site/private/a.pdf"] = file(0o600, 1000) }, 22, "setfacl -R -m u:sandwich-proxy:rX /home/alice/site/private"},
		"private stolen":  {func(t tree, _ *django.Facts) { t["/home/alice/site/private"] = alices("/etc") }, 22, "never served"},
		"no gunicorn":     {func(_ tree, f *django.Facts) { f.Gunicorn = "" }, 4, "/home/alice/site/venv/bin/python -m pip install gunicorn"},
		"debug":           {func(_ tree, f *django.Facts) { f.Debug = true }, 1, "DEBUG = False"},
	} {
		t.Run(name, func(t *testing.T) {
			files, f := common(), facts()
			test.change(files, f)
			diags := looked(t, stated, files, f)
			if !slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool {
				return d.Subject.Start.Line == test.line && strings.Contains(d.Detail, test.want)
			}) {
				t.Errorf("told %q %v, want line %d: %s", details(diags), diags, test.line, test.want)
			}
		})
	}
}

func details(diags hcl.Diagnostics) (all []string) {
	for _, d := range diags {
		all = append(all, d.Subject.String()+": "+d.Detail)
	}
	return all
}

// Root could be made to read env_file and credentials, for a project whose owner may want to know what others have in theirs.
func TestAProjectDoesNotChooseWhatRootReads(t *testing.T) {
	const env, key = "/home/alice/site/.env", `credentials = { key = "/home/alice/site/.env" }`
	for name, test := range map[string]struct {
		env  node
		line string
		says string
		bad  bool
	}{
		"its own file":           {file(0o600, 1000), "env_file = \"" + env + "\"", "", false},
		"root's in its own":      {file(0o600, 0), "env_file = \"" + env + "\"", "", false},
		"a link to a secret":     {alices("/etc/secret"), "env_file = \"" + env + "\"", "user cannot read its env_file", true},
		"somebody else's":        {file(0o600, 1001), "env_file = \"" + env + "\"", "user cannot read its env_file", true},
		"a credential":           {alices("/etc/secret"), key, "Not only root chooses", true},
		"a credential of hers":   {file(0o600, 1000), key, "Not only root chooses", true},
		"a credential of root's": {file(0o600, 0), key, "Not only root chooses", true},
		"a link in its own":      {alices("gunicorn.conf.py"), "env_file = \"" + env + "\"", "Everyone may read", false},
		"a file of root's":       {file(0o600, 0), "env_file = \"/etc/secret\"", "", false},
	} {
		files := common()
		files[env] = test.env
		diags := looked(t, "root = \"/home/alice/site\"\nuser = \"alice\"\n"+test.line+"\n", files, facts())
		found := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Subject != nil && d.Subject.Start.Line == 3 })
		if (found >= 0) != (test.says != "") || found >= 0 && (!strings.Contains(diags[found].Summary, test.says) || (diags[found].Severity == hcl.DiagError) != test.bad) {
			t.Errorf("%s: %v", name, diags)
		}
	}
}

func TestAccountsHaveToBeThereAndNotRoot(t *testing.T) {
	for line, want := range map[string]string{
		`user = "bob"`: "adduser --system --group bob", `user = "toor"`: "has the number 0",
		"user = \"alice\"\ngroup = \"staff\"": "addgroup --system staff", "user = \"alice\"\ngroup = \"wheel\"": "has the number 0",
	} {
		diags := looked(t, "root = \"/home/alice/site\"\n"+line, common(), nil)
		if len(diags) != 1 || diags[0].Severity != hcl.DiagError || !strings.Contains(diags[0].Detail, want) {
			t.Errorf("%s: %v", line, diags)
		}
	}
}

func TestAUserIsMissedEvenWhereTheRootIs(t *testing.T) {
	diags := looked(t, "root = \"/srv/nowhere\"\nuser = \"bob\"", common(), nil)
	if len(diags) != 2 || !strings.Contains(diags[0].Detail, "/srv/nowhere") || !strings.Contains(diags[1].Detail, "adduser --system --group bob") {
		t.Error(diags)
	}
}

func TestTheUserHasToReachItsProject(t *testing.T) {
	files := common()
	files["/home"] = dir(0o700, 0, 0)
	diags := looked(t, "root = \"/home/alice/site\"\nuser = \"alice\"", files, nil)
	if len(diags) != 1 || !strings.Contains(diags[0].Detail, `The user alice may not enter "/home". Run: chmod o+x /home`) {
		t.Error(diags)
	}
}

func TestACommandReplacesThePython(t *testing.T) {
	files := common()
	delete(files, "/usr/bin/python3")
	src := "root = \"/home/alice/site\"\nuser = \"alice\"\ncommand = [\"./serve\"]"
	if diags := looked(t, src, files, nil); len(diags) > 0 {
		t.Error(diags)
	}
	files["/home/alice/site/serve"] = file(0o644, 1000)
	if diags := looked(t, src, files, nil); len(diags) != 1 {
		t.Error(diags)
	}
}

func TestAMissingProxyUserIsAWarning(t *testing.T) {
	p, _ := project.Load("/p/site.hcl", []byte(stated), nil)
	diags := Rest(p, nil, common().system(), "nobody-there")
	if diags.HasErrors() || len(diags) != 1 {
		t.Error(diags)
	}
}

func TestPermissionsAreThoseOfTheKernel(t *testing.T) {
	proxy := Account{"sandwich-proxy", 990, []int{990, 33}}
	entry := func(tag, perm uint16, id int) Entry { return Entry{tag, perm, id} }
	for name, test := range map[string]struct {
		info Info
		who  Account
		want uint16
	}{
		"owner":             {Info{Mode: 0o700, UID: 990}, proxy, 7},
		"owner before all":  {Info{Mode: 0o077, UID: 990}, proxy, 0},
		"group":             {Info{Mode: 0o750, GID: 33}, proxy, 5},
		"group before all":  {Info{Mode: 0o707, GID: 33}, proxy, 0},
		"others":            {Info{Mode: 0o701}, proxy, 1},
		"list, named user":  {Info{Mode: 0o770, ACL: []Entry{entry(tagUser, 5, 990), entry(tagMask, 7, 0), entry(tagOther, 0, 0)}}, proxy, 5},
		"list, masked":      {Info{Mode: 0o710, ACL: []Entry{entry(tagUser, 7, 990), entry(tagMask, 1, 0), entry(tagOther, 0, 0)}}, proxy, 1},
		"list, named group": {Info{Mode: 0o770, ACL: []Entry{entry(tagGroup, 4, 33), entry(tagGroupObj, 1, 0), entry(tagMask, 7, 0), entry(tagOther, 7, 0)}}, proxy, 4},
		"list, own group":   {Info{Mode: 0o770, GID: 33, ACL: []Entry{entry(tagGroup, 4, 990), entry(tagGroupObj, 1, 0), entry(tagMask, 7, 0)}}, proxy, 5},
		"list, others":      {Info{Mode: 0o771, ACL: []Entry{entry(tagUser, 7, 1), entry(tagGroupObj, 7, 0), entry(tagMask, 7, 0), entry(tagOther, 1, 0)}}, proxy, 1},
	} {
		if got := test.info.granted(test.who); got != test.want {
			t.Errorf("%s: %o, want %o", name, got, test.want)
		}
	}
	if !(Info{Mode: 0}).allows(Account{}, 7) {
		t.Error("root is kept out")
	}
}

func TestAnAccessListIsReadInTheKernelsForm(t *testing.T) {
	raw := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []Entry{{tagUser, 1, 990}, {tagOther, 0, 0}} {
		raw = binary.LittleEndian.AppendUint16(raw, e.Tag)
		raw = binary.LittleEndian.AppendUint16(raw, e.Perm)
		raw = binary.LittleEndian.AppendUint32(raw, uint32(e.ID))
	}
	if got := parseACL(raw); !slices.Equal(got, []Entry{{tagUser, 1, 990}, {tagOther, 0, 0}}) {
		t.Error(got)
	}
	for n := range raw {
		parseACL(raw[:n])
	}
	if parseACL([]byte{1, 0, 0, 0}) != nil {
		t.Error("another version is read")
	}
}

func TestAPathWithLinksIsWalkedAsTheKernelDoes(t *testing.T) {
	files := tree{
		"/": dir(0o755, 0, 0), "/a": dir(0o755, 0, 0), "/a/up": link("../b/./c"), "/b": dir(0o755, 0, 0), "/b/c": dir(0o700, 0, 0),
		"/b/c/f": file(0o644, 0), "/a/far": link("/b"),
	}
	sys := files.system()
	for path, want := range map[string]string{"/a/up/f": "/b/c", "/a/far/c": "/b/c", "/a/far/../a/up/f": "/b/c", "/a/far": ""} {
		_, block, err := sys.reach(path, Account{UID: 5}, maySearch)
		got := ""
		if block != nil {
			got = block.path
		}
		if err != nil || got != want {
			t.Errorf("%s is blocked by %q, want %q (%v)", path, got, want, err)
		}
	}
}

func TestOnlyAFileThatEveryoneReachesIsPublic(t *testing.T) {
	files := common()
	files["/etc/open"], files["/etc/closed"], files["/etc/closed/open"] = file(0o644, 0), dir(0o700, 0, 0), file(0o644, 0)
	for path, want := range map[string]bool{"/etc/open": true, "/etc/secret": false, "/etc/closed/open": false, "/etc": false, "/none": false} {
		if got := files.system().Public(path); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

func TestTheRealHostAnswers(t *testing.T) {
	sys := Real()
	root, err := sys.User("root")
	if err != nil || root.UID != 0 || sys.UserName(0) != "root" || sys.GroupName(0) != "root" {
		t.Error(root, err)
	}
	if user, group := sys.OwnerOf("/"); user != "root" || group != "root" {
		t.Error(user, group)
	}
	if info, err := sys.stat(t.TempDir()); err != nil || !info.Mode.IsDir() {
		t.Error(info, err)
	}
	if _, err := sys.stat("/no/such/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestWhyAProjectDoesNotAnswer(t *testing.T) {
	p, _ := project.Load("/p/site.hcl", []byte("root = \"/srv/site\"\npython = \"venv/bin/python\"\nsettings = \"site.settings\"\n"), nil)
	q := django.Question{Python: p.Python, Settings: p.Settings}
	for name, test := range map[string]struct {
		err  error
		line int
		want string
	}{
		"no django": {&django.AskError{Kind: django.NoDjango, Question: q, Reason: "ModuleNotFoundError: No module named 'django'"}, 2, "/srv/site/venv/bin/python -m pip install django"},
		"missing":   {&django.AskError{Kind: django.SettingsFail, Question: q, Reason: "ModuleNotFoundError: No module named 'environ'", Missing: "environ", Traceback: []string{"line"}}, 3, "could not be imported: ModuleNotFoundError: No module named 'environ'.\n    line\nWrite python"},
		"itself":    {&django.AskError{Kind: django.SettingsFail, Question: q, Reason: "x", Missing: "site"}, 3, "Write settings"},
		"broken":    {&django.AskError{Kind: django.SettingsFail, Question: q, Reason: "KeyError: 'SECRET_KEY'"}, 3, "env_file"},
		"slow":      {&django.AskError{Kind: django.TimedOut, Question: q}, 3, "wait for something"},
		"started":   {&django.AskError{Kind: django.NotStarted, Question: q, Reason: "no"}, 2, "try again"},
		"other":     {errors.New("bus"), 1, "Bus."},
	} {
		diags := Unanswered(p, test.err)
		if len(diags) != 1 || diags[0].Subject.Start.Line != test.line || !strings.Contains(diags[0].Detail, test.want) {
			t.Errorf("%s: %v %q", name, diags, diags[0].Detail)
		}
	}
}
