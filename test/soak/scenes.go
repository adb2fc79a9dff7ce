package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// scenes are the hardships, and the mix of them at last.
var scenes = []struct {
	name string
	play func(*stage) error
}{
	{"headers", slowHeaders},
	{"workers", slowBodies},
	{"upload", tooLarge},
	{"reader", slowReader},
	{"disk", fullDisk},
	{"descriptors", noDescriptors},
	{"aborts", aborts},
	{"mix", mix},
}

// slack is what a busy machine may add to any time before it counts as a failure. What is printed
// says more.
const slack = 5 * time.Second

var page = strings.Repeat("<p>some text of a page</p>\n", 200)

func pages(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, page)
}

// slowHeaders: a crowd sends a byte a second each; a good visitor must not notice, and each of the crowd
// is sent away after ten seconds.
func slowHeaders(s *stage) error {
	if err := errors.Join(s.app(http.HandlerFunc(pages)), s.start(s.site(), 0)); err != nil {
		return err
	}
	alone, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	s.say("without a crowd: %s", s.visit(alone, get("/"), 20))
	before := s.figures()
	crowd, err := newCrowd(s.addr)
	if err != nil {
		return err
	}
	defer crowd.leave()
	if err := crowd.join(s.crowd); err != nil {
		return err
	}
	ctx, end := context.WithTimeout(context.Background(), 30*time.Second)
	defer end()
	trickled := make(chan error, 1)
	go func() { trickled <- crowd.trickle(ctx) }()
	good, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	t := s.visit(good, get("/"), 20)
	during := s.figures()
	err = <-trickled
	s.say("with %d slow clients: %s", s.crowd, t)
	s.say("before: %s; during: %s", before, during)
	s.say("%d times a slow client was cut, after %s at most", crowd.cut, crowd.most.Round(100*time.Millisecond))
	if during.rss > 250<<10 {
		return fmt.Errorf("memory is %d MB", during.rss>>10)
	}
	if crowd.cut < s.crowd || crowd.most > 12*time.Second+slack { // the first byte after the cut is still taken
		return errors.New("slow clients were not cut")
	}
	return errors.Join(err, t.wrong(50*time.Millisecond+slack))
}

// slowBodies: 200 visitors send a form a byte at a time, and 200 read 5 MB a kilobyte at a time; two
// sync workers serve a good visitor meanwhile.
func slowBodies(s *stage) error {
	if err := errors.Join(s.gunicorn(), s.start(s.site(), 0)); err != nil {
		return err
	}
	if err := s.eventually(time.Minute, "gunicorn answers", func() bool { status, _ := s.ask(get("/")); return status == 200 }); err != nil {
		return err
	}
	ctx, end := context.WithTimeout(context.Background(), 3*time.Minute)
	var all sync.WaitGroup
	defer all.Wait()
	defer end()
	form := "POST / HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 20000\r\n\r\n" + strings.Repeat("x", 8<<10)
	for range 200 {
		all.Go(func() { s.trickle(ctx, form, "x", 2*time.Second) })
		all.Go(func() { s.sip(ctx, get("/large"), 1<<10) })
	}
	if err := s.eventually(2*time.Minute, "the workers have made all large answers", func() bool { return s.figures().spooled >= 200 }); err != nil {
		return err
	}
	good, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	t := s.visit(good, get("/"), 10)
	s.say("200 slow forms, 200 slow readers, 2 workers: %s", t)
	s.say("%s", s.figures())
	return t.wrong(100*time.Millisecond + slack)
}

// tooLarge: a gigabyte is sent where 25 MB are taken.
func tooLarge(s *stage) error {
	if err := errors.Join(s.app(http.HandlerFunc(pages)), s.start(s.site(), 0)); err != nil {
		return err
	}
	before := s.memory()
	most, peak := before, int64(0)
	watched, stop := context.WithCancel(context.Background())
	defer stop()
	var watching sync.WaitGroup
	watching.Go(func() {
		every(watched, 20*time.Millisecond, func() { most, peak = max(most, s.memory()), max(peak, s.onDisk()) })
	})
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: soak.example\r\nTransfer-Encoding: chunked\r\n\r\n")
	chunk := []byte("10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n")
	sent := 0
	go func() {
		for sent < 1<<30 {
			n, err := c.Write(chunk)
			if sent += n; err != nil {
				return
			}
		}
	}()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	stop()
	watching.Wait()
	if err != nil {
		return err
	}
	s.say("1 GB to max_body 25 MB: %s; memory grew by %d MB, %d MB of disk at most, %d MB after", res.Status, (most-before)>>10, peak>>20, s.onDisk()>>20)
	if res.StatusCode != 413 || most-before > 20<<10 || peak > 26<<20 || s.onDisk() > 0 {
		return errors.New("it cost more than it may")
	}
	return nil
}

