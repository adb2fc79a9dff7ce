package proxy

import (
	"net/http"
	"time"

	"sandwich/proxy/accesslog"
)

// spent is where the time of a request went, and what the client sent.
type spent struct {
	wait     time.Duration // for the client to send the body
	queue    time.Duration // at the gate, or for the application's listener
	run      time.Duration // with a connection to the application
	received int64         // bytes of the body
}

// clientClosed is what nginx logs when a client has gone before there was an answer.
const clientClosed = 499

// record counts the request, when it has ended, and logs it.
func (v *visit) record() {
	now := time.Now()
	site := v.p.site
	site.answered(v.status)
	site.sent.Add(uint64(v.sent))
	site.received.Add(uint64(v.spent.received))
	duration := now.Sub(v.origin.Start)
	if v.status != http.StatusSwitchingProtocols { // a WebSocket says nothing about how quick the site is
		site.durations.add(duration)
	}
	if v.spent.run > 0 || v.spent.queue > 0 {
		site.queues.add(v.spent.queue)
	}
	format := accesslog.Format(v.p.route.AccessLog)
	if format == accesslog.Off {
		return
	}
	status := v.status
	if status == 0 {
		status = clientClosed
	}
	site.access.Write(format, &accesslog.Line{
		Time: now, Project: v.p.route.Name, ID: v.origin.ID,
		Client: v.origin.Client, User: v.user, Host: v.r.Host, Method: v.r.Method, URI: v.r.RequestURI, Proto: v.r.Proto,
		Referer: first(v.r.Header["Referer"]), UserAgent: first(v.r.Header["User-Agent"]),
		Status: status, Sent: v.sent, Received: v.spent.received,
		Duration: duration, Wait: v.spent.wait, Queue: v.spent.queue, Run: v.spent.run,
	})
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
