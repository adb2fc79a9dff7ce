package release

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var all = func(string) bool { return true }

// deploys is the history of releases that were deployed one after the other.
func deploys(dirs ...string) History {
	var h History
	for _, dir := range dirs {
		h = h.Deployed("", Entry{Dir: dir, Time: time.Unix(0, 0).UTC()})
	}
	return h
}

func TestARollbackGoesToTheReleaseBefore(t *testing.T) {
	h := deploys("/r/1", "/r/2", "/r/3")
	if got := h.Previous("/r/3", all); got != "/r/2" {
		t.Error(got)
	}
	h = h.BackTo("/r/2")
	if got := h.Previous("/r/2", all); got != "/r/1" {
		t.Errorf("a second rollback goes to %q", got)
	}
	h = h.BackTo("/r/1")
	if got := h.Previous("/r/1", all); got != "" {
		t.Errorf("behind the first release is %q", got)
	}
	h = h.Deployed("/r/1", Entry{Dir: "/r/4"})
	if got := h.Previous("/r/4", all); got != "/r/1" {
		t.Errorf("after a rollback and a deploy it goes to %q", got)
	}
}

func TestTheDeployThatServesIsTheLastThatWasNotWithdrawn(t *testing.T) {
	if got := (History{}).Serving(); got != nil {
		t.Error(got)
	}
	h := deploys("/r/1", "/r/2", "/r/3")
	if got := h.Serving(); got.Dir != "/r/3" {
		t.Error(got)
	}
	if got := h.BackTo("/r/2").Serving(); got.Dir != "/r/2" {
		t.Errorf("after a rollback it is %v", got)
	}
}

func TestAReleaseThatIsGoneIsSkipped(t *testing.T) {
	h := deploys("/r/1", "/r/2", "/r/3")
	if got := h.Previous("/r/3", func(dir string) bool { return dir != "/r/2" }); got != "/r/1" {
		t.Error(got)
	}
}

func TestTheReleaseBeforeTheFirstDeployIsRemembered(t *testing.T) {
	h := History{}.Deployed("/r/old", Entry{Dir: "/r/1"})
	if got := h.Previous("/r/1", all); got != "/r/old" {
		t.Error(got)
	}
}

func TestARollbackFromALinkThatSomebodyMovedGoesToTheLastDeploy(t *testing.T) {
	if got := deploys("/r/1", "/r/2").Previous("/r/by-hand", all); got != "/r/2" {
		t.Error(got)
	}
}

func TestADeployThatWasKilledBeforeItsLinkWasMoved(t *testing.T) {
	// The history has it, but the link still leads to the one before.
	if got := deploys("/r/1", "/r/2", "/r/3").Previous("/r/2", all); got != "/r/1" {
		t.Error(got)
	}
}

func TestTheSameReleaseDeployedAgain(t *testing.T) {
	if got := deploys("/r/1", "/r/2", "/r/2").Previous("/r/2", all); got != "/r/1" {
		t.Error(got)
	}
}

func TestTheLastReleasesAreDifferentAndThere(t *testing.T) {
	h := deploys("/r/1", "/r/2", "/r/1", "/r/3", "/r/4").BackTo("/r/3")
	got := h.Last(3, func(dir string) bool { return dir != "/r/3" })
	if !slices.Equal(got, []string{"/r/4", "/r/1", "/r/2"}) {
		t.Error(got)
	}
}

func TestAHistoryIsKeptOnTheDisk(t *testing.T) {
	dir := t.TempDir()
	if h, err := Read(dir, "x"); err != nil || len(h.Entries) > 0 {
		t.Error(h, err)
	}
	many := History{}
	for range longest + 5 {
		many = many.Deployed("", Entry{Dir: "/r", Time: time.Unix(0, 0).UTC()})
	}
	if err := many.Write(dir, "x"); err != nil {
		t.Fatal(err)
	}
	if h, err := Read(dir, "x"); err != nil || len(h.Entries) != longest || h.Entries[0] != many.Entries[0] {
		t.Error(len(h.Entries), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "y.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir, "y"); err == nil {
		t.Error("half a history is read")
	}
	if err := Forget(dir, "x"); err != nil {
		t.Fatal(err)
	}
	if h, _ := Read(dir, "x"); len(h.Entries) > 0 {
		t.Error("a history is there after it was forgotten")
	}
}
