package main

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sandwich/dbusctl"
	"sandwich/units"
)

// job is a copy of a worker, or a timer, as `sandwich jobs` shows it.
type job struct {
	Name     string     `json:"name"` // client-x.celery@1, client-x.clearsessions
	Project  string     `json:"project"`
	Kind     string     `json:"kind"` // worker or timer
	State    state      `json:"state"`
	Unit     string     `json:"unit"`
	Since    *time.Time `json:"since,omitempty"` // when what runs began
	MainPID  uint32     `json:"main_pid,omitempty"`
	Memory   uint64     `json:"memory_bytes,omitempty"`
	Restarts uint32     `json:"restarts"`
	Last     *time.Time `json:"last_run,omitempty"`    // when the last run began
	Seconds  float64    `json:"last_seconds"`          // how long it took
	Result   string     `json:"last_result,omitempty"` // success, or systemd's word for what went wrong
	Exit     int32      `json:"last_exit_status"`
	Next     *time.Time `json:"next_run,omitempty"`
}

// stateWaiting is a timer between two runs.
const stateWaiting state = "waiting"

func newJobs(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "jobs [NAME...]",
		Short: "Show the workers and timers of projects: states, last results, next runs",
		Args:  cobra.ArbitraryArgs,
	}
	all := allFlag(cmd)
	asJSON := jsonFlag(cmd)
	cmd.ValidArgsFunction = completeParts
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *all && len(args) > 0 {
			return usageError("--all and names exclude each other\nhint: sandwich jobs --all")
		}
		list, err := listJobs(cmd.Context(), args)
		if err != nil {
			return err
		}
		return t.printJobs(list, *asJSON)
	}
	return cmd
}

func (t *terminal) printJobs(list []job, asJSON bool) error {
	if asJSON {
		return t.json("jobs", list)
	}
	if len(list) == 0 {
		t.say("no workers and no timers")
		return nil
	}
	rows := make([][]string, 0, len(list))
	for _, j := range list {
		rows = append(rows, []string{j.Name, j.Kind, string(j.State), j.lastRun(), j.result(), j.nextRun()})
	}
	t.table([]string{"JOB", "KIND", "STATE", "LAST RUN", "RESULT", "NEXT RUN"}, rows)
	return nil
}

// listJobs are the jobs of projects, or single ones; without names, all there are.
func listJobs(ctx context.Context, args []string) ([]job, error) {
	projects, parts := apart(args)
	if len(args) == 0 {
		projects = enabledNames()
	} else if _, err := known(append(slices.Clone(projects), projectsWith(parts)...)); err != nil {
		return nil, err
	}
	h, err := openHost(ctx)
	if err != nil {
		return nil, err
	}
	defer h.close()
	list := []job{}
	for _, name := range projects {
		for _, part := range partNames(name) {
			parts = append(parts, name+"."+part)
		}
	}
	slices.Sort(parts)
	for _, name := range slices.Compact(parts) {
		some, err := jobsOf(ctx, h, parsePart(name))
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	return list, nil
}

// projectsWith are the projects that these workers and timers are of.
func projectsWith(parts []string) (projects []string) {
	for _, name := range parts {
		projects = append(projects, parsePart(name).project)
	}
	return projects
}

// jobsOf are a timer, or the copies of a worker: those that should run and those that do.
func jobsOf(ctx context.Context, h *host, p part) ([]job, error) {
	if p.isTimer() && !p.isWorker() {
		one, err := timerJob(ctx, h, p)
		return []job{one}, err
	}
	if p.number != 0 || !p.isWorker() {
		services, err := p.services()
		if err != nil {
			return nil, err
		}
		one, err := workerJob(ctx, h, p.project, services[0])
		return []job{one}, err
	}
	pattern := strings.Replace(units.WorkerTemplate(p.project, p.name), "@.", "@*.", 1)
	loaded, err := h.systemd.Loaded(ctx, pattern)
	if err != nil {
		return nil, err
	}
	wanted, _ := p.copies()
	var list []job
	for _, unit := range unique(append(loaded, wanted...)) {
		one, err := workerJob(ctx, h, p.project, unit)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// unique sorts copies by their numbers.
func unique(names []string) []string {
	set := map[string]bool{}
	for _, name := range names {
		set[name] = true
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

func workerJob(ctx context.Context, h *host, project, unit string) (job, error) {
	state, err := h.systemd.Unit(ctx, unit)
	if err != nil {
		return job{}, err
	}
	j := job{Name: strings.TrimSuffix(strings.TrimPrefix(unit, "sandwich-"), ".service"), Project: project, Kind: "worker", State: workerState(state)}
	j.add(state)
	return j, nil
}

func workerState(u dbusctl.Unit) state {
	return stateOf(true, u.ActiveState, u.SubState, "")
}

func timerJob(ctx context.Context, h *host, p part) (job, error) {
	timer, err := h.systemd.Timer(ctx, units.Timer(p.project, p.name))
	if err != nil {
		return job{}, err
	}
	service, err := h.systemd.Unit(ctx, units.TimerService(p.project, p.name))
	if err != nil {
		return job{}, err
	}
	j := job{Name: p.String(), Project: p.project, Kind: "timer", State: timerState(timer.ActiveState, service.ActiveState)}
	j.add(service)
	if j.Last == nil && !timer.Last.IsZero() {
		j.Last = &timer.Last // before the host was started
	}
	if !timer.Next.IsZero() {
		j.Next = &timer.Next
	}
	return j, nil
}

// timerState tells a timer's state from its own and that of what it starts.
func timerState(timer, service string) state {
	switch {
	case service == "active" || service == "activating":
		return stateRunning
	case timer == "active" && service == "failed":
		return stateFailed
	case timer == "active":
		return stateWaiting
	}
	return stateStopped
}

// add tells what the service says of its last run.
func (j *job) add(u dbusctl.Unit) {
	j.Unit, j.MainPID, j.Memory, j.Restarts = u.Name, u.MainPID, u.Memory, u.Restarts
	if u.Ran.IsZero() {
		return
	}
	j.Last = &u.Ran
	if u.MainPID != 0 {
		j.Since = &u.Ran
		return
	}
	j.Result, j.Exit = u.Result, u.ExitStatus
	if u.Ended.After(u.Ran) {
		j.Seconds = u.Ended.Sub(u.Ran).Round(time.Millisecond).Seconds()
	}
}

func (j job) lastRun() string {
	if j.Last == nil {
		return "never"
	}
	if j.Kind == "timer" && j.Since == nil && j.Seconds > 0 {
		return ago(*j.Last) + ", " + strconv.FormatFloat(j.Seconds, 'g', 3, 64) + " s"
	}
	return ago(*j.Last)
}

func (j job) result() string {
	switch {
	case j.Since != nil && j.Restarts > 0:
		return count(j.Restarts, "automatic restart")
	case j.Result == "exit-code":
		return "exit status " + strconv.Itoa(int(j.Exit))
	}
	return j.Result
}

func (j job) nextRun() string {
	if j.Next == nil {
		return ""
	}
	return j.Next.Format(time.DateTime) + " (in " + until(*j.Next) + ")"
}

// until words the time to a moment to come.
func until(next time.Time) string {
	d := time.Until(next)
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(int(d.Seconds()), 0)) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}
