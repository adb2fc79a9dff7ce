package dbusctl

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/prop"
)

// fakeManager is a systemd whose units are all idle, and counts what it is asked.
type fakeManager struct {
	asked atomic.Int64
	dirs  []string
	stale string // the path of a unit whose files have changed
}

type listedUnit struct {
	Name, Description, Load, Active, Sub, Following string
	Path                                            dbus.ObjectPath
	Job                                             uint32
	JobType                                         string
	JobPath                                         dbus.ObjectPath
}

func (m *fakeManager) Subscribe() *dbus.Error { return nil }

func (m *fakeManager) ListUnitsByNames(names []string) ([]listedUnit, *dbus.Error) {
	m.asked.Add(1)
	var list []listedUnit
	for _, name := range names {
		u := listedUnit{Name: name, Load: "loaded", Active: "inactive", Sub: "dead", Path: "/", JobPath: "/"}
		if filepath.Ext(name) == ".socket" {
			u.Active, u.Sub = "active", "listening"
		}
		list = append(list, u)
	}
	return list, nil
}

// get is Get of org.freedesktop.DBus.Properties for every unit.
func (m *fakeManager) get(call dbus.Message, _, property string) (dbus.Variant, *dbus.Error) {
	m.asked.Add(1)
	switch path, _ := call.Headers[dbus.FieldPath].Value().(dbus.ObjectPath); property {
	case "NeedDaemonReload":
		return dbus.MakeVariant(m.stale != "" && strings.HasSuffix(string(path), m.stale)), nil
	case "DropInPaths":
		return dbus.MakeVariant([]string{}), nil
	case "FragmentPath":
		return dbus.MakeVariant("/etc/x"), nil
	}
	return dbus.Variant{}, prop.ErrPropNotFound
}

func newFakeManager(t *testing.T, units []string, loaded time.Time, stale string) *fakeManager {
	t.Helper()
	systemBus(t)
	m := &fakeManager{dirs: []string{t.TempDir()}, stale: stale}
	for _, name := range units {
		must(t, os.WriteFile(filepath.Join(m.dirs[0], name), nil, 0o644))
	}
	conn, err := dbus.ConnectSystemBus()
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	const path, name = "/org/freedesktop/systemd1", "org.freedesktop.systemd1"
	must(t, conn.Export(m, path, name+".Manager"))
	must(t, conn.ExportSubtreeMethodTable(map[string]any{"Get": m.get}, path+"/unit", "org.freedesktop.DBus.Properties"))
	_, err = prop.Export(conn, path, prop.Map{name + ".Manager": {
		"UnitPath":           {Value: m.dirs},
		"UnitsLoadTimestamp": {Value: uint64(loaded.UnixMicro())},
	}})
	must(t, err)
	_, err = conn.RequestName(name, 0)
	must(t, err)
	return m
}

func overview(t *testing.T, names []string) map[string]Unit {
	t.Helper()
	systemd, err := Connect(t.Context())
	must(t, err)
	defer systemd.Close()
	found, err := systemd.Overview(t.Context(), names...)
	must(t, err)
	return found
}

func TestTheOverviewOfIdleProjectsAsksAsLittleForManyAsForOne(t *testing.T) {
	for _, n := range []int{1, 200} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var names []string
			for i := range n {
				names = append(names, fmt.Sprintf("sandwich-p%d.service", i), fmt.Sprintf("sandwich-p%d.socket", i))
			}
			m := newFakeManager(t, names, time.Now().Add(time.Hour), "")
			found := overview(t, names)
			for _, name := range names {
				u := found[name]
				if u.LoadState != "loaded" || u.Result != "success" || u.Fragment != filepath.Join(m.dirs[0], name) {
					t.Fatalf("%s: %+v", name, u)
				}
			}
			// All units in one call, and whether systemd agrees about one.
			if asked := m.asked.Load(); asked != 2 {
				t.Errorf("systemd was asked %d times about %d projects, want 2", asked, n)
			}
		})
	}
}

// Everything about a unit takes systemd long among many: it has no GetAll here.
func TestOfUnitsWhoseFilesMayHaveChangedLittleIsAsked(t *testing.T) {
	names := []string{"sandwich-a.service", "sandwich-a.socket", "sandwich-b.service"}
	newFakeManager(t, names, time.Now().Add(-time.Hour), "sandwich_2db_2eservice")
	found := overview(t, names)
	for _, name := range names {
		u := found[name]
		if u.LoadState != "loaded" || u.Fragment != "/etc/x" || u.NeedReload != (name == "sandwich-b.service") {
			t.Errorf("%s: %+v", name, u)
		}
	}
}
