package hostcheck

import (
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/project"
)

const jobs = `root = "/home/alice/site"
user = "alice"
python = "venv/bin/python"
worker "one" {
  command = ["ONE", "x"]
}
timer "two" {
  command    = ["manage.py", "clearsessions"]
  schedule   = "SCHEDULE"
  on_failure = ["FAILED"]
}
release {
  steps = [["manage.py", "migrate"], ["STEP"]]
}
`

// jobMistakes loads the project with words put in and gives what is wrong with its jobs.
func jobMistakes(t *testing.T, one, schedule, failed, step string) hcl.Diagnostics {
	t.Helper()
	src := strings.NewReplacer("ONE", one, "SCHEDULE", schedule, "FAILED", failed, "STEP", step).Replace(jobs)
	p, diags := project.Load("/etc/sandwich/projects/site.hcl", []byte(src), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.Dir = p.Root
	files := common()
	files["/home/alice/site/manage.py"] = file(0o644, 1000)
	files["/home/alice/site/bin"] = dir(0o755, 1000, 1000)
	files["/home/alice/site/bin/mail"] = file(0o644, 1000)
	files["/home/alice/site/venv/bin/celery"] = file(0o755, 1000)
	sys := files.system()
	sys.Calendar = func(schedule string) error {
		if schedule == "daily" {
			return nil
		}
		return errors.New("Failed to parse it")
	}
	c := &check{p: p, sys: sys}
	c.jobs()
	return c.diags
}

func TestProgramsOfJobsAreFoundInTheVenvTheRootAndTheHost(t *testing.T) {
	for _, word := range []string{"celery", "serve", "python3", "/usr/bin/python3", "./serve", "manage.py"} {
		if diags := jobMistakes(t, word, "daily", word, word); len(diags) > 0 {
			t.Errorf("%s: %v", word, details(diags))
		}
	}
}

func TestMistakesOfJobsHaveTheirPlace(t *testing.T) {
	for name, c := range map[string]struct {
		one, schedule, failed, step string
		line                        int
		want                        string
	}{
		"a program nowhere":     {"sidekiq", "daily", "celery", "celery", 5, `no program "sidekiq" beside the project's python (/home/alice/site/venv/bin)`},
		"a path to nothing":     {"bin/nothing", "daily", "celery", "celery", 5, `There is no "/home/alice/site/bin/nothing"`},
		"a script that is not":  {"sync.py", "daily", "celery", "celery", 5, `There is no "/home/alice/site/sync.py"`},
		"not executable":        {"bin/mail", "daily", "celery", "celery", 5, "chmod +x /home/alice/site/bin/mail"},
		"a failure hook":        {"celery", "daily", "notify", "celery", 10, `"notify"`},
		"a step":                {"celery", "daily", "celery", "npm", 13, `"npm"`},
		"a time that is no one": {"celery", "Monday o clock", "celery", "celery", 9, "Failed to parse it"},
	} {
		diags := jobMistakes(t, c.one, c.schedule, c.failed, c.step)
		if len(diags) != 1 || diags[0].Subject.Start.Line != c.line || !strings.Contains(diags[0].Detail, c.want) {
			t.Errorf("%s: %v", name, details(diags))
		}
	}
}

func TestAnIntervalIsNotForSystemdToJudge(t *testing.T) {
	if diags := jobMistakes(t, "celery", "every 5m", "celery", "celery"); len(diags) > 0 {
		t.Error(details(diags))
	}
}