// onDisk is how much the bodies take, also those whose files have no name.
func (s *stage) onDisk() (bytes int64) {
	links, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	for _, link := range links {
		name := fmt.Sprintf("/proc/%d/fd/%s", s.pid, link.Name())
		if to, _ := os.Readlink(name); strings.HasPrefix(to, s.path("cache")+"/") {
			if file, err := os.Stat(name); err == nil {
				bytes += file.Sys().(*syscall.Stat_t).Blocks * 512
			}
		}
	}
	return bytes
}

// slowReader: 50 MB are read at a kilobyte a second; the worker must be free long before that.
func slowReader(s *stage) error {
	freed := make(chan time.Duration, 1)
	app := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		began := time.Now()
		w.Header().Set("Content-Length", strconv.Itoa(50<<20))
		for range 50 << 4 {
			w.Write(make([]byte, 64<<10))
		}
		freed <- time.Since(began)
	})
	if err := errors.Join(s.app(app), s.start(s.site(), 0)); err != nil {
		return err
	}
	ctx, end := context.WithTimeout(context.Background(), 30*time.Second)
	defer end()
	go s.sip(ctx, get("/"), 1<<10)
	select {
	case took := <-freed:
		s.say("50 MB read at 1 KB/s: the worker was free after %s; %s", took.Round(time.Millisecond), s.figures())
		return nil
	case <-ctx.Done():
		return errors.New("the worker is still held after 30 s")
	}
}

// fullDisk: bodies do not fit on the disk.
func fullDisk(s *stage) error {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); pages(w, r) })
	if err := errors.Join(s.app(app), os.MkdirAll(s.path("cache"), 0o700)); err != nil {
		return err
	}
	if err := syscall.Mount("tmpfs", s.path("cache"), "tmpfs", 0, "size=8m"); err != nil {
		return fmt.Errorf("cannot make a small disk: %w", err)
	}
	s.undo = append(s.undo, func() { syscall.Unmount(s.path("cache"), syscall.MNT_DETACH) })
	if err := s.start(s.site(), 0); err != nil {
		return err
	}
	const size = 3 << 20
	form := fmt.Sprintf("POST / HTTP/1.1\r\nHost: soak.example\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	counts, mu := map[int]int{}, sync.Mutex{}
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			c, err := s.dial()
			if err != nil {
				return
			}
			defer c.Close()
			io.WriteString(c, form[:len(form)-1]) // the last byte comes when all the others have
			time.Sleep(3 * time.Second)
			io.WriteString(c, form[len(form)-1:])
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				mu.Lock()
				counts[res.StatusCode]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s.say("10 bodies of 3 MB, a disk of 8 MB: answers %v, %d bytes left on it", counts, s.onDisk())
	small, err := s.ask(get("/"))
	after, err2 := s.ask(form)
	s.say("afterwards: GET %d, a body of 3 MB %d", small, after)
	if counts[507]+counts[503] == 0 || counts[507]+counts[503]+counts[200] != 10 || s.onDisk() > 0 || small != 200 || after != 200 {
		return errors.Join(errors.New("a full disk was not got over"), err, err2)
	}
	return nil
}

// noDescriptors: there are more clients than descriptors for them.
func noDescriptors(s *stage) error {
	if err := errors.Join(s.app(http.HandlerFunc(pages)), s.start(s.site(), 100)); err != nil {
		return err
	}
	ctx, end := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() { s.trickle(ctx, "", get("/"), time.Second) })
	}
	time.Sleep(2 * time.Second)
	during := s.figures()
	end()
	all.Wait()
	began := time.Now()
	status, err := s.ask(get("/"))
	took := time.Since(began)
	s.say("300 clients, 100 descriptors: %d used; once they are gone the next one has %d after %s", during.descriptors, status, took.Round(time.Millisecond))
	if status != 200 || took > time.Second+slack {
		return errors.Join(errors.New("it did not recover"), err)
	}
	return nil
}

// aborts: clients leave in the middle of what they send and of what they are sent.
func aborts(s *stage) error {
	if err := errors.Join(s.app(everything()), s.start(s.site(), 0)); err != nil {
		return err
	}
	for range 20 {
		s.ask(get("/large"))
	}
	before := s.figures()
	began := time.Now()
	s.abort(s.aborts)
	s.say("%d clients left in %s: %s", s.aborts, time.Since(began).Round(time.Second), s.figures())
	var after figures
	err := s.eventually(10*time.Second, "what they took is given back", func() bool {
		after = s.figures()
		return after.spooled == 0 && after.descriptors <= before.descriptors && after.goroutines <= before.goroutines
	})
	s.say("before: %s; after: %s", before, after)
	return err
}

// abort has n clients leave, a few at a time, in all ways.
func (s *stage) abort(n int) {
	upload := "POST /echo HTTP/1.1\r\nHost: soak.example\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 200<<10)
	slots := make(chan struct{}, 64)
	var all sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			switch rudely := i%2 == 0; i / 2 % 4 {
			case 0:
				s.leave(upload, 0, rudely)
			case 1:
				s.leave(get("/large"), 5000, rudely)
			case 2:
				s.leave(get("/stream"), 1000, rudely)
			default:
				s.leave(get("/slow"), 0, rudely)
			}
		})
	}
	all.Wait()
}
