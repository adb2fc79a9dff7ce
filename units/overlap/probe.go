package overlap

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// probeLimit bounds one probe: a first page may fill caches, but not for ever.
const probeLimit = 30 * time.Second

// probeOld remembers what the running generation answers, so that a site whose front page has
// always failed can still be restarted. One that does not answer at all is no reason to stop.
func (r *replacement) probeOld(ctx context.Context) error {
	status, err := r.Probe(ctx, r.project.Main, r.project.Domain)
	if err == nil {
		r.before = status
	}
	return context.Cause(ctx)
}

func (r *replacement) probeNext(ctx context.Context) error {
	return r.probe(ctx, r.project.Next)
}

func (r *replacement) probeMain(ctx context.Context) error {
	return r.probe(ctx, r.project.Main)
}

// probe refuses a generation that fails where the old one did not.
func (r *replacement) probe(ctx context.Context, a Address) error {
	status, err := r.Probe(ctx, a, r.project.Domain)
	if err != nil {
		return fmt.Errorf("the new generation does not answer: %w", err)
	}
	if status >= 500 && r.before < 500 {
		return fmt.Errorf("the new generation answers GET %s with %d %s", cmp.Or(r.project.Page, "/"), status, http.StatusText(status))
	}
	return nil
}

// Probe asks the application at an address for its front page; see ProbePage.
func Probe(ctx context.Context, a Address, domain string) (int, error) {
	return ProbePage("/")(ctx, a, domain)
}

// ProbePage asks the application at an address for a page, as the proxy would on behalf of a
// visitor over https, and gives the status.
func ProbePage(path string) func(ctx context.Context, a Address, domain string) (int, error) {
	return func(ctx context.Context, a Address, domain string) (int, error) { return probe(ctx, a, domain, path) }
}

func probe(ctx context.Context, a Address, domain, path string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://probe"+path, nil)
	if err != nil {
		return 0, err
	}
	request.Host = domain
	request.Header = http.Header{
		"User-Agent": {"sandwich"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {domain},
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, a.Network, a.Address)
		},
	}
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, err
}
