package project

import (
	"fmt"
	"strings"
	"time"
)

var gunicornSettings = []setting[Gunicorn]{
	{"workers", readWorkers},
	{"threads", number(func(g *Gunicorn) *int { return &g.Threads }, 1, 1000)},
	{"worker_class", text(func(g *Gunicorn) *string { return &g.WorkerClass }, workerClass)},
	{"timeout", duration(func(g *Gunicorn) *time.Duration { return &g.Timeout }, 0)},
	{"graceful_timeout", duration(func(g *Gunicorn) *time.Duration { return &g.GracefulTimeout }, time.Second)},
	{"max_requests", number(func(g *Gunicorn) *int { return &g.MaxRequests }, 0, 1<<31-1)},
	{"max_requests_jitter", number(func(g *Gunicorn) *int { return &g.MaxRequestsJitter }, 0, 1<<31-1)},
	{"preload", boolean(func(g *Gunicorn) *bool { return &g.Preload })},
	{"config", text(func(g *Gunicorn) *string { return &g.Config }, path)},
	{"args", list(func(g *Gunicorn) *[]string { return &g.Args }, gunicornArg, open)},
}

func decodeGunicorn(d *decoder, g *group) { fill(d, g, gunicornSettings, &d.p.Gunicorn) }

// maxWorkers is more than any host that serves Django can use.
const maxWorkers = 512

// readWorkers reads a number or "auto", which leaves it to Complete.
func readWorkers(v value, g *Gunicorn) {
	it, ok := v.text()
	if !ok || it.text == "auto" {
		return
	}
	if n, ok := decimal(it.text, 1, maxWorkers); ok {
		g.Workers = n
		return
	}
	v.refuse(it, wrong("is no number of workers", fmt.Sprintf("Write a number from 1 to %d, or \"auto\".", maxWorkers)))
}

var workerClassForm = newPattern(`^[A-Za-z_][A-Za-z0-9_.]{0,254}$`)

func workerClass(_ *decoder, s string) (string, *fault) {
	if !workerClassForm.MatchString(s) {
		return "", wrong("is no worker class", `Write a name such as "sync" or "gthread", or the import path of a class.`)
	}
	return s, nil
}

// owned are gunicorn's own options that sandwich or another attribute decides.
var owned = map[string]string{
	"-b": "sandwich gives gunicorn its socket; to listen on TCP, state listen.", "--bind": "sandwich gives gunicorn its socket; to listen on TCP, state listen.",
	"-c": "State config in the gunicorn block.", "--config": "State config in the gunicorn block.",
	"-D": "systemd watches the process; it must not go to the background.", "--daemon": "systemd watches the process; it must not go to the background.",
	"-w": "State workers in the gunicorn block.", "--workers": "State workers in the gunicorn block.",
	"-k": "State worker_class in the gunicorn block.", "--worker-class": "State worker_class in the gunicorn block.",
	"-t": "State timeout in the gunicorn block.", "--timeout": "State timeout in the gunicorn block.",
	"--threads": "State threads in the gunicorn block.", "--graceful-timeout": "State graceful_timeout in the gunicorn block.",
	"--preload": "State preload in the gunicorn block.", "--chdir": "gunicorn runs where manage.py is.",
	"-u": "State user.", "--user": "State user.", "-g": "State group.", "--group": "State group.",
	"-p": "systemd knows the process; no file is needed.", "--pid": "systemd knows the process; no file is needed.",
}

func gunicornArg(_ *decoder, s string) (string, *fault) {
	option, _, _ := strings.Cut(s, "=")
	if remedy, ok := owned[option]; ok {
		return "", wrong("cannot be given in args", remedy)
	}
	return s, nil
}
