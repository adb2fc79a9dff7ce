// Package load asks one URL at a constant arrival rate and says how many requests failed and how
// long each waited since the moment it was due, so that a stalled server cannot slow its own test
// down. It leaves what a failure means to its callers.
package load

import (
	"context"
	"net"
	"net/url"
	"sync"
	"time"
)

// Load is what to ask and how often.
type Load struct {
	URL       string        // http://address[:port]/path
	Host      string        // the Host header; default: the URL's
	Rate      int           // requests a second
	Duration  time.Duration // after which no new request starts
	Post      int           // bytes of body; 0 means GET
	KeepAlive bool          // reuse connections; nothing is ever sent twice
	Timeout   time.Duration // for one request; default 30 s

	// Dial opens a connection; default: the machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Run sends the requests and returns when the last is answered. It starts none after ctx ends or
// Duration has passed. An error means that the load itself makes no sense; failed requests are in
// the report.
func (l Load) Run(ctx context.Context) (*Report, error) {
	target, err := url.Parse(l.URL)
	if err != nil {
		return nil, err
	}
	c := newClient(l.withDefaults(), target)
	defer c.close()
	r := newRecorder()
	var running sync.WaitGroup
	start := time.Now()
	for i := 0; ; i++ {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(c.load.Rate))
		if due.Sub(start) >= c.load.Duration || !sleepUntil(ctx, due) {
			break
		}
		running.Go(func() {
			begun := time.Now()
			answer, err := c.ask()
			r.record(outcome{
				at: due.Sub(start), late: begun.Sub(due), wait: time.Since(due), answer: answer, err: err,
			})
		})
	}
	running.Wait()
	return r.report(), nil
}

func (l Load) withDefaults() Load {
	if l.Rate <= 0 {
		l.Rate = 100
	}
	if l.Timeout <= 0 {
		l.Timeout = 30 * time.Second
	}
	if l.Dial == nil {
		l.Dial = (&net.Dialer{}).DialContext
	}
	return l
}

// sleepUntil reports whether the moment came before the end of ctx.
func sleepUntil(ctx context.Context, due time.Time) bool {
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
