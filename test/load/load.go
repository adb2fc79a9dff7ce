// Package load asks a site at a constant arrival rate and says how many requests failed, how, and
// how long each waited since the moment it was due, so that a stalled server cannot slow its own
// test down. It leaves what a failure means to its callers.
package load

import (
	"context"
	"net"
	"net/url"
	"sync"
	"time"
)

// Load is what to ask and how often: one stream of requests.
type Load struct {
	URL         string        // http://address[:port]/path
	Host        string        // the Host header; default: the URL's
	Rate        float64       // requests a second
	Duration    time.Duration // after which no new request starts
	Post        int           // bytes of body; 0 means GET
	Mix         []Request     // kinds of requests; default: one, of the URL's path and Post
	KeepAlive   bool          // reuse connections; nothing is ever sent twice
	Connections int           // at most so many at once, a request waits for a free one; 0 means no bound
	Timeout     time.Duration // for one request; default 30 s

	// Dial opens a connection; default: the machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Run sends the requests and returns when the last is answered. It starts none after ctx ends or
// Duration has passed. An error means that the load itself makes no sense; failed requests are in
// the report.
func (l Load) Run(ctx context.Context) (*Report, error) { return Run(ctx, l) }

// Run runs several streams side by side and reports them as one.
func Run(ctx context.Context, streams ...Load) (*Report, error) {
	clients := make([]*client, len(streams))
	for i, l := range streams {
		target, err := url.Parse(l.URL)
		if err != nil {
			return nil, err
		}
		clients[i] = newClient(l.withDefaults(), target)
	}
	r := newRecorder(time.Now())
	var running sync.WaitGroup
	for _, c := range clients {
		running.Go(func() { c.stream(ctx, r) })
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

// stream starts a request whenever one is due, whether or not those before it are answered.
func (c *client) stream(ctx context.Context, r *recorder) {
	defer c.pool.close()
	var running sync.WaitGroup
	defer running.Wait()
	for i := 0; ; i++ {
		after := time.Duration(float64(i) / c.load.Rate * float64(time.Second))
		due := r.start.Add(after)
		if after >= c.load.Duration || !sleepUntil(ctx, due) {
			return
		}
		running.Go(func() { r.record(c.once(i, due)) })
	}
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
