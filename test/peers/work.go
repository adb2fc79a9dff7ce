package main

import (
	"context"
	"fmt"
	"time"
)

// work is one kind of it.
type work struct {
	name     string
	secure   bool // HTTP/2 over TLS instead of plain HTTP/1.1
	path     string
	requests int  // of one round
	parallel int  // streams on each of the clients' connections
	files    bool // HAProxy has none
	measure  func(s *stage, ctx context.Context, w work, one *server) (result, error)
}

var works = []work{
	{name: "file-1k", path: "/static/1k.css", requests: 60000, files: true, measure: (*stage).load},
	{name: "file-20k", path: "/static/20k.css", requests: 40000, files: true, measure: (*stage).load},
	{name: "page", path: "/page", requests: 20000, measure: (*stage).load},
	{name: "file-1k-h2", path: "/static/1k.css", requests: 60000, secure: true, parallel: 8, files: true, measure: (*stage).load},
	{name: "page-h2", path: "/page", requests: 20000, secure: true, parallel: 8, measure: (*stage).load},
	{name: "download", path: "/static/100m.bin", requests: 24, files: true, measure: (*stage).load},
	{name: "idle", path: "/page", requests: 8000, measure: (*stage).idle},
	{name: "django", path: "/polls/", requests: 1500, measure: (*stage).load},
}

// result is what one round cost one server.
type result struct {
	cpu    time.Duration // of the server, for each request
	share  float64       // of the processor time that it and Django have spent
	rate   float64       // requests a second
	bytes  float64       // of answers, a second
	p99    time.Duration
	memory int64 // bytes, afterwards
}

// play has every server do the work, round after round, each time beginning with another one.
func (s *stage) play(ctx context.Context, w work, rounds int) (map[string][]result, error) {
	results := map[string][]result{}
	for round := range rounds {
		for i := range s.servers {
			one := s.servers[(i+round)%len(s.servers)]
			if !one.does(w) {
				continue
			}
			r, err := w.measure(s, ctx, w, one)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", one.name, err)
			}
			results[one.name] = append(results[one.name], r)
		}
	}
	return results, nil
}

func (one *server) does(w work) bool { return !w.files || one.files }

// host is whose page a path is.
func (w work) host() string {
	if w.name == "django" {
		return "polls.example"
	}
	return "bench.example"
}
