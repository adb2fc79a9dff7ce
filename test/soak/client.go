package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

func get(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: soak.example\r\n\r\n" }

func (s *stage) dial() (net.Conn, error) {
	c, err := net.Dial("tcp", s.addr)
	if err == nil {
		c.SetDeadline(time.Now().Add(5 * time.Minute))
	}
	return c, err
}

// ask sends one request on a connection of its own, once, and reads the answer to its end.
func (s *stage) ask(raw string) (status int, err error) {
	c, err := s.dial()
	if err != nil {
		return 0, err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, raw); err != nil {
		return 0, err
	}
	method, _, _ := strings.Cut(raw, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// tally is how a good visitor fared.
type tally struct {
	mu     sync.Mutex
	times  []time.Duration
	errors []string
}

func (t *tally) add(took time.Duration, status int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times = append(t.times, took)
	if err != nil || status != 200 {
		t.errors = append(t.errors, fmt.Sprintf("status %d, %v", status, err))
	}
}

func (t *tally) quantile(q float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t.times))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func (t *tally) String() string {
	return fmt.Sprintf("%d good requests, %d failed, p50 %s, p99 %s", len(t.times), len(t.errors),
		t.quantile(0.5).Round(100*time.Microsecond), t.quantile(0.99).Round(100*time.Microsecond))
}

// wrong is an error when one failed, or the slowest in a hundred took longer than the limit.
func (t *tally) wrong(limit time.Duration) error {
	if len(t.errors) > 0 {
		return fmt.Errorf("%d good requests failed, the first with %s", len(t.errors), t.errors[0])
	}
	if p99 := t.quantile(0.99); p99 > limit {
		return fmt.Errorf("p99 of good requests is %s, more than %s", p99, limit)
	}
	return nil
}

// visit asks at a constant rate until ctx ends, whatever the answers take.
func (s *stage) visit(ctx context.Context, raw string, rate int) *tally {
	t := new(tally)
	var all sync.WaitGroup
	defer all.Wait()
	every(ctx, time.Second/time.Duration(rate), func() {
		all.Go(func() {
			began := time.Now()
			status, err := s.ask(raw)
			t.add(time.Since(began), status, err)
		})
	})
	return t
}

// every calls f at a constant rate until ctx ends.
func every(ctx context.Context, pause time.Duration, f func()) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f()
		}
	}
}

// trickle sends text byte by byte until ctx or the connection ends, and says how long that was.
func (s *stage) trickle(ctx context.Context, head, text string, pause time.Duration) time.Duration {
	c, err := s.dial()
	if err != nil {
		return 0
	}
	defer c.Close()
	began := time.Now()
	io.WriteString(c, head)
	ended := make(chan struct{})
	go func() {
		io.Copy(io.Discard, c)
		close(ended)
	}()
	for {
		for i := range len(text) {
			select {
			case <-ctx.Done():
				return time.Since(began)
			case <-ended:
				return time.Since(began)
			case <-time.After(pause):
			}
			io.WriteString(c, text[i:i+1])
		}
	}
}

// sip reads what is answered at a rate of bytes a second until ctx ends.
func (s *stage) sip(ctx context.Context, raw string, rate int) {
	c, err := s.dial()
	if err != nil {
		return
	}
	defer c.Close()
	c.(*net.TCPConn).SetReadBuffer(4 << 10)
	io.WriteString(c, raw)
	buf := make([]byte, rate)
	every(ctx, time.Second, func() {
		if _, err := io.ReadFull(c, buf); err != nil {
			return
		}
	})
}

// leave begins something and goes away in the middle of it, in order or not.
func (s *stage) leave(raw string, read int, rudely bool) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if rudely {
		c.(*net.TCPConn).SetLinger(0)
	}
	io.WriteString(c, raw)
	io.CopyN(io.Discard, c, int64(read))
	return nil
}
