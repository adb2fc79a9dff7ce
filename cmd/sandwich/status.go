package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/proxy/route"
	"sandwich/units"
	"sandwich/units/apply"
	"sandwich/units/overlap"
	"sandwich/units/unitfile"
)

// state is a project in one word.
type state string

const (
	stateRunning    state = "running"
	stateStarting   state = "starting"
	stateStopping   state = "stopping"
	stateFailing    state = "failing" // it ended and systemd tries it again
	stateFailed     state = "failed"
	stateListening  state = "listening" // the service is down, the next request starts it
	stateStopped    state = "stopped"
	stateNotEnabled state = "not enabled"
)

// stateOf tells a project's state from those of its service and its socket.
func stateOf(enabled bool, serviceState, serviceSub, socketState string) state {
	switch {
	case serviceState == "active" || serviceState == "reloading":
		return stateRunning
	case serviceSub == "auto-restart":
		return stateFailing
	case serviceState == "activating":
		return stateStarting
	case serviceState == "deactivating":
		return stateStopping
	case serviceState == "failed":
		return stateFailed
	case socketState == "active":
		return stateListening
	case !enabled:
		return stateNotEnabled
	}
	return stateStopped
}

// status is what `sandwich status` tells of one project.
type status struct {
	Name     string     `json:"name"`
	State    state      `json:"state"`
	Enabled  bool       `json:"enabled"`
	Domains  []string   `json:"domains"`
	Since    *time.Time `json:"since,omitempty"`
	Service  string     `json:"service"`
	MainPID  uint32     `json:"main_pid,omitempty"`
	Text     string     `json:"status_text,omitempty"` // what the service says of itself
	Result   string     `json:"result,omitempty"`      // of the last run, when it is not success
	Memory   uint64     `json:"memory_bytes,omitempty"`
	Workers  int        `json:"workers,omitempty"`
	Restarts uint32     `json:"restarts"`
	Served   bool       `json:"served"`             // the proxy has its current route
	Upstream string     `json:"upstream,omitempty"` // the generation that gets its requests: main or next
	Requests uint64     `json:"requests"`
	Rate     float64    `json:"requests_per_second"`   // in the last minute
	Errors   uint64     `json:"errors"`                // answers with a status from 500, since the proxy started, like requests
	P95      float64    `json:"p95_seconds,omitempty"` // 95 of 100 requests were answered in at most about that
	InFlight uint32     `json:"in_flight"`
	Held     uint32     `json:"held"`
	Closed   bool       `json:"maintenance,omitempty"` // visitors get a page with status 503

	Certificates []certificate `json:"certificates,omitempty"` // of its hosts

	Deploy    *deployed `json:"last_deploy,omitempty"` // which brought what serves
	LastError string    `json:"last_error,omitempty"`
	Drift     []string  `json:"drift,omitempty"`
	DropIns   []string  `json:"drop_ins,omitempty"`
}

func newStatus(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "status [NAME...]", Short: "Show the state of projects; exit code 3 when one does not run", Args: cobra.ArbitraryArgs}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		projects, parts := apart(args)
		if len(parts) > 0 {
			return t.statusOfParts(cmd.Context(), projects, parts, *asJSON)
		}
		names, err := t.projects("status", args, *all || len(args) == 0, projectNames)
		if err != nil {
			return err
		}
		list, err := statuses(cmd.Context(), names)
		if err != nil {
			return err
		}
		if err := t.printStatuses(list, *asJSON); err != nil {
			return err
		}
		return exitIfDown(list)
	}
	return cmd
}

// statusOfParts shows workers and timers, and exits with 3 when one of them does not run.
func (t *terminal) statusOfParts(ctx context.Context, projects, parts []string, asJSON bool) error {
	if len(projects) > 0 {
		return usageError("projects and their parts are shown apart\nhint: sandwich status %s", strings.Join(parts, " "))
	}
	list, err := listJobs(ctx, parts)
	if err != nil {
		return err
	}
	if err := t.printJobs(list, asJSON); err != nil {
		return err
	}
	for _, one := range list {
		if one.State != stateRunning && one.State != stateWaiting {
			return &exitError{code: exitNotRunning}
		}
	}
	return nil
}

