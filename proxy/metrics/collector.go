package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sandwich/proxy"
	"sandwich/proxy/tls"
)

// collector turns counts into metrics when it is asked. Of each project there is a fixed number of
// series, whatever visitors send.
type collector struct {
	p       Proxy
	version string
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("sandwich_"+name, help, labels, nil)
}

var (
	requests    = desc("requests_total", "Requests answered, by class of their status; 0xx: the client was gone before.", "project", "class")
	durations   = desc("request_duration_seconds", "From the head of a request to the end of its answer.", "project")
	queues      = desc("request_queue_seconds", "How long requests waited for their application to be there.", "project")
	inFlight    = desc("requests_in_flight", "Requests at the application now, those that wait included.", "project")
	held        = desc("requests_held", "Requests that wait for a restarting or sleeping application now.", "project")
	heldTotal   = desc("requests_held_total", "Requests that have waited for their application.", "project")
	retried     = desc("requests_retried_total", "Requests sent to their application again.", "project")
	failures    = desc("upstream_failures_total", "Answers that the application owed.", "project")
	limited     = desc("requests_rate_limited_total", "Requests refused by a rate limit.", "project")
	shed        = desc("requests_shed_total", "Requests refused because too many were in flight.", "project")
	sent        = desc("sent_bytes_total", "Bytes of answers' bodies.", "project")
	received    = desc("received_bytes_total", "Bytes of requests' bodies.", "project")
	maintenance = desc("maintenance", "1 while the project is closed for visitors.", "project")

	certificateEnds = desc("certificate_expiry_timestamp_seconds", "When the certificate that a host is served with ends, in seconds since 1970.", "project", "host", "from")
	certificateGood = desc("certificate_ok", "0 while somebody has to look after the certificate of a host: it is refused, about to end, or over.", "project", "host")

	projects     = desc("projects", "Projects that are served.")
	connections  = desc("connections", "Open connections of clients, without WebSockets.")
	tunnels      = desc("websockets", "Open WebSockets.")
	unknownHosts = desc("unknown_host_requests_total", "Requests for hosts that no project has.")
	dropped      = desc("access_log_lines_dropped_total", "Lines that found no room in an access log.")
	info         = desc("build_info", "Always 1.", "version")
)

// Describe is for the registry.
func (c collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect reads everything.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	for _, st := range c.p.Status() {
		collectProject(ch, st)
	}
	for _, one := range c.p.Certificates() {
		collectCertificate(ch, one)
	}
	s := c.p.Summary()
	gauge(ch, projects, float64(s.Projects))
	gauge(ch, connections, float64(s.Connections))
	gauge(ch, tunnels, float64(s.Tunnels))
	counter(ch, unknownHosts, s.UnknownHosts)
	counter(ch, dropped, s.LinesDropped)
	gauge(ch, info, 1, c.version)
}

func collectProject(ch chan<- prometheus.Metric, st proxy.Status) {
	for _, class := range []string{"0xx", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		counter(ch, requests, st.Responses[class], st.Name, class)
	}
	times(ch, durations, st.Durations, st.Name)
	times(ch, queues, st.Queues, st.Name)
	gauge(ch, inFlight, float64(st.InFlight), st.Name)
	gauge(ch, held, float64(st.Held), st.Name)
	counter(ch, heldTotal, st.HeldTotal, st.Name)
	counter(ch, retried, st.Retried, st.Name)
	counter(ch, failures, st.Failures, st.Name)
	counter(ch, limited, st.Limited, st.Name)
	counter(ch, shed, st.Shed, st.Name)
	counter(ch, sent, st.Sent, st.Name)
	counter(ch, received, st.Received, st.Name)
	closed := 0.0
	if st.Closed {
		closed = 1
	}
	gauge(ch, maintenance, closed, st.Name)
}

func collectCertificate(ch chan<- prometheus.Metric, c tls.Certificate) {
	gauge(ch, certificateEnds, float64(c.Ends.Unix()), c.Project, c.Host, c.From)
	good := 0.0
	if c.State == tls.OK || c.State == tls.Waiting {
		good = 1
	}
	gauge(ch, certificateGood, good, c.Project, c.Host)
}

func counter(ch chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(ch chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

// shown are those of the proxy's bounds that Prometheus gets: 1, 2 and 5 of each decade, and a minute.
// A series for each bound would be paid for by every host that has many projects.
func shown(bound time.Duration) bool {
	for bound > 5*time.Millisecond {
		if bound == time.Minute {
			return true
		}
		if bound%10 != 0 {
			return false
		}
		bound /= 10
	}
	return bound == time.Millisecond || bound == 2*time.Millisecond || bound == 5*time.Millisecond
}

func times(ch chan<- prometheus.Metric, d *prometheus.Desc, t proxy.Times, labels ...string) {
	buckets, n := map[float64]uint64{}, uint64(0)
	for i, bound := range proxy.Bounds {
		if n += t.Counts[i]; shown(bound) {
			buckets[bound.Seconds()] = n
		}
	}
	n += t.Counts[len(proxy.Bounds)]
	ch <- prometheus.MustNewConstHistogram(d, n, t.Sum.Seconds(), buckets, labels...)
}
