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
	Sent    int              `json:"sent"`
	Failed  int              `json:"failed"` // no answer, a cut one, or a status of 400 and above
	Status  map[int]int      `json:"status"`
	Kinds   map[string]int   `json:"failures,omitempty"` // how many failed in each way
	Errors  map[string]int   `json:"errors,omitempty"`
	Paths   map[string]Tally `json:"paths"`             // of each method and path
	Answers map[string]int   `json:"answers,omitempty"` // bodies of up to 64 bytes, at most 16 different ones

	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
	// Gap is the longest time in which no request succeeded.
	Gap float64 `json:"gap_ms"`
	// Late is how much later than due this program itself sent a request, at worst: waits shorter
	// than that say nothing about the server.
	Late float64 `json:"late_ms"`
	// Stale is how many kept connections the server closed between two requests.
	Stale int `json:"stale_connections,omitempty"`

	// FirstFailure says when the first request failed, in milliseconds since the start, and how.
	FirstFailure string `json:"first_failure,omitempty"`

	Failures []Failure `json:"-"`
	Done     []string  `json:"-"` // ids of the bodies that were answered without a failure
}

// Tally counts the requests of one kind.
type Tally struct {
	Sent   int `json:"sent"`
	Failed int `json:"failed"`
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

// recorder collects outcomes; record is safe for concurrent use.
type recorder struct {
	start time.Time

	mu      sync.Mutex
	all     Report
	waits   []time.Duration
	success []time.Duration // since the start
	end     time.Duration   // when the last request was due
	first   *outcome
}

func newRecorder(start time.Time) *recorder {
	return &recorder{start: start, all: Report{
		Status: map[int]int{}, Kinds: map[string]int{}, Errors: map[string]int{},
		Paths: map[string]Tally{}, Answers: map[string]int{},
	}}
}

func (r *recorder) record(o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Sent++
	r.all.Stale += o.stale
	r.waits = append(r.waits, o.wait())
	r.end = max(r.end, o.due.Sub(r.start))
	r.all.Late = max(r.all.Late, milliseconds(o.begun.Sub(o.due)))
	if o.answer.status != 0 {
		r.all.Status[o.answer.status]++
	}
	if o.err != nil {
		r.all.Errors[o.err.Error()]++
	} else {
		r.recordBody(o.answer.body)
	}
	r.judge(o)
}

func (r *recorder) judge(o outcome) {
	tally := r.all.Paths[o.kind.name]
	tally.Sent++
	if o.failed() {
		tally.Failed++
		r.recordFailure(o)
	} else {
		r.success = append(r.success, o.ended.Sub(r.start))
		if o.id != "" {
			r.all.Done = append(r.all.Done, o.id)
		}
	}
	r.all.Paths[o.kind.name] = tally
}

func (r *recorder) recordFailure(o outcome) {
	f := o.failure()
	r.all.Failed++
	r.all.Kinds[f.Kind]++
	r.all.Failures = append(r.all.Failures, f)
	if r.first == nil || o.due.Before(r.first.due) {
		r.first = &o
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
	r.all.Gap = milliseconds(r.gap())
	if r.first != nil {
		r.all.FirstFailure = r.firstFailure()
	}
	return &r.all
}

func (r *recorder) firstFailure() string {
	after := r.first.due.Sub(r.start).Milliseconds()
	if r.first.err != nil {
		return fmt.Sprintf("after %d ms: %s: %v", after, r.first.kind.name, r.first.err)
	}
	return fmt.Sprintf("after %d ms: %s: status %d", after, r.first.kind.name, r.first.answer.status)
}

func (r *recorder) percentile(p int) float64 {
	if len(r.waits) == 0 {
		return 0
	}
	return milliseconds(r.waits[(len(r.waits)-1)*p/100])
}

// gap is the longest time without a success while requests were due.
func (r *recorder) gap() time.Duration {
	slices.Sort(r.success)
	longest, before := time.Duration(0), time.Duration(0)
	for _, at := range r.success {
		longest, before = max(longest, min(at, r.end)-before), at
	}
	return max(longest, r.end-before)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
