package apply

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sandwich/units/unitfile"
)

// fakeHost is systemd and the proxy over a temporary directory. It loads files on a reload, as
// systemd does, and knows which units run from which file.
type fakeHost struct {
	mu      sync.Mutex
	dirs    Dirs
	loaded  map[string]string // unit -> content at the last reload
	started map[string]time.Time
	runs    map[string]string // unit -> content it was started with
	served  map[string]string // project -> route the proxy has
	broken  string            // starting a unit whose file holds this text fails
	reject  string            // a unit whose file holds this text is not loaded
	trying  string            // this unit is being started, again and again
	calls   []string

	questions []string // that change nothing, each with about how many units it was
}

func newFakeHost(t *testing.T) *fakeHost {
	dir := t.TempDir()
	return &fakeHost{
		dirs: Dirs{
			Units: filepath.Join(dir, "units"), Routes: filepath.Join(dir, "routes"), Settings: filepath.Join(dir, "proxy.json"),
		},
		loaded: map[string]string{}, started: map[string]time.Time{},
		runs: map[string]string{}, served: map[string]string{}, broken: "BROKEN", reject: "REJECTED",
	}
}

func (h *fakeHost) call(text string) {
	h.mu.Lock()
	h.calls = append(h.calls, text)
}

func (h *fakeHost) onDisk(unit string) (string, bool) {
	content, err := os.ReadFile(h.dirs.unit(unit))
	return string(content), err == nil
}

func (h *fakeHost) DaemonReload(context.Context) error {
	h.call("reload")
	defer h.mu.Unlock()
	h.loaded = map[string]string{}
	paths, _ := filepath.Glob(h.dirs.unit("*.*"))
	for _, path := range paths {
		content, _ := os.ReadFile(path)
		h.loaded[filepath.Base(path)] = string(content)
	}
	return nil
}

// enabled are the units with links that have them started at boot.
func (h *fakeHost) enabled() map[string]bool {
	enabled := map[string]bool{}
	links, _ := filepath.Glob(h.dirs.unit("*.wants/*"))
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil && target == h.dirs.unit(filepath.Base(link)) {
			enabled[filepath.Base(link)] = true
		}
	}
	return enabled
}

func (h *fakeHost) Start(_ context.Context, units ...string) error {
	h.call("start " + strings.Join(units, " "))
	defer h.mu.Unlock()
	for _, unit := range units {
		if _, up := h.runs[unit]; up {
			continue
		}
		content, ok := h.loaded[fileOf(unit)]
		if !ok {
			return errors.New("cannot start " + unit + " because systemd knows no such unit")
		}
		h.runs[unit], h.started[unit] = content, time.Now()
		if strings.Contains(content, h.broken) {
			return errors.New("cannot start " + unit + " because it is broken")
		}
	}
	return nil
}

func (h *fakeHost) Stop(_ context.Context, units ...string) error {
	h.call("stop " + strings.Join(units, " "))
	defer h.mu.Unlock()
	for _, unit := range units {
		delete(h.runs, unit)
	}
	return nil
}

func (h *fakeHost) Restart(ctx context.Context, units ...string) error {
	if err := h.Stop(ctx, units...); err != nil {
		return err
	}
	return h.Start(ctx, units...)
}

func (h *fakeHost) ReloadOrRestart(_ context.Context, units ...string) error {
	h.call("reload-or-restart " + strings.Join(units, " "))
	h.mu.Unlock()
	return nil
}

func (h *fakeHost) ResetFailed(context.Context, string) error { return nil }

func (h *fakeHost) Units(_ context.Context, names []string) (map[string]UnitState, error) {
	h.asked("units", names)
	states := map[string]UnitState{}
	for _, name := range names {
		states[name] = h.state(name)
	}
	return states, nil
}

func (h *fakeHost) Listed(_ context.Context, names []string) (map[string]UnitState, error) {
	h.asked("listed", names)
	states := map[string]UnitState{}
	for _, name := range names {
		state := h.state(name)
		states[name] = UnitState{LoadState: state.LoadState, ActiveState: state.ActiveState}
	}
	return states, nil
}

// asked counts a question.
func (h *fakeHost) asked(what string, names []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.questions = append(h.questions, fmt.Sprintf("%s %d", what, len(names)))
}

func (h *fakeHost) state(name string) UnitState {
	h.mu.Lock()
	defer h.mu.Unlock()
	content, _ := h.onDisk(fileOf(name))
	state := UnitState{LoadState: "not-found", ActiveState: "inactive", Started: h.started[name]}
	if loaded, ok := h.loaded[fileOf(name)]; ok {
		state.LoadState, state.NeedReload = "loaded", loaded != content
		if strings.Contains(loaded, h.reject) {
			state.LoadState, state.LoadError = "bad-setting", "line 3"
		}
	}
	if _, up := h.runs[name]; up {
		state.ActiveState = "active"
	}
	if name == h.trying {
		state.ActiveState = "activating"
	}
	return state
}

func (h *fakeHost) Loaded(_ context.Context, pattern string) ([]string, error) {
	h.asked("loaded", []string{pattern})
	h.mu.Lock()
	defer h.mu.Unlock()
	var names []string
	for unit := range h.runs {
		if ok, err := filepath.Match(pattern, unit); ok || err != nil {
			names = append(names, unit)
		}
	}
	return names, nil
}

func (h *fakeHost) Apply(_ context.Context, project string) error {
	h.call("apply " + project)
	defer h.mu.Unlock()
	content, err := os.ReadFile(h.dirs.route(project))
	h.served[project] = string(content)
	return err
}

func (h *fakeHost) Forget(_ context.Context, project string) error {
	h.call("forget " + project)
	defer h.mu.Unlock()
	delete(h.served, project)
	return nil
}

// unit makes a sealed unit file whose description holds a text.
func unit(t *testing.T, name, text string, installs bool) unitfile.File {
	t.Helper()
	var u unitfile.Unit
	description, err := unitfile.Text(text)
	if err != nil {
		t.Fatal(err)
	}
	u.Add("Unit", "Description", description)
	if installs {
		u.Add("Install", "WantedBy", unitfile.Literal("multi-user.target"))
	}
	file, err := unitfile.Seal(name, "/etc/sandwich/projects/x.hcl", &u)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// wanted is a project whose service's description holds a text.
func wanted(t *testing.T, name, text string) Wanted {
	return Wanted{
		Name: name, Domain: name + ".example", Start: true, Route: []byte(`{"name":"` + name + `"}`),
		Units: []unitfile.File{
			unit(t, "sandwich-"+name+".slice", name, false),
			unit(t, "sandwich-"+name+".socket", name, true),
			unit(t, "sandwich-"+name+".service", text, true),
			unit(t, "sandwich-"+name+".target", name, true),
		},
	}
}
