package proxy

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
)

// reasons is what visitors read. It says nothing about how the site is made.
var reasons = map[int]string{
	http.StatusBadRequest:                   "The request could not be understood.",
	http.StatusUnauthorized:                 "This page is only shown to those who have a password.",
	http.StatusTooManyRequests:              "There were too many requests from you. Please wait a little.",
	http.StatusForbidden:                    "This page may not be read.",
	http.StatusNotFound:                     "There is no such page here.",
	http.StatusMethodNotAllowed:             "This cannot be done with this page.",
	http.StatusRequestTimeout:               "The request took too long to arrive.",
	http.StatusPreconditionFailed:           "The file is another one than the request is for.",
	http.StatusRequestedRangeNotSatisfiable: "The file has no such part.",
	http.StatusRequestEntityTooLarge:        "What was sent is larger than this site accepts.",
	http.StatusRequestURITooLong:            "The address is too long.",
	http.StatusMisdirectedRequest:           "There is no site of this name here.",
	http.StatusRequestHeaderFieldsTooLarge:  "The request has too many or too large header fields.",
	http.StatusInternalServerError:          "Something went wrong here.",
	http.StatusNotImplemented:               "This method is not known here.",
	http.StatusBadGateway:                   "The site gave no valid answer.",
	http.StatusServiceUnavailable:           "The site is not available at the moment. Please try again shortly.",
	http.StatusGatewayTimeout:               "The site took too long to answer.",
	http.StatusInsufficientStorage:          "What was sent could not be stored at the moment.",
}

// fail answers with an error page: the project's own for this status, or a plain one of ours.
func (v *visit) fail(status int) {
	h := v.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Trailer"} {
		h.Del(name)
	}
	if v.p != nil {
		v.setHeaders()
	}
	v.setRetry(status)
	body, kind := v.page(status)
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	v.WriteHeader(status)
	if v.r.Method != http.MethodHead {
		v.Write(body)
	}
}

func (v *visit) page(status int) (body []byte, kind string) {
	if v.p != nil {
		if body, kind := v.ownPage(status); body != nil {
			return body, kind
		}
	}
	title, accept := fmt.Sprintf("%d %s", status, http.StatusText(status)), v.r.Header.Get("Accept")
	switch {
	case strings.Contains(accept, "text/html"):
	case strings.Contains(accept, "json"):
		return v.problem(status), "application/problem+json"
	default:
		return fmt.Appendf(nil, "%s\n%s\n", title, reasons[status]), "text/plain; charset=utf-8"
	}
	return fmt.Appendf(nil, htmlPage, title, title, reasons[status], html.EscapeString(v.origin.ID)), "text/html; charset=utf-8"
}

// problem is the page for a program (RFC 9457).
func (v *visit) problem(status int) []byte {
	text, err := json.Marshal(struct {
		Status int    `json:"status"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
		ID     string `json:"request_id"`
	}{status, http.StatusText(status), reasons[status], v.origin.ID})
	if err != nil {
		return nil // three strings and a number are never refused
	}
	return append(text, '\n')
}

const htmlPage = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%s</title>
<style>body{font:1rem/1.5 sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}small{color:#666}</style>
<h1>%s</h1>
<p>%s</p>
<p><small>Request %s</small></p>
</html>
`
