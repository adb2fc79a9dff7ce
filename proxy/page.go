package proxy

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// maxPage bounds an error page of a project, in bytes.
const maxPage = 1 << 20

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
		if body := ownPage(v.p.route.ErrorPages, status); body != nil {
			return body, "text/html; charset=utf-8"
		}
	}
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	if !strings.Contains(v.r.Header.Get("Accept"), "text/html") {
		return fmt.Appendf(nil, "%s\n%s\n", title, reasons[status]), "text/plain; charset=utf-8"
	}
	return fmt.Appendf(nil, htmlPage, title, title, reasons[status], html.EscapeString(v.origin.ID)), "text/html; charset=utf-8"
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

// ownPage reads a project's error page each time: it is rare, and the page may be edited any time.
func ownPage(pages map[string]string, status int) []byte {
	file, ok := pages[strconv.Itoa(status)]
	if !ok {
		if file, ok = pages[strconv.Itoa(status/100)+"xx"]; !ok {
			return nil
		}
	}
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer f.Close()
	if stat, err := f.Stat(); err != nil || !stat.Mode().IsRegular() {
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(f, maxPage))
	if err != nil {
		return nil
	}
	return body
}
