// Command soak asks a real sandwich-proxy for what visitors of all kinds ask for, and prints what it
// costs: first one hardship after the other, then a mix of all of them for a time. It exits with 1
// when a promise is not kept: who waits, what memory, descriptors, goroutines and files are not given
// back. It needs root, gunicorn and util-linux. What the answers look like is left to other tests.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

type options struct {
	proxy  string
	mixed  time.Duration
	crowd  int
	aborts int
	only   string
}

func main() {
	var o options
	flag.StringVar(&o.proxy, "proxy", "", "the sandwich-proxy to ask; it is built unless given")
	flag.DurationVar(&o.mixed, "for", 10*time.Minute, "how long the mix takes; 0: none")
	flag.IntVar(&o.crowd, "crowd", 10_000, "clients that send a header byte by byte")
	flag.IntVar(&o.aborts, "aborts", 10_000, "clients that leave in the middle")
	flag.StringVar(&o.only, "only", "", "the scenes to play, separated by commas")
	flag.Parse()
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(o options) error {
	if err := o.fit(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.proxy == "" {
		o.proxy = filepath.Join(dir, "sandwich-proxy")
		if out, err := exec.Command("go", "build", "-o", o.proxy, "sandwich/cmd/sandwich-proxy").CombinedOutput(); err != nil {
			return fmt.Errorf("cannot build the proxy: %w\n%s", err, out)
		}
	}
	return play(o, dir)
}

// fit makes the crowd as large as descriptors allow: the proxy keeps one for the application beside each.
func (o *options) fit() error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if most := int(min(limit.Max, 1<<20))/2 - 100; most < o.crowd {
		fmt.Printf("a crowd of %d only: there are %d descriptors (ulimit -Hn)\n", most, limit.Max)
		o.crowd = most
	}
	return nil
}

// play plays one scene after the other, each with a proxy of its own, and goes on after one that failed.
func play(o options, dir string) error {
	failed := 0
	for _, s := range scenes {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+s.name+",") {
			continue
		}
		began := time.Now()
		stage := &stage{options: o, dir: filepath.Join(dir, s.name), name: s.name}
		err := s.play(stage)
		stage.clear()
		if err != nil {
			failed++
			stage.say("FAILED: %v", err)
		}
		stage.say("took %s", time.Since(began).Round(time.Second))
	}
	if failed > 0 {
		return fmt.Errorf("%d scenes failed", failed)
	}
	return nil
}
