package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// idle is the memory of a server when each of many connections has had one page and is kept open. Some
// set all of it aside when they start, so it is the whole that counts.
func (s *stage) idle(ctx context.Context, w work, one *server) (result, error) {
	if err := one.restart(ctx); err != nil {
		return result{}, err
	}
	if err := visit(one, w, 50, true); err != nil {
		return result{}, err
	}
	cpu := one.cpu()
	if err := visit(one, w, w.requests, false); err != nil {
		return result{}, err
	}
	defer closeAll()
	return result{cpu: (one.cpu() - cpu) / time.Duration(w.requests), memory: one.settled()}, nil
}

var open []net.Conn

func closeAll() {
	for _, c := range open {
		c.Close()
	}
	open = nil
}

// visit asks for one page on each of n new connections.
func visit(one *server, w work, n int, closing bool) error {
	request := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", w.path, w.host())
	for range n {
		c, err := net.Dial("tcp", one.http)
		if err != nil {
			return err
		}
		io.WriteString(c, request)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != 200 {
			return fmt.Errorf("%s: %v", answer.Status, err)
		}
		if closing {
			c.Close()
		} else {
			open = append(open, c)
		}
	}
	return nil
}

// settled is a server's memory when it has had time to give some back: nothing tells when it has.
func (one *server) settled() int64 {
	least := one.memory()
	for range 10 {
		time.Sleep(time.Second)
		least = min(least, one.memory())
	}
	return least
}
