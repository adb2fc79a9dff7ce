package project

import (
	"fmt"
	"strings"
	"time"
)

var proxySettings = []setting[Proxy]{
	{"max_body", size(func(p *Proxy) *int64 { return &p.MaxBody }, 1)},
	{"timeout", duration(func(p *Proxy) *time.Duration { return &p.Timeout }, time.Second)},
	{"hold", duration(func(p *Proxy) *time.Duration { return &p.Hold }, 0)},
	{"in_flight", number(func(p *Proxy) *int { return &p.InFlight }, 0, 1<<20)},
	{"buffer_requests", boolean(func(p *Proxy) *bool { return &p.BufferRequests })},
	{"buffer_responses", boolean(func(p *Proxy) *bool { return &p.BufferResponses })},
	{"stream", list(func(p *Proxy) *[]string { return &p.Stream }, urlPath, unique)},
	{"compress", boolean(func(p *Proxy) *bool { return &p.Compress })},
	{"compress_secrets", boolean(func(p *Proxy) *bool { return &p.CompressSecrets })},
	{"headers", table(func(p *Proxy) *map[string]string { return &p.Headers }, headerName, headerValue, open)},
	{"error_pages", table(func(p *Proxy) *map[string]string { return &p.ErrorPages }, errorStatus, path)},
	{"access_log", text(func(p *Proxy) *string { return &p.AccessLog }, oneOf("combined", "json", "journal", "off"))},
}

var proxyBlocks = []kind{
	{name: "rate_limit", label: "path", attrs: names(rateLimitSettings), decode: decodeRateLimit},
	{name: "access", attrs: names(accessSettings), decode: decodeAccess},
}

func decodeProxy(d *decoder, g *group) {
	fill(d, g, proxySettings, &d.p.Proxy)
}

// answerMargin is how much longer than gunicorn the proxy waits when the file says only how long
// gunicorn does: long enough that gunicorn's own answer arrives.
const answerMargin = 30 * time.Second

// wholeProxy keeps the proxy waiting longer than gunicorn: else visitors get the proxy's 504 while
// a worker still works, and the reason is in no log.
func (d *decoder) wholeProxy() {
	p := d.p
	if p.Command != nil || p.Gunicorn.Timeout == 0 || p.Proxy.Timeout > p.Gunicorn.Timeout {
		return
	}
	if !d.source.States("proxy.timeout") {
		p.Proxy.Timeout = p.Gunicorn.Timeout + answerMargin
		return
	}
	d.refuse(d.source.At("proxy.timeout"), "proxy.timeout is not above gunicorn.timeout",
		fmt.Sprintf("The proxy would give up after %s while gunicorn works for up to %s. Make proxy.timeout longer, or gunicorn.timeout shorter.",
			written(p.Proxy.Timeout), written(p.Gunicorn.Timeout)))
}

// urlPath is the beginning of a URL path.
func urlPath(_ *decoder, s string) (string, *fault) {
	if !strings.HasPrefix(s, "/") {
		return "", wrong("does not begin with a slash", `Write the beginning of the path, for example "/events/".`)
	}
	if strings.ContainsAny(s, "%?#\\ \"") || strings.Contains(s, "//") || strings.Contains(s+"/", "/../") || strings.Contains(s+"/", "/./") {
		return "", wrong("is no plain path", `Write the path as it is after decoding, for example "/events/".`)
	}
	return s, nil
}

// token is a field name of RFC 9110, section 5.6.2.
var token = newPattern("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")

// framing are the fields that say where a message ends and how the connection goes on; a value
// from a file would break it (RFC 9110, section 7.6.1).
var framing = []string{
	"connection", "content-length", "content-encoding", "content-range", "date", "keep-alive", "proxy-authenticate",
	"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
}

func headerName(_ *decoder, s string) (string, *fault) {
	if !token.MatchString(s) {
		return "", wrong("is no header name", `Write letters, digits and dashes, for example "Referrer-Policy".`)
	}
	for _, name := range framing {
		if strings.EqualFold(s, name) {
			return "", wrong("is a header that the proxy decides itself", "Remove it.")
		}
	}
	return s, nil
}

func headerValue(_ *decoder, s string) (string, *fault) {
	if s != strings.TrimSpace(s) || len(s) > 4096 {
		return "", wrong("is no header value", "Write it without space around it and with at most 4096 bytes.")
	}
	return s, nil
}

var errorStatusForm = newPattern(`^[45]([0-9][0-9]|xx)$`)

func errorStatus(_ *decoder, s string) (string, *fault) {
	if !errorStatusForm.MatchString(s) {
		return "", wrong("is no error status", `Write a status such as "503" or a class such as "5xx".`)
	}
	return s, nil
}
