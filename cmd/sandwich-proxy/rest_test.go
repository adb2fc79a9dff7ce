package main

import (
	"bufio"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheStopOfAProjectIsAskedForByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rest.sock")
	l, err := net.Listen("unix", path)
	must(t, err)
	defer l.Close()
	for answer, wrong := range map[string]string{"stopped\n": "", "it has no idle block\n": "it has no idle block", "": "no answer"} {
		asked := make(chan string, 1)
		go func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			line, _ := bufio.NewReader(c).ReadString('\n')
			asked <- line
			c.Write([]byte(answer))
		}()
		err := options{rest: path}.restWith()(t.Context(), "demo")
		if got := <-asked; got != "demo\n" {
			t.Errorf("the question is %q", got)
		}
		if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("after %q: %v", answer, err)
		}
	}
	if (options{}).restWith() != nil {
		t.Error("without a socket somebody is asked")
	}
}

func TestMemoryIsCountedWithoutTheCacheThatGoesFirst(t *testing.T) {
	dir := t.TempDir()
	if _, err := memoryOf(dir); err == nil {
		t.Error("a group that is not there uses something")
	}
	must(t, os.WriteFile(filepath.Join(dir, "memory.current"), []byte("5000\n"), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "memory.stat"), []byte("anon 3000\ninactive_anon 1\ninactive_file 1500\n"), 0o644))
	if used, err := memoryOf(dir); used != 3500 || err != nil {
		t.Errorf("%d, %v", used, err)
	}
}
