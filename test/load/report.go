package load

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Report is the outcome of a load. Times are milliseconds since a request was due.
type Report struct {
	Sent    int            `json:"sent"`
	Failed  int            `json:"failed"` // no answer, a cut one, or a status of 400 and above
	Status  map[int]int    `json:"status"`
	Errors  map[string]int `json:"errors,omitempty"`
	Answers map[string]int `json:"answers,omitempty"` // bodies of up to 64 bytes, at most 16 different ones

	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Late is how much later than due this program itself sent a request, at worst: waits shorter
	// than that say nothing about the server.
	Late float64 `json:"late_ms"`

	// FirstFailure says when the first request failed, in milliseconds since the start, and how.
	FirstFailure string `json:"first_failure,omitempty"`
}

// String is the report in one line.
func (r *Report) String() string {
	line := fmt.Sprintf("%d requests, %d failed, wait p50 %.1f ms, p99 %.1f ms, worst %.1f ms",
		r.Sent, r.Failed, r.P50, r.P99, r.Max)
	if r.FirstFailure != "" {
		line += "; first failure " + r.FirstFailure
	}
	return line
}

type outcome struct {
	at, late, wait time.Duration
	answer         answer
	err            error
}

func (o outcome) failed() bool { return o.err != nil || o.answer.status >= 400 }

func (o outcome) String() string {
	if o.err != nil {
		return fmt.Sprintf("after %d ms: %v", o.at.Milliseconds(), o.err)
	}
	return fmt.Sprintf("after %d ms: status %d", o.at.Milliseconds(), o.answer.status)
}

// recorder collects outcomes; record is safe for concurrent use.
type recorder struct {
	mu    sync.Mutex
	all   Report
	waits []time.Duration
	first *outcome
}

func newRecorder() *recorder {
	return &recorder{all: Report{
		Status: map[int]int{}, Errors: map[string]int{}, Answers: map[string]int{},
	}}
}

func (r *recorder) record(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Sent++
	r.waits = append(r.waits, o.wait)
	r.all.Late = max(r.all.Late, milliseconds(o.late))
	if o.answer.status != 0 {
		r.all.Status[o.answer.status]++
	}
	if o.err != nil {
		r.all.Errors[o.err.Error()]++
	} else {
		r.recordBody(o.answer.body)
	}
	if o.failed() {
		r.all.Failed++
		if r.first == nil || o.at < r.first.at {
			r.first = &o
		}
	}
}

func (r *recorder) recordBody(body string) {
	body = strings.TrimSpace(body)
	if _, known := r.all.Answers[body]; known || len(body) <= 64 && len(r.all.Answers) < 16 {
		r.all.Answers[body]++
	}
}

func (r *recorder) report() *Report {
	slices.Sort(r.waits)
	r.all.P50, r.all.P99, r.all.Max = r.percentile(50), r.percentile(99), r.percentile(100)
	if r.first != nil {
		r.all.FirstFailure = r.first.String()
	}
	return &r.all
}

func (r *recorder) percentile(p int) float64 {
	if len(r.waits) == 0 {
		return 0
	}
	return milliseconds(r.waits[(len(r.waits)-1)*p/100])
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