func exitIfDown(list []status) error {
	for _, one := range list {
		if one.State != stateRunning && one.State != stateListening {
			return &exitError{code: exitNotRunning}
		}
	}
	return nil
}

func statuses(ctx context.Context, names []string) ([]status, error) {
	h, err := openHost(ctx)
	if err != nil {
		return nil, err
	}
	defer h.close()
	routes, err := h.proxy.Routes(ctx, names...)
	if err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return nil, err
	}
	certificates, err := h.proxy.Certificates(ctx)
	if err != nil && !errors.Is(err, dbusctl.ErrNoProxy) {
		return nil, err
	}
	both := make([]string, 0, 2*len(names))
	for _, name := range names {
		both = append(both, units.Service(name), units.Socket(name))
	}
	states, err := h.systemd.Overview(ctx, both...)
	if err != nil {
		return nil, err
	}
	looker := &looker{units: states, routes: routes, certificates: byProject(certificates)}
	if summary, err := h.proxy.Summary(ctx); err == nil {
		looker.bounds = summary.Bounds
	}
	return looker.all(names), nil
}

// looker knows what systemd and the proxy say of projects.
type looker struct {
	units        map[string]dbusctl.Unit
	routes       map[string]dbusctl.Route
	bounds       []time.Duration
	certificates map[string][]certificate
}

func (l *looker) all(names []string) []status {
	list := make([]status, len(names))
	sideways(len(names), func(i int) {
		name := names[i]
		list[i] = statusOf(name, l.units[units.Service(name)], l.units[units.Socket(name)], l.routes[name])
		list[i].P95 = quantile(0.95, l.routes[name].Durations, l.bounds).Seconds()
		list[i].Certificates = l.certificates[name]
	})
	return list
}

