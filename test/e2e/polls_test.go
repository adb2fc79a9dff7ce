//go:build e2e

package e2e

import (
	"regexp"
	"strings"
	"testing"

	"sandwich/test/load"
)

func TestTheTutorialsSiteFromInitToItsVisitors(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("polls", "polls")
		m.MustRun("sandwich", "init", "/srv/polls")
		m.Shell("install -d -o polls /srv/polls/private && printf 'internal \"/protected/\" {\\n  root = \"private\"\\n}\\n' >>/etc/sandwich/projects/polls.hcl")
		m.MustRun("sandwich", "check", "polls")
		if plan := m.MustRun("sandwich", "plan", "polls"); !strings.Contains(plan, "sandwich-polls.socket") {
			t.Errorf("the plan does not name the socket:\n%s", plan)
		}
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 421 {
			t.Errorf("before enable the site answers %s", answer.Status)
		}
		m.MustRun("sandwich", "enable", "polls")

		pages(t, m)
		staticFiles(t, m)
		login(t, m)
		upload(t, m)
		export(t, m)
		if score := exposure(t, m.MustRun("systemd-analyze", "security", "--no-pager", "sandwich-polls.service")); score > 1.5 {
			t.Errorf("systemd-analyze security gives the project %.1f", score)
		}

		m.MustRun("sandwich", "disable", "polls")
		if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 421 {
			t.Errorf("after disable the site answers %s", answer.Status)
		}
		if m.Has("/etc/systemd/system/sandwich-polls*") || !m.Has("/etc/sandwich/projects/polls.hcl") {
			t.Error("disable left units behind or took the project file")
		}
	})
}

func pages(t *testing.T, m *Machine) {
	t.Helper()
	if answer := m.Get("polls.example", "/polls/"); answer.StatusCode != 200 || !strings.Contains(answer.Body, "What&#x27;s new?") {
		t.Errorf("the list of polls: %s\n%s", answer.Status, answer.Body)
	}
	if answer := m.Get("polls.example", "/"); answer.StatusCode != 302 || answer.Header.Get("Location") != "/polls/" {
		t.Errorf("the first page: %s to %q", answer.Status, answer.Header.Get("Location"))
	}
	if answer := m.Get("polls.example", "/nowhere"); answer.StatusCode != 404 {
		t.Errorf("a page that is not there: %s", answer.Status)
	}
}

func staticFiles(t *testing.T, m *Machine) {
	t.Helper()
	page := m.Get("polls.example", "/polls/").Body
	css := regexp.MustCompile(`/static/polls/style\.[0-9a-f]{12}\.css`).FindString(page)
	answer := m.Get("polls.example", css)
	if answer.StatusCode != 200 || !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/css") {
		t.Errorf("%q: %s, %s", css, answer.Status, answer.Header.Get("Content-Type"))
	}
	if cache := answer.Header.Get("Cache-Control"); !strings.Contains(cache, "immutable") {
		t.Errorf("a hashed name is cached as %q", cache)
	}
	image := m.Get("polls.example", "/static/polls/images/background.png")
	if image.Header.Get("Content-Type") != "image/png" || !strings.HasPrefix(image.Body, "\x89PNG") {
		t.Errorf("the image: %s, %s", image.Status, image.Header.Get("Content-Type"))
	}
	if answer := m.Get("polls.example", "/static/admin/css/base.css"); answer.StatusCode != 200 {
		t.Errorf("the admin's style: %s", answer.Status)
	}
	if answer := m.Get("polls.example", "/static/../db/db.sqlite3"); answer.StatusCode < 400 {
		t.Errorf("the database is served: %s", answer.Status)
	}
}

// login uses curl with cookies, as a browser would.
func login(t *testing.T, m *Machine) {
	t.Helper()
	if r := m.As("polls", "sh", "-ec", "cd /srv/polls; DJANGO_SUPERUSER_PASSWORD=sesame ./manage.py createsuperuser --noinput --username alice --email alice@polls.example"); r.Code != 0 {
		t.Fatal(r.Stderr)
	}
	form(t, m, "/admin/login/", "username=alice", "password=sesame", "next=/admin/")
	if answer := browse(m, "/admin/"); !strings.Contains(answer, "Site administration") || !strings.Contains(answer, "Questions") {
		t.Errorf("after logging in the admin shows:\n%s", answer)
	}
}

