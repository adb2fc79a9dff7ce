package apply

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// crowd is n projects.
func crowd(t *testing.T, n int) (list []Wanted) {
	for i := range n {
		list = append(list, wanted(t, fmt.Sprintf("p%d", i), "one"))
	}
	return list
}

// applyAll is apply as a command does it: all are looked at together.
func (b *bench) applyAll(list []Wanted) map[string]error {
	b.Helper()
	found, errs := LookAll(b.Context(), b.host.dirs, b.host, list, nil)
	var plans []Plan
	for i, w := range list {
		if errs[i] != nil {
			b.Fatal(errs[i])
		}
		plans = append(plans, Make(b.host.dirs, w, found[i]))
	}
	return b.runner().Run(b.Context(), plans)
}

// common are the calls and questions that are not about one project alone.
func (b *bench) common() (list []string) {
	for _, call := range b.host.calls {
		switch verb, _, _ := strings.Cut(call, " "); verb {
		case "reload":
			list = append(list, verb)
		}
	}
	for _, question := range b.host.questions {
		what, _, _ := strings.Cut(question, " ")
		list = append(list, what)
	}
	b.host.calls, b.host.questions = nil, nil
	return list
}

func TestManyProjectsAskSystemdNoMoreThanOneDoes(t *testing.T) {
	for _, n := range []int{1, 20} {
		b := newBench(t)
		expect := func(what string, list []Wanted, want ...string) {
			t.Helper()
			if failed := b.applyAll(list); len(failed) > 0 {
				t.Fatal(failed)
			}
			if got := b.common(); !slices.Equal(got, want) {
				t.Errorf("%s %d projects: %v, want %v", what, n, got, want)
			}
		}
		list := crowd(t, n)
		expect("enable", list, "reload", "loaded", "units", "listed")
		for i := range list {
			list[i].Units[2] = unit(t, list[i].Units[2].Name, "two", true)
		}
		expect("change", list, "reload", "loaded", "units", "listed")
		for i := range list {
			list[i] = gone(list[i].Name)
		}
		expect("disable", list, "reload", "loaded", "units", "listed")
	}
}

func TestWhoCannotBeEnabledFailsAlone(t *testing.T) {
	b := newBench(t)
	list := crowd(t, 3)
	inTheWay := b.host.dirs.unit("multi-user.target.wants/sandwich-p1.socket")
	if err := os.MkdirAll(inTheWay, 0o755); err != nil {
		t.Fatal(err)
	}
	failed := b.applyAll(list)
	if len(failed) != 1 || failed["p1"] == nil || !strings.Contains(failed["p1"].Error(), "cannot enable") {
		t.Errorf("failed: %v", failed)
	}
	for _, name := range []string{"p0", "p2"} {
		if !b.host.enabled()["sandwich-"+name+".socket"] || b.host.served[name] == "" {
			t.Errorf("%s is not there: %v", name, b.host.enabled())
		}
	}
	for unit := range b.host.enabled() {
		if strings.HasPrefix(unit, "sandwich-p1.") {
			t.Errorf("%s is still enabled", unit)
		}
	}
}

func TestAProjectsUnitsAreKnownByTheirNames(t *testing.T) {
	dirs := Dirs{Units: t.TempDir()}
	for _, name := range []string{"sandwich-a.service", "sandwich-a.next.socket", `sandwich-a\x2db.slice`, "sandwich-a-b.service", "a.service", "sandwich-a.txt"} {
		if err := os.WriteFile(dirs.unit(name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := dirs.projects()
	want := map[string][]string{"a": {"sandwich-a.next.socket", "sandwich-a.service"}, "a-b": {"sandwich-a-b.service", `sandwich-a\x2db.slice`}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v; want %v", got, err, want)
	}
}
