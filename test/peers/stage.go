package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sandwich/test/measure"
)

// stage is the servers with what they serve.
type stage struct {
	dir     string
	sizes   map[string]int64 // of answers, by path
	servers []*server
	django  *exec.Cmd
}

// prepare starts everything.
func prepare(ctx context.Context, dir, programs string) (*stage, error) {
	s := &stage{dir: dir, sizes: map[string]int64{"/page": 5000}}
	programs, err := filepath.Abs(programs)
	if err != nil {
		return nil, err
	}
	// The servers' own users read it.
	err = errors.Join(os.Chmod(dir, 0o755), s.writeFiles(), s.writeCertificate(), s.serveApplication(), s.startDjango(ctx))
	if err != nil {
		return nil, err
	}
	for _, make := range []func(string) (*server, error){s.nginx, s.haproxy, s.caddy, s.sandwich} {
		one, err := make(programs)
		if err == nil {
			one.log = filepath.Join(dir, one.name+".out")
			s.servers = append(s.servers, one)
			err = one.start(ctx)
		}
		if err != nil {
			s.stop()
			return nil, fmt.Errorf("cannot start %s: %w", one.name, err)
		}
	}
	return s, nil
}

func (s *stage) stop() {
	for _, one := range s.servers {
		one.stop()
	}
	syscall.Kill(-s.django.Process.Pid, syscall.SIGKILL)
	s.django.Wait()
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) writeFiles() error {
	if err := os.Mkdir(s.path("www"), 0o755); err != nil {
		return err
	}
	for name, size := range map[string]int64{"1k.css": 1000, "20k.css": 20000, "100m.bin": 100e6} {
		s.sizes["/static/"+name] = size
		if err := os.WriteFile(s.path("www/"+name), []byte(strings.Repeat("x", int(size))), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writeCertificate writes one for the visitors' host. They do not look who has signed it.
func (s *stage) writeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"bench.example"}, NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
	return errors.Join(os.WriteFile(s.path("cert.pem"), certificate, 0o644), os.WriteFile(s.path("key.pem"), private, 0o644),
		os.WriteFile(s.path("both.pem"), append(certificate, private...), 0o644))
}

// serveApplication is an application that costs as little as one can: gunicorn's answer, ready made, for
// every connection.
func (s *stage) serveApplication() error {
	l, err := net.Listen("unix", s.path("app.sock"))
	if err != nil {
		return err
	}
	page := []byte("HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\nConnection: close\r\n" +
		"Content-Type: text/html; charset=utf-8\r\nX-Frame-Options: DENY\r\nContent-Length: 5000\r\nVary: Cookie\r\n\r\n" + strings.Repeat("x", 5000))
	go func() {
		buf := make([]byte, 16<<10)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Read(buf)
			c.Write(page)
			c.Close()
		}
	}()
	return os.Chmod(s.path("app.sock"), 0o666)
}

// applicationCPU is the processor time of gunicorn and its workers until now.
func (s *stage) applicationCPU() (sum time.Duration) {
	for _, pid := range processesOf(s.django.Process.Pid) {
		sum += measure.CPU(pid)
	}
	return sum
}

// questions are what the page of the polls shows: as many as it has room for.
const questions = `from django.utils import timezone
from polls.models import Question
for i in range(5):
    question = Question.objects.create(question_text="What is the %d. question of this page?" % (i + 1), pub_date=timezone.now())
    question.choice_set.create(choice_text="This one", votes=i)
`

// startDjango starts the tutorial's polls under gunicorn with two workers.
func (s *stage) startDjango(ctx context.Context) error {
	project, err := filepath.Abs("test/projects/polls")
	if err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "cp", "-r", project, s.path("polls")).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	if err := os.MkdirAll(s.path("polls/db"), 0o755); err != nil {
		return err
	}
	run := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, "/usr/bin/python3", args...)
		cmd.Dir = s.path("polls")
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
		return cmd
	}
	for _, step := range [][]string{{"migrate", "--noinput"}, {"collectstatic", "--noinput"}, {"shell", "-c", questions}} {
		if out, err := run(append([]string{"manage.py"}, step...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	s.django = run("-m", "gunicorn", "--workers", "2", "--umask", "0", "--bind", "unix:"+s.path("django.sock"), "mysite.wsgi:application")
	if err := s.django.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		c, err := net.Dial("unix", s.path("django.sock"))
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
	}
}