func upload(t *testing.T, m *Machine) {
	t.Helper()
	m.Write("/tmp/page.html", "<script>alert(1)</script>")
	form(t, m, "/polls/upload/", "file=@/tmp/page.html")
	if listed := browse(m, "/polls/upload/"); !strings.Contains(listed, "/media/attachments/page.html") {
		t.Errorf("the upload is not listed:\n%s", listed)
	}
	answer := m.Get("polls.example", "/media/attachments/page.html")
	if answer.StatusCode != 200 || !strings.HasPrefix(answer.Body, "<script>") {
		t.Errorf("the upload comes back as %s %q", answer.Status, answer.Body)
	}
	if answer.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		t.Errorf("an uploaded page is shown as one of the site's: %v", answer.Header)
	}
}

// export is a file that only the application can have sent, whichever way it says so.
func export(t *testing.T, m *Machine) {
	t.Helper()
	for _, path := range []string{"/polls/1/export/", "/polls/1/export/?path"} {
		answer := m.Get("polls.example", path)
		if answer.StatusCode != 200 || !strings.Contains(answer.Body, ",") || answer.Header.Get("Content-Disposition") != `attachment; filename="votes of 1.csv"` {
			t.Errorf("%s: %s %v %q", path, answer.Status, answer.Header, answer.Body)
		}
	}
	if answer := m.Get("polls.example", "/protected/votes%20of%201.csv"); answer.StatusCode != 404 {
		t.Errorf("an internal file is served: %s", answer.Status)
	}
}

var site = []string{"-H", "Host: polls.example", "-b", "/tmp/cookies", "-c", "/tmp/cookies"}

func browse(m *Machine, path string) string {
	return m.Curl(append(site, "http://127.0.0.1"+path)...).Stdout
}

// form fetches a page with a form and sends the form with these fields.
func form(t *testing.T, m *Machine, path string, fields ...string) {
	t.Helper()
	token := regexp.MustCompile(`name="csrfmiddlewaretoken" value="(\w+)"`).FindStringSubmatch(browse(m, path))
	if token == nil {
		t.Fatalf("no form at %s:\n%s", path, browse(m, path))
	}
	args := append(site, "-o", "/dev/null", "-w", "%{http_code}", "-F", "csrfmiddlewaretoken="+token[1])
	for _, field := range fields {
		args = append(args, "-F", field)
	}
	if r := m.Curl(append(args, "http://127.0.0.1"+path)...); r.Stdout != "302" {
		t.Errorf("sending the form at %s: %s %s", path, r.Stdout, r.Stderr)
	}
}

func TestNoRequestFailsWhileAProjectRestarts(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("shop", "shop", `environment = { SHOP_IMPORT_SECONDS = "1" }`)
		for name, l := range map[string]load.Load{
			"GET":             {URL: "http://127.0.0.1/"},
			"POST":            {URL: "http://127.0.0.1/echo", Post: 20000},
			"POST keep-alive": {URL: "http://127.0.0.1/echo", Post: 100, KeepAlive: true},
		} {
			t.Log(name)
			l.Host, l.Rate = "shop.example", 50
			wantNoFailure(t, m.UnderLoad(l, func() {
				m.MustRun("sandwich", "restart", "shop")
				m.MustRun("systemctl", "restart", "sandwich-shop.service")
			}))
		}
	})
}

func TestBrokenCodeIsToldAndItsRepairServes(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.Enable("shop", "shop")
		m.Shell(`cd /srv/shop/shop; cp views.py good; echo 'raise ImportError("no such sandwich")' >>views.py`)
		if r := m.Run("sandwich", "restart", "shop"); r.Code != 1 || !strings.Contains(r.Stderr, "no such sandwich") {
			t.Errorf("restart with broken code exits with %d and says:\n%s", r.Code, r.Stderr)
		}
		m.Shell(`cd /srv/shop/shop; mv good views.py`)
		m.MustRun("sandwich", "restart", "shop")
		if answer := m.Get("shop.example", "/"); answer.StatusCode != 200 {
			t.Errorf("after the repair: %s", answer.Status)
		}
		m.startsAnew()
	})
}

// startsAnew repairs a project while an attempt with its broken code is under way, and starts it.
func (m *Machine) startsAnew() {
	m.t.Helper()
	for _, verb := range []string{"start", "enable"} {
		m.Shell(`cd /srv/shop/shop; cp views.py good; echo 'import time; time.sleep(60); raise ImportError("late")' >>views.py
			systemctl restart --no-block sandwich-shop
			until [ "$(systemctl show -P SubState sandwich-shop)" = start ]; do sleep .1; done
			mv good views.py`)
		if r := m.Run("sandwich", verb, "shop"); r.Code != 0 {
			m.t.Errorf("%s after a repair: exit code %d\n%s", verb, r.Code, r.Stderr)
		}
	}
}
