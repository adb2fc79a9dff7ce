//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"sandwich/test/load"
)

// scenario is something that happens to a project, or beside it, while it is visited.
type scenario struct {
	name    string
	classes []string // of workers that a short run has it for; default: sync
	only    bool     // these classes are all it makes sense for
	once    bool     // it happens once, however long the run
	lasting bool     // it happens once in a short run
	project func(*shop)
	prepare func(*stage)
	event   func(g *stage, number int)
	judge   func(*stage, *result) []string // says what is wrong; default: unnoticed
	restore func(*stage)
}

// size is how much of everything a run has.
type size struct {
	rate        float64 // requests a second
	lasts       time.Duration
	control     time.Duration // of the run without an event
	importing   time.Duration // of the application
	between     time.Duration // events begin so far apart, or when the one before is done
	events      int
	connections []int
	graceful    time.Duration // how long a restart waits for WebSockets to end
	projects    int           // of "sandwich restart --all"
	applies     int           // of another project
}

var (
	shortRun = size{
		rate: 100, lasts: 4 * time.Second, control: 2 * time.Second, importing: 500 * time.Millisecond,
		between: time.Second, events: 2, connections: []int{20}, graceful: 3 * time.Second, projects: 5, applies: 5,
	}
	longRun = size{
		rate: 200, lasts: 60 * time.Second, control: 15 * time.Second, importing: 1500 * time.Millisecond,
		between: 6 * time.Second, events: 10, connections: []int{20, 500}, graceful: 10 * time.Second, projects: 50, applies: 100,
	}
)

func (s size) long() bool { return s.events == longRun.events }

// stage is one scenario on its way.
type stage struct {
	*testing.T
	*shop
	size
	scenario    scenario
	connections int
	streams     []load.Load // beside the usual ones
	sockets     *load.Sockets
	deaths      []death
	worst       float64         // of the run without an event, in milliseconds
	quiet       map[int]float64 // for each number of connections what worst was before
	notes       []string
}

// death is a process that was killed between two moments.
type death struct{ from, to time.Time }

// result is what the visitors saw.
type result struct {
	*load.Report
	sockets *load.SocketReport
}

// play runs the scenario under load and gives its row of the table.
func (g *stage) play() row {
	g.Helper()
	g.forgetIDs()
	if g.scenario.prepare != nil {
		g.scenario.prepare(g)
	}
	seen := g.underLoad(g.happen)
	if g.scenario.restore != nil {
		g.scenario.restore(g)
	}
	judge := g.scenario.judge
	if judge == nil {
		judge = unnoticed
	}
	for _, wrong := range append(judge(g, seen), g.countIDs(seen)...) {
		g.Error(wrong)
	}
	g.steady()
	return g.row(seen)
}

// happen has the events happen, one after the other.
func (g *stage) happen() {
	begun := time.Now()
	for number := range g.count() {
		<-time.After(time.Until(begun.Add(time.Duration(number) * g.between)))
		g.scenario.event(g, number)
	}
	<-time.After(time.Until(begun.Add(g.lasts)))
}

// count is how often it happens.
func (g *stage) count() int {
	if g.scenario.once || g.scenario.lasting && !g.long() {
		return 1
	}
	return g.events
}

// underLoad sends requests from a moment before something happens until a moment after.
func (g *stage) underLoad(during func()) *result {
	ctx, stop := context.WithCancel(context.Background())
	seen := make(chan *result, 1)
	go func() { seen <- g.visit(ctx) }()
	const around = 500 * time.Millisecond
	func() {
		defer stop()
		<-time.After(around)
		during()
		<-time.After(around)
	}()
	return <-seen
}

// visit sends requests until ctx ends.
func (g *stage) visit(ctx context.Context) *result {
	held := make(chan *load.SocketReport, 1)
	go func() {
		if g.sockets == nil {
			held <- nil
			return
		}
		report, err := g.sockets.Run(ctx)
		if err != nil {
			g.Error(err)
		}
		held <- report
	}()
	report, err := load.Run(ctx, append(g.usual(), g.streams...)...)
	if err != nil {
		g.Error(err)
	}
	return &result{report, <-held}
}

