package apply

import (
	"os"
	"path/filepath"
	"testing"
)

func TestMaintenanceIsAFileThatComesAndGoes(t *testing.T) {
	dirs := Dirs{Maintenance: filepath.Join(t.TempDir(), "maintenance")}
	for range 2 {
		if err := dirs.RemoveMaintenance("demo"); err != nil || dirs.InMaintenance("demo") {
			t.Fatalf("open: %v", err)
		}
		if err := dirs.WriteMaintenance("demo", []byte("{}")); err != nil || !dirs.InMaintenance("demo") {
			t.Fatalf("closed: %v", err)
		}
	}
	if info, err := os.Stat(dirs.maintenance("demo")); err != nil || info.Mode() != 0o644 {
		t.Errorf("the proxy may not read it: %v, %v", info.Mode(), err)
	}
}
