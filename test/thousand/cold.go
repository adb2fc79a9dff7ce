package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"sandwich/test/measure"
)

// often is how many cold starts there are for each round: one is soon over.
const often = 5

// cold has a visitor come to a site that sleeps, beside what of it is the application's own import, what
// gunicorn by itself takes to answer, and what it takes when a bare unit of systemd starts it.
func cold(ctx context.Context, m *measurement) error {
	if err := do(ctx, "chown", "-R", owner+":", site); err != nil {
		return err
	}
	defer os.Remove(projectsDir + "/" + siteName + ".hcl")
	fmt.Println("\n| cold start | import alone | gunicorn alone | gunicorn in a bare unit | through the proxy | on top of the import | on top of gunicorn | on top of the bare unit |\n|---|---:|---:|---:|---:|---:|---:|---:|")
	for _, workers := range []string{"1", "2"} {
		if err := m.coldWith(ctx, workers); err != nil {
			return err
		}
	}
	return nil
}

func (m *measurement) coldWith(ctx context.Context, workers string) error {
	file := fmt.Sprintf("root    = %q\nuser    = %q\ndomains = [\"%s.test\"]\ngunicorn {\n  workers = %s\n}\ntls {\n  mode = \"internal\"\n}\n", site, owner, siteName, workers)
	if err := os.WriteFile(projectsDir+"/"+siteName+".hcl", []byte(file), 0o644); err != nil {
		return err
	}
	if err := do(ctx, "sandwich", "enable", siteName); err != nil {
		return err
	}
	if err := writeBareUnit(ctx, workers); err != nil {
		return err
	}
	defer removeBareUnit(ctx)
	var imports, alone, bare, ours []cost
	for range often * m.rounds {
		for _, one := range []struct {
			rounds *[]cost
			run    func(context.Context, string) (time.Duration, error)
		}{{&imports, importAlone}, {&alone, gunicornAlone}, {&bare, gunicornInBareUnit}, {&ours, throughProxy}} {
			took, err := one.run(ctx, workers)
			if err != nil {
				return err
			}
			*one.rounds = append(*one.rounds, cost{wall: took})
		}
	}
	fmt.Printf("| %s workers |", workers)
	for _, rounds := range [][]cost{imports, alone, bare, ours} {
		fmt.Printf(" %s (%.0f %%) |", short(measure.Middle(rounds, wall)), 100*measure.Spread(rounds, wall))
	}
	for _, rounds := range [][]cost{imports, alone, bare} {
		fmt.Printf(" %s |", short(measure.Middle(ours, wall)-measure.Middle(rounds, wall)))
	}
	fmt.Println()
	return do(ctx, "sandwich", "disable", siteName)
}

// asOwner runs a command in the site, as its user.
func asOwner(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "setpriv", append([]string{"--reuid", owner, "--regid", owner, "--clear-groups"}, args...)...)
	command.Dir = site
	command.Env = append(os.Environ(), "DJANGO_SETTINGS_MODULE=tiny.settings", "PYTHONDONTWRITEBYTECODE=1")
	return command
}

// importAlone is a python that imports the application, with its views, and ends.
func importAlone(ctx context.Context, _ string) (time.Duration, error) {
	began := time.Now()
	err := asOwner(ctx, "python3", "-c", "from tiny.wsgi import application; import django.urls; django.urls.get_resolver().url_patterns").Run()
	return time.Since(began), err
}

// gunicornAlone is a gunicorn without systemd and sandwich, until it has answered.
func gunicornAlone(ctx context.Context, workers string) (time.Duration, error) {
	socket := "/tmp/alone.sock"
	os.Remove(socket)
	began := time.Now()
	gunicorn := asOwner(ctx, "gunicorn", "--workers", workers, "--bind", "unix:"+socket, "tiny.wsgi:application")
	if err := gunicorn.Start(); err != nil {
		return 0, err
	}
	_, err := firstByte(ctx, "unix", socket)
	took := time.Since(began)
	_ = gunicorn.Process.Signal(os.Interrupt)
	_ = gunicorn.Wait()
	return took, err
}

const (
	bareName   = "thousand-bare"
	bareSocket = "/run/" + bareName + ".sock"
)

// writeBareUnit has systemd listen for a gunicorn that is told nothing else.
func writeBareUnit(ctx context.Context, workers string) error {
	socket := fmt.Sprintf("[Socket]\nListenStream=%s\n", bareSocket)
	service := fmt.Sprintf("[Service]\nType=notify\nNotifyAccess=main\nUser=%s\nWorkingDirectory=%s\n"+
		"Environment=DJANGO_SETTINGS_MODULE=tiny.settings PYTHONDONTWRITEBYTECODE=1\nExecStart=/usr/bin/python3 -m gunicorn --workers %s tiny.wsgi:application\n", owner, site, workers)
	err := errors.Join(os.WriteFile(filepath.Join(unitsDir, bareName+".socket"), []byte(socket), 0o644),
		os.WriteFile(filepath.Join(unitsDir, bareName+".service"), []byte(service), 0o644))
	if err != nil {
		return err
	}
	return do(ctx, "sh", "-c", "systemctl daemon-reload; systemctl start "+bareName+".socket")
}

func removeBareUnit(ctx context.Context) {
	_ = do(ctx, "systemctl", "stop", bareName+".socket", bareName+".service")
	os.Remove(filepath.Join(unitsDir, bareName+".socket"))
	os.Remove(filepath.Join(unitsDir, bareName+".service"))
}

func gunicornInBareUnit(ctx context.Context, _ string) (time.Duration, error) {
	if err := do(ctx, "systemctl", "stop", bareName+".service"); err != nil {
		return 0, err
	}
	return firstByte(ctx, "unix", bareSocket)
}

// throughProxy is the first visitor of a site that sleeps.
func throughProxy(ctx context.Context, _ string) (time.Duration, error) {
	if err := do(ctx, "systemctl", "stop", "sandwich-"+siteName+".service"); err != nil {
		return 0, err
	}
	return firstByte(ctx, "tcp", "127.0.0.1:80")
}

// firstByte is how long it takes until a page comes, from when somebody listens there at the latest.
func firstByte(ctx context.Context, network, address string) (time.Duration, error) {
	began := time.Now()
	for time.Since(began) < time.Minute {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		c, err := net.Dial(network, address)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		defer c.Close()
		if _, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s.test\r\nConnection: close\r\n\r\n", siteName); err != nil {
			return 0, err
		}
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return 0, err
		}
		answer.Body.Close()
		if answer.StatusCode >= 500 {
			return 0, fmt.Errorf("%s answers %s", address, answer.Status)
		}
		return time.Since(began), nil
	}
	return 0, errors.New(address + " does not answer")
}
