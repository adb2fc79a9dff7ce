//go:build e2e

package e2e

import (
	"strings"
	"testing"
)

// shape is a Django project as they are found: how it is made in $P out of the tiny one, what init
// says to it and exits with, and what its project file then has.
type shape struct {
	name, how string
	args      string
	code      int
	says      []string
	file      string
}

var shapes = []shape{
	{"single", ``, "", 0, []string{"found: settings = tiny.settings", "found: python = /usr/bin/python3", "not found: a virtual environment"}, `root = "/srv/single"`},
	{"package", `mkdir $P/tiny/s; mv $P/tiny/settings.py $P/tiny/s/base.py; echo 'from .base import *' | tee $P/tiny/s/dev.py >$P/tiny/s/production.py; sed -i 's/parent.parent/parent.parent.parent/' $P/tiny/s/base.py
		sed -i s/tiny.settings/tiny.s.dev/ $P/manage.py $P/tiny/wsgi.py`, "", 0, []string{"chosen: settings = tiny.s.production, for its name; manage.py names tiny.s.dev"}, `settings = "tiny.s.production"`},
	{"entry", `cp $P/tiny/settings.py $P/tiny/live.py; sed -i s/tiny.settings/tiny.live/ $P/tiny/wsgi.py`, "", 0, []string{"chosen: settings = tiny.live, for what wsgi.py"}, `"tiny.live"`},
	{"below", `mkdir $P/src; mv $P/manage.py $P/tiny $P/src`, "", 0, []string{"found: settings = tiny.settings"}, `root = "/srv/below"`},
	{"uv", `python3 -m venv --without-pip --system-site-packages $P/.venv`, "", 0, []string{"found: python = /srv/uv/.venv/bin/python"}, ``},
	{"poetry", `printf '[tool.poetry]\nname = "poetry"\n' >$P/pyproject.toml
		python3 -m venv --without-pip --system-site-packages $P/.cache/pypoetry/virtualenvs/poetry-$(python3 -c 'import base64,hashlib; print(base64.urlsafe_b64encode(hashlib.sha256(b"/srv/poetry").digest()).decode()[:8])')-py3.13`,
		"", 0, []string{"found: python = /srv/poetry/.cache/pypoetry/virtualenvs/poetry-"}, ``},
	{"channels", `mkdir $P/daphne; touch $P/daphne/__init__.py; printf 'INSTALLED_APPS = ["daphne"] + INSTALLED_APPS\nASGI_APPLICATION = "tiny.asgi.application"\n' >>$P/tiny/settings.py
		sed s/wsgi/asgi/ $P/tiny/wsgi.py >$P/tiny/asgi.py`, "", 0, []string{"found: app = tiny.asgi:application"}, ``},
	{"nostatic", `sed -i /STATIC_ROOT/d $P/tiny/settings.py`, "", 0, []string{"warning: Static files are not served", "Set it and run collectstatic"}, `root = "/srv/nostatic"`},
	{"nohost", `echo 'ALLOWED_HOSTS = ["*"]' >>$P/tiny/settings.py`, "", 0, []string{"not found: a host name", "nohost.example is a placeholder"}, `domains = ["nohost.example"]`},
	{"home", `chmod 700 $P`, "", 5, []string{"may not enter", "Run: chmod o+x /srv/home", "Nothing was written"}, ``},
	{"legacy", `printf 'from django.core.management import execute_manager\nimport settings\nexecute_manager(settings)\n' >$P/manage.py; mv $P/tiny/settings.py $P; mv $P/tiny/wsgi.py $P/app.py; sed -i '/WSGI_APPLICATION/d; s/parent.parent/parent/' $P/settings.py; sed -i s/tiny.settings/settings/ $P/app.py`,
		"", 5, []string{"The application is not known", "Nothing was written"}, ``},
	{"legacy", ``, "--app app:application", 0, []string{"found: settings = settings"}, `app = "app:application"`},
	{"two", `cp -r $P/tiny $P/manage.py /tmp; mkdir $P/a $P/b; mv $P/manage.py $P/a; cp $P/a/manage.py $P/b`, "", 5, []string{"more than one Django project", "Nothing was written"}, ``},
	{"broken", `echo 'import nosuch' >>$P/tiny/settings.py`, "", 5, []string{"No module named 'nosuch'", "Nothing was written"}, ``},
	{"none", `rm -r $P/manage.py $P/tiny`, "", 1, []string{"cannot find a Django project in /srv/none"}, ``},
	{"single", ``, "", 1, []string{"is there already"}, ``},
}