// usual is what visitors ask for: half of them over kept connections, half over new ones, and now
// and then something that lasts.
func (g *stage) usual() []load.Load {
	quick := g.stream(g.rate/2, []load.Request{
		{Path: "/", Weight: 13}, {Path: "/version", Weight: 1},
		{Path: "/echo", Post: 300, Weight: 5}, {Path: "/echo", Post: 20000, Weight: 1},
	})
	kept := quick
	kept.KeepAlive = true
	return []load.Load{quick, kept, g.stream(1, []load.Request{
		{Path: "/stream?parts=20&seconds=0.5", Takes: 500 * time.Millisecond, Whole: true, Weight: 3},
		{Path: "/slow?seconds=1", Takes: time.Second, Weight: 1},
	})}
}

// stream is a stream of requests to the project.
func (g *stage) stream(rate float64, mix []load.Request) load.Load {
	return load.Load{
		URL: "http://127.0.0.1/", Host: g.host(), Rate: rate, Mix: mix,
		Duration: time.Hour, Connections: g.connections, Dial: g.Dial, Timeout: patience,
	}
}

// unnoticed is the verdict that no request and no WebSocket failed.
func unnoticed(_ *stage, seen *result) []string {
	var wrong []string
	if seen.Sent == 0 || seen.Failed > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d requests failed: %s; %s", seen.Failed, seen.Sent, tally(seen.Kinds), seen.FirstFailure))
	}
	if bad := seen.Answers["release "+badRelease]; bad > 0 {
		wrong = append(wrong, fmt.Sprintf("%d requests were answered by code that must not serve", bad))
	}
	return append(wrong, toldSockets(seen)...)
}

// toldSockets are WebSockets that were told before they ended, and could be opened again at once.
func toldSockets(seen *result) []string {
	if seen.sockets != nil && (seen.sockets.Cut() > 0 || len(seen.sockets.Refused) > 0 || seen.sockets.Echoed == 0) {
		return []string{seen.sockets.String()}
	}
	return nil
}

// onlyInside is the verdict that only requests inside a killed process failed, and none of these.
func onlyInside(never ...string) func(*stage, *result) []string {
	return func(g *stage, seen *result) []string {
		var wrong []string
		for _, f := range seen.Failures {
			if slices.Contains(never, f.Request) {
				wrong = append(wrong, fmt.Sprintf("%s failed: %s", f.Request, f.Kind))
			} else if !g.diedWithin(f) {
				wrong = append(wrong, fmt.Sprintf("%s failed with %s from %s to %s, when no process was killed", f.Request, f.Kind,
					f.Sent.Format("05.000"), f.Ended.Format("05.000")))
			}
		}
		if seen.sockets != nil && len(seen.sockets.Refused) > 0 {
			wrong = append(wrong, seen.sockets.String())
		}
		slices.Sort(wrong)
		return summarized(wrong)
	}
}

func (g *stage) diedWithin(f load.Failure) bool {
	return slices.ContainsFunc(g.deaths, func(d death) bool { return f.Sent.Before(d.to) && f.Ended.After(d.from) })
}

func summarized(all []string) []string {
	const enough = 5
	if len(all) <= enough {
		return all
	}
	return append(all[:enough], fmt.Sprintf("and %d more", len(all)-enough))
}

func tally[K comparable](counts map[K]int) string {
	var words []string
	for what, count := range maps.All(counts) {
		words = append(words, fmt.Sprintf("%d %v", count, what))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// countIDs compares the bodies that the application read with those that were sent: none was read
// twice, and each that was answered was read.
func (g *stage) countIDs(seen *result) []string {
	times := map[string]int{}
	for id := range strings.Lines(g.ids()) {
		times[strings.TrimSpace(id)]++
	}
	twice, lost := 0, 0
	for _, count := range times {
		if count > 1 {
			twice++
		}
	}
	for _, id := range seen.Done {
		if times[id] == 0 {
			lost++
		}
	}
	if twice+lost > 0 {
		return []string{fmt.Sprintf("of %d bodies %d were read twice and %d answered without having been read", len(times), twice, lost)}
	}
	return nil
}
