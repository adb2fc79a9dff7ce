package units

import (
	"strconv"
	"time"

	"sandwich/units/unitfile"
)

// gunicornConf is sandwich's gunicorn settings file, as the package installs it.
const gunicornConf = "/usr/share/sandwich/gunicorn.conf.py"

// gunicornSetting is one setting of gunicorn, in the three ways it may be told.
type gunicornSetting struct {
	key      string // in the gunicorn block of the project file
	flag     string // of gunicorn
	variable string // for sandwich's gunicorn settings file
	value    string
	usual    string // gunicorn's own default
}

func (g generation) gunicornSettings() []gunicornSetting {
	n, own := strconv.Itoa, g.Gunicorn
	return []gunicornSetting{
		{"workers", "--workers", "SANDWICH_WORKERS", n(max(own.Workers, 1)), ""},
		{"threads", "--threads", "SANDWICH_THREADS", n(max(own.Threads, 1)), "1"},
		{"worker_class", "--worker-class", "SANDWICH_WORKER_CLASS", own.WorkerClass, "sync"},
		{"timeout", "--timeout", "SANDWICH_TIMEOUT", seconds(own.Timeout), "30"},
		{"graceful_timeout", "--graceful-timeout", "SANDWICH_GRACEFUL_TIMEOUT", seconds(own.GracefulTimeout), "30"},
		{"max_requests", "--max-requests", "SANDWICH_MAX_REQUESTS", n(own.MaxRequests), "0"},
		{"max_requests_jitter", "--max-requests-jitter", "SANDWICH_MAX_REQUESTS_JITTER", n(own.MaxRequestsJitter), "0"},
	}
}

// gunicornEnvironment tells sandwich's gunicorn settings file the defaults: what the project file
// does not state, the project's own gunicorn settings may change.
func (g generation) gunicornEnvironment(d draft) {
	for _, s := range g.gunicornSettings() {
		if !g.states("gunicorn."+s.key) && s.value != s.usual && s.value != "" {
			d.environment(s.variable, s.value)
		}
	}
	d.environment("SANDWICH_START_TIMEOUT", seconds(startTimeout))
	if g.Gunicorn.Config != "" {
		d.environment("SANDWICH_GUNICORN_CONFIG", g.Gunicorn.Config)
	}
}

// gunicornCommand has what the project file states as arguments, which win over every settings file.
func (g generation) gunicornCommand() []string {
	words := []string{g.Python, "-m", "gunicorn", "-c", gunicornConf}
	for _, s := range g.gunicornSettings() {
		if g.states("gunicorn."+s.key) && s.value != "" {
			words = append(words, s.flag, s.value)
		}
	}
	if g.Gunicorn.Preload {
		words = append(words, "--preload")
	}
	words = append(words, g.Gunicorn.Args...)
	return append(words, g.App)
}

func seconds(d time.Duration) string { return unitfile.Seconds(d).String() }