func TestInitUnderstandsProjectsOfManyShapes(t *testing.T) {
	forEachDebian(t, func(t *testing.T, m *Machine) {
		m.Install()
		m.AddProject("tiny", "tiny")
		if r := m.As("tiny", "sh", "-ec", "cd /srv/tiny; ./manage.py migrate -v0"); r.Code != 0 {
			t.Fatal(r.Stderr)
		}
		for _, s := range shapes {
			name := s.name
			m.Shell(`N=` + name + `; P=/srv/$N
				[ -e $P ] || { cp -a /srv/tiny $P; useradd --system --user-group --home-dir $P $N
					sed -i "s/\.test/$N.test/" $P/tiny/settings.py
					` + s.how + `
					chown -R $N: $P; }`)
			had := m.Has("/etc/sandwich/projects/" + name + ".hcl")
			r := m.Run(append([]string{"sandwich", "init", "/srv/" + name}, strings.Fields(s.args)...)...)
			r.wants(t, s.code, s.says...)
			if s.code != 0 {
				if !had && m.Has("/etc/sandwich/projects/"+name+".hcl") {
					t.Errorf("%s: a file is left behind", name)
				}
				continue
			}
			if file := m.MustRun("cat", "/etc/sandwich/projects/"+name+".hcl"); !strings.Contains(strings.Join(strings.Fields(file), " "), s.file) {
				t.Errorf("%s: the file has no %q:\n%s", name, s.file, file)
			}
			m.Run("sandwich", "check", name).wants(t, 0)
		}
		m.doctor(t)
	})
}

// doctor looks at the same host when it is well, and when it is not.
func (m *Machine) doctor(t *testing.T) {
	t.Helper()
	m.Shell("rm -f /etc/sandwich/projects/[!s]*.hcl; echo '127.0.0.1 single.test' >>/etc/hosts; sandwich enable single")
	m.Run("sandwich", "doctor").wants(t, 0)
	m.Write("/etc/sandwich/projects/Not A Project.hcl", "")
	m.Shell(`rm -r /srv/single/static; printf 'from django.db import migrations\nclass Migration(migrations.Migration):\n    dependencies = [("tiny", "0001_initial")]\n' >/srv/single/tiny/migrations/0002_more.py`)
	m.Run("sandwich", "doctor").wants(t, 1, "A file is no project's", "Static files are not collected", "1 migrations were not carried out", "sandwich manage single migrate")
	m.Run("sandwich", "doctor", "--json").wants(t, 1, `"project": "single"`)
	m.Run("sandwich", "list").wants(t, 0, "single")
	m.Run("sandwich", "status").wants(t, 0, "single")
	m.Shell("systemctl stop sandwich-proxy.socket sandwich-proxy.service; systemctl start nginx")
	m.Run("sandwich", "doctor").wants(t, 1, "The front proxy does not listen", "Port 80 is taken", "nginx (pid", "Other servers run beside sandwich")
	m.Shell("systemctl stop nginx; systemctl stop dbus.socket dbus.service")
	m.Run("sandwich", "doctor").wants(t, 1, "D-Bus cannot be reached", "systemctl start dbus.socket")
	m.Run("sandwich", "status").wants(t, 1, "D-Bus", "sandwich doctor")
}
