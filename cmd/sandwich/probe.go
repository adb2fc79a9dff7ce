package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"sandwich/units/apply"
)

// probeLimit is how long a site may take for its first answer. The proxy itself holds the request
// while the project's socket has no listener.
const probeLimit = 60 * time.Second

// probeProject asks an enabled project through the proxy, under its canonical name.
func (t *terminal) probeProject(ctx context.Context, h *host, name string) error {
	domains := compiledDomains(name)
	if len(domains) == 0 {
		return fmt.Errorf("cannot ask %s: its compiled route has no domains", name)
	}
	return t.probe(ctx, h, name, domains[0])
}

// probe asks the proxy for the front page of a domain. Any answer of the application will do: a
// redirect to a login is as good as a page, and a page that fails is the application's own affair,
// though worth a warning.
func (t *terminal) probe(ctx context.Context, h *host, name, domain string) error {
	front, err := h.front(ctx)
	if err != nil {
		return err
	}
	status, err := ask(ctx, front.String(), domain)
	if err != nil {
		return fmt.Errorf("cannot reach http://%s/ through the proxy: %w", domain, err)
	}
	if status == http.StatusServiceUnavailable && apply.SystemDirs.InMaintenance(name) {
		t.tell("%s: closed for maintenance: its front page was not asked for\nhint: sandwich maintenance off %s", name, name)
		return nil
	}
	switch status {
	case http.StatusMisdirectedRequest, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("http://%s/ answers %d %s", domain, status, http.StatusText(status))
	case http.StatusBadRequest:
		t.tell("warning: %s: http://%s/ answers 400 Bad Request: is the name in ALLOWED_HOSTS?", name, domain)
	case http.StatusInternalServerError:
		t.tell("warning: %s: http://%s/ answers 500 Internal Server Error\nhint: sandwich logs %s", name, domain, name)
	}
	return nil
}

// front is where the proxy listens. It is asked for once in a command that works: the proxy's own addresses
// change before any project is asked for.
func (h *host) front(ctx context.Context) (netip.AddrPort, error) {
	if known := h.address.Load(); known != nil {
		return *known, nil
	}
	address, err := h.systemd.Reachable(ctx, proxySocket)
	if err == nil {
		h.address.Store(&address)
	}
	return address, err
}

// ask gives the status of the answer to GET / for a host name, at the proxy's address.
func ask(ctx context.Context, front, domain string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+front+"/", nil)
	if err != nil {
		return 0, err
	}
	request.Host = domain
	request.Header.Set("User-Agent", "sandwich/"+version)
	answer, err := probeTransport.RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, nil
}

// probeTransport follows no redirect and keeps no connection.
var probeTransport = &http.Transport{DisableKeepAlives: true}