// sideways does something with the numbers up to n, as many at a time as there are processors.
func sideways(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// quantile is the bound below which that share of the counted times lies, 0 when nothing was
// counted or it lies above the last bound.
func quantile(share float64, counts []uint64, bounds []time.Duration) time.Duration {
	var total, sum uint64
	for _, n := range counts {
		total += n
	}
	for i, n := range counts {
		if sum += n; sum > 0 && i < len(bounds) && float64(sum) >= share*float64(total) {
			return bounds[i]
		}
	}
	return 0
}

var workersLoaded = regexp.MustCompile(`^\d+ of (\d+) workers`)

// workersOf reads how many workers a service says that it has.
func workersOf(text string) int {
	if m := workersLoaded.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

func statusOf(name string, service, socket dbusctl.Unit, served dbusctl.Route) status {
	enabled := enabled(name)
	if service.MainPID == 0 {
		service.StatusText = "" // the last words of a process that has ended
	}
	s := status{
		Name: name, Enabled: enabled, Service: service.Name,
		State:   stateOf(enabled, service.ActiveState, service.SubState, socket.ActiveState),
		MainPID: service.MainPID, Text: service.StatusText, Memory: service.Memory, Restarts: service.Restarts, Workers: workersOf(service.StatusText), Errors: served.Failed,
		Upstream: served.Upstream, Requests: served.Requests, Rate: served.RequestRate, InFlight: served.InFlight, Held: served.Held, LastError: served.LastUpstreamError, Closed: apply.SystemDirs.InMaintenance(name),
		DropIns: append(socket.DropIns, service.DropIns...),
	}
	if !service.Since.IsZero() && s.State == stateRunning {
		s.Since = &service.Since
	}
	if service.Result != "success" {
		s.Result = service.Result
	}
	s.addRoute(served)
	s.Drift = drift(service, socket)
	s.Deploy = lastDeploy(name)
	return s
}

// addRoute tells what the compiled route says, and whether the proxy serves just that.
func (s *status) addRoute(served dbusctl.Route) {
	content, err := os.ReadFile(filepath.Join(apply.SystemDirs.Routes, s.Name+".json"))
	if s.Served = err == nil && served.Hash == route.Hash(content); s.Served {
		s.Domains = served.Domains // the proxy has read just that
		return
	}
	s.Domains = compiledDomains(s.Name)
}

// drift names the generated files that somebody edited, and units that are older than their files.
func drift(list ...dbusctl.Unit) []string {
	var found []string
	for _, unit := range list {
		content, err := os.ReadFile(unit.Fragment)
		if err != nil {
			continue
		}
		if intact, _, ours := unitfile.Check(string(content)); ours && !intact {
			found = append(found, unit.Fragment+" was edited by hand")
		}
		if unit.NeedReload {
			found = append(found, unit.Name+" changed since systemd read it")
		}
		if info, err := os.Stat(unit.Fragment); err == nil && runsOlder(unit, info.ModTime()) {
			found = append(found, unit.Name+" runs since before its file was written")
		}
	}
	return found
}

func runsOlder(unit dbusctl.Unit, written time.Time) bool {
	return strings.HasSuffix(unit.Name, ".service") && unit.MainPID != 0 && unit.Started.Before(written)
}

func (t *terminal) printStatuses(list []status, asJSON bool) error {
	if asJSON {
		return t.json("projects", list)
	}
	for i, one := range list {
		if i > 0 {
			t.say("")
		}
		for _, line := range one.lines(t.width()) {
			t.say("%s", line)
		}
	}
	return nil
}

// lines is a status for people: only what there is to say. Host names that do not fit into the width are
// counted.
func (s status) lines(width int) []string {
	head := s.Name + ": " + string(s.State)
	if s.State == stateListening {
		head += ": the next request starts it"
	}
	if s.Since != nil {
		head += " since " + s.Since.Format(time.DateTime) + " (" + ago(*s.Since) + ")"
	}
	list := []string{head}
	add := func(label, text string) {
		if text != "" {
			list = append(list, "  "+label+": "+text)
		}
	}
	add("domains", fitting(s.Domains, ", ", max(width-len("  domains: "), 0)))
	add("service", s.serviceLine())
	add("result", s.Result)
	if s.Enabled {
		add("proxy", s.proxyLine())
	}
	if s.Closed {
		add("maintenance", "on: visitors get 503 (sandwich maintenance off "+s.Name+")")
	}
	list = append(list, certificateLines(s.Name, s.Certificates, width)...)
	if s.Deploy != nil {
		add("deployed", s.Deploy.line())
	}
	add("last error", s.LastError)
	for _, text := range s.Drift {
		add("drift", text)
	}
	for _, path := range s.DropIns {
		add("drop-in", path)
	}
	return list
}

func (s status) serviceLine() string {
	parts := []string{s.Service}
	if s.MainPID != 0 {
		parts = append(parts, "pid "+strconv.Itoa(int(s.MainPID)))
	}
	if s.Memory != 0 {
		parts = append(parts, size(s.Memory))
	}
	if s.Restarts != 0 {
		parts = append(parts, count(s.Restarts, "automatic restart"))
	}
	if s.Text != "" && s.MainPID != 0 { // what it said before it ended is no news
		parts = append(parts, s.Text)
	}
	return strings.Join(parts, ", ")
}

func (s status) proxyLine() string {
	if !s.Served {
		return "does not serve the current route (sandwich apply " + s.Name + ")"
	}
	if s.Upstream == overlap.Next {
		return "sends requests to " + units.NextService(s.Name) + " (sandwich restart " + s.Name + " finishes that)"
	}
	line := count(s.Requests, "request") + " (" + strconv.FormatFloat(s.Rate, 'f', 1, 64) + " a second in the last minute), " + count(s.Errors, "error") + ", "
	if s.P95 > 0 {
		line += "95% within " + time.Duration(s.P95*float64(time.Second)).String() + ", "
	}
	line += strconv.Itoa(int(s.InFlight)) + " in flight"
	if s.Held > 0 {
		line += ", " + strconv.Itoa(int(s.Held)) + " waiting"
	}
	return line
}
