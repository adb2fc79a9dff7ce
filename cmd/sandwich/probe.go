package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// probeLimit is how long a site may take for its first answer. The proxy itself holds the request
// while the project's socket has no listener.
const probeLimit = 60 * time.Second

// probeProject asks an enabled project through the proxy, under its canonical name.
func probeProject(ctx context.Context, _ *host, name string) error {
	domains := compiledDomains(name)
	if len(domains) == 0 {
		return fmt.Errorf("cannot ask %s: its compiled route has no domains", name)
	}
	return probe(ctx, name, domains[0])
}

// probe asks the proxy for the front page of a domain. Any answer of the application will do: a
// redirect to a login is as good as a page.
func probe(ctx context.Context, _, domain string) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", nil)
	if err != nil {
		return err
	}
	request.Host = domain
	request.Header.Set("User-Agent", "sandwich/"+version)
	answer, err := probeTransport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("cannot reach http://%s/ through the proxy: %w", domain, err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	switch answer.StatusCode {
	case http.StatusMisdirectedRequest, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Errorf("http://%s/ answers %s", domain, answer.Status)
	}
	return nil
}

// probeTransport follows no redirect and keeps no connection.
var probeTransport = &http.Transport{DisableKeepAlives: true}
