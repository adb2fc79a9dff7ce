package hostcheck

import (
	"errors"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/django"
	"sandwich/units/project"
)

// Unanswered says why a project did not answer what it was asked, and what to do.
func Unanswered(p *project.Project, err error) hcl.Diagnostics {
	c := &check{p: p}
	var ask *django.AskError
	if !errors.As(err, &ask) {
		c.refuse("root", "The project could not be asked", "%s.", upper(err.Error()))
		return c.diags
	}
	key, remedy := c.cause(ask)
	detail := upper(ask.Error()) + "." + indented(ask.Traceback) + "\n" + remedy
	c.refuse(key, "The project does not answer", "%s", detail)
	return c.diags
}

// cause is the setting to look at first and what to do about it.
func (c *check) cause(e *django.AskError) (key, remedy string) {
	key = c.stated("settings", "root")
	switch {
	case e.Kind == django.NotStarted:
		return c.stated("python", "root"), "Correct python, user or root, and try again."
	case e.Kind == django.NoDjango:
		return c.stated("python", "root"), "Write python with the interpreter of the project's virtual environment, or run: " + c.install("django")
	case e.Kind == django.TimedOut:
		return key, "The settings wait for something, perhaps a database or the network. Make importing them quick."
	case e.Missing != "" && e.Missing == topOf(e.Question.Settings), e.Missing == e.Question.Settings:
		return key, "Write settings with the module's name, or root with the directory of manage.py."
	case e.Missing != "":
		return key, "Write python with the interpreter of the project's virtual environment, or install what is missing there."
	}
	return key, "Correct the settings; what they need from the environment belongs into environment or env_file."
}

func topOf(module string) string {
	top, _, _ := strings.Cut(module, ".")
	return top
}

func indented(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return "\n    " + strings.Join(lines, "\n    ")
}

func upper(s string) string {
	if s == "" || s[0] == '/' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
