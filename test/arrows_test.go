// Package test checks what is true of the source tree as a whole.
package test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// order is every room of the house, top first: a package may import what stands below it only.
// Packages below a room (proxy/route) belong to the nearest room above them.
var order = []string{
	"test", "cmd", "units/release", "units/apply", "units/envfile", "units/overlap", "units/inventory", "units/why", "units/doctor", "units/machine", "units",
	"units/project/hostcheck", "units/project", "units/django", "units/unitfile",
	"dbusctl", "socketact", "proxy", "packaging",
}

// doors are the only rooms that may import a package, by the beginning of its path.
var doors = map[string][]string{
	"sandwich/dbusctl":                            {"sandwich/cmd"},
	"github.com/hashicorp/hcl":                    {"sandwich/units/project", "sandwich/units/inventory", "sandwich/cmd"},
	"github.com/zclconf/go-cty":                   {"sandwich/units/project"},
	"github.com/godbus/dbus":                      {"sandwich/dbusctl", "sandwich/proxy/bus"},
	"github.com/coreos/go-systemd/v22/dbus":       {"sandwich/dbusctl"},
	"github.com/coreos/go-systemd/v22/journal":    {"sandwich/proxy/journal"},
	"github.com/coreos/go-systemd/v22/activation": {"sandwich/socketact"},
	"github.com/spf13/cobra":                      {"sandwich/cmd"},
	"github.com/quic-go/quic-go":                  {"sandwich/proxy/h3"},
}

// pure packages open nothing: they are given bytes and give values.
var pure = []string{"sandwich/units", "sandwich/units/why", "sandwich/units/doctor", "sandwich/units/unitfile", "sandwich/proxy/route"}

func TestImportsPointDownTheListOfRooms(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "sandwich/...").Output()
	if err != nil {
		t.Fatalf("cannot list packages: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		for _, imported := range words[1:] {
			judge(t, words[0], imported)
		}
	}
}

func judge(t *testing.T, importer, imported string) {
	t.Helper()
	from := slices.Index(order, room(importer))
	if from < 0 {
		t.Fatalf("%s is in no room of the house: add its place to the order", importer)
	}
	if to := slices.Index(order, room(imported)); to >= 0 && to < from {
		t.Errorf("%s imports %s, but %s stands below %s: turn the arrow round, for example with an interface that the lower one declares",
			importer, imported, order[from], order[to])
	}
	for module, rooms := range doors {
		if within(imported, module) && !slices.ContainsFunc(rooms, func(r string) bool { return within(importer, r) }) && room(importer) != "test" {
			t.Errorf("%s imports %s, which only %s may: everything about it is behind that door", importer, imported, strings.Join(rooms, " and "))
		}
	}
	if slices.Contains(pure, importer) && slices.Contains([]string{"os", "os/exec", "net/http"}, imported) {
		t.Errorf("%s imports %s, but it is pure: give it bytes and values", importer, imported)
	}
}

// room is the longest entry of order that the package is in, or "" for other people's packages.
func room(path string) string {
	path, ours := strings.CutPrefix(path, "sandwich/")
	best := ""
	for _, r := range order {
		if ours && within(path, r) && len(r) > len(best) {
			best = r
		}
	}
	return best
}

func within(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
