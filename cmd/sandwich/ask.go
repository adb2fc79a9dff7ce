package main

import (
	"context"
	"crypto/rand"
	"errors"
	"os"

	"sandwich/dbusctl"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/django"
	"sandwich/units/envfile"
	"sandwich/units/project/hostcheck"
)

// asker runs the questions to a project's own python as units of their own.
type asker struct{ systemd *dbusctl.Systemd }

// newAsker gives nil without root: only root may run something as a project's user.
func newAsker(h *host) django.Runner {
	if os.Geteuid() != 0 {
		return nil
	}
	return asker{systemd: h.systemd}
}

func (a asker) Run(ctx context.Context, c django.Command) (django.Result, error) {
	if c.EnvFile != "" && hostcheck.Real().Steered(c.EnvFile) {
		copied, err := borrowEnvironment(ctx, c)
		if err != nil {
			return django.Result{}, err
		}
		defer func() { _ = apply.RemoveFile(copied) }()
		c.EnvFile = copied
	}
	out, err := a.systemd.RunOnce(ctx, dbusctl.Transient{
		Name: "ask", Args: c.Args, Dir: c.Dir, User: c.User, Group: c.Group,
		Environment: assignments(c.Environment), EnvFile: c.EnvFile, Credentials: c.Credentials,
		Empty: c.View.Empty, Closed: c.View.Closed, Shown: c.View.Shown, Writable: c.Writable, Stdin: c.Stdin, TimeLimit: c.Timeout, OutputLimit: int64(c.MaxOutput),
	})
	if err != nil {
		return django.Result{}, err
	}
	result := django.Result{Stdout: out.Stdout, Stderr: out.Stderr, Truncated: len(out.Stdout) == c.MaxOutput}
	var job *dbusctl.JobError
	if errors.As(out.Err, &job) {
		result.TimedOut = job.State.Result == "timeout" || job.Result == "timeout"
		result.Exit = int(max(job.State.ExitStatus, 1))
	}
	return result, nil
}

// borrowEnvironment makes a copy of an env_file that not only root chooses, for one question.
func borrowEnvironment(ctx context.Context, c django.Command) (path string, err error) {
	content, err := envfile.Read(ctx, c.User, c.Group, c.EnvFile)
	if err != nil {
		return "", err
	}
	path = units.EnvCopy(".ask-" + rand.Text())
	return path, apply.WritePrivate(path, content)
}

func assignments(environment map[string]string) []string {
	list := make([]string, 0, len(environment))
	for name, value := range environment {
		list = append(list, name+"="+value)
	}
	return list
}
