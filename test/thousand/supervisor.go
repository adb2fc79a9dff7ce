package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// supervisor is a supervisord with its programs.
type supervisor struct {
	dir     string
	process *exec.Cmd
}

// supervisordConf allows as many files as a thousand programs need: each start goes through all of them.
const supervisordConf = `[unix_http_server]
file={dir}/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{dir}/sock
[supervisord]
logfile={dir}/log
pidfile={dir}/pid
childlogdir={dir}
minfds=5000
[include]
files={dir}/conf.d/*.conf
`

func startSupervisor(ctx context.Context) (*supervisor, error) {
	dir, err := os.MkdirTemp("", "supervisor")
	if err != nil {
		return nil, err
	}
	s := &supervisor{dir: dir}
	err = errors.Join(os.Chmod(dir, 0o755), os.Mkdir(dir+"/conf.d", 0o755),
		os.WriteFile(dir+"/conf", []byte(strings.ReplaceAll(supervisordConf, "{dir}", dir)), 0o644))
	if err != nil {
		return nil, err
	}
	s.process = exec.CommandContext(ctx, "supervisord", "--nodaemon", "-c", dir+"/conf")
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := os.Stat(dir + "/sock"); err == nil {
			return s, nil
		}
		if time.Now().After(deadline) {
			return nil, errors.New("supervisord does not listen")
		}
	}
}

// stop ends supervisord, which ends its programs first.
func (s *supervisor) stop() {
	_ = s.process.Process.Signal(os.Interrupt)
	_ = s.process.Wait()
	os.RemoveAll(s.dir)
}

func (s *supervisor) manager() manager { return manager{pid: s.process.Process.Pid} }

// write has exactly the programs be there, each by its command.
func (s *supervisor) write(programs map[string]string) error {
	old, _ := filepath.Glob(s.dir + "/conf.d/*")
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, command := range programs {
		// It counts as running as soon as it is started: nothing is waited for.
		conf := fmt.Sprintf("[program:%s]\ncommand=%s\nuser=%s\nstartsecs=0\n", name, command, owner)
		if err := os.WriteFile(s.dir+"/conf.d/"+name+".conf", []byte(conf), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// trivial are n programs that are just there.
func trivial(n int) map[string]string {
	programs := map[string]string{}
	for _, name := range names(n) {
		programs[name] = program + " application"
	}
	return programs
}

func (s *supervisor) control(ctx context.Context, verb ...string) (cost, error) {
	return s.manager().spend(ctx, "supervisorctl", append([]string{"-c", s.dir + "/conf"}, verb...)...)
}
