package envfile

import (
	"bytes"
	"context"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// somebody is a user of the host who is not root.
const somebody = "nobody"

// home is a directory of somebody's, which he alone may enter. Only root can be what is tested.
func home(t *testing.T) (dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root reads as somebody else")
	}
	dir, err := os.MkdirTemp("/var/tmp", "envfile-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return own(t, dir)
}

// own gives a file to somebody.
func own(t *testing.T, path string) string {
	t.Helper()
	u, err := user.Lookup(somebody)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	if err := os.Lchown(path, uid, -1); err != nil {
		t.Fatal(err)
	}
	return path
}

func write(t *testing.T, path, content string, mode os.FileMode) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAFileIsReadWithTheRightsOfTheUser(t *testing.T) {
	dir := home(t)
	secret := write(t, filepath.Join(t.TempDir(), "shadow"), "root:canary", 0o600)
	at := func(name string) string { return filepath.Join(dir, name) }
	link := func(name, to string) string {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
		return own(t, at(name))
	}
	hard := at("hard")
	if err := os.Link(write(t, at("first"), "root:canary", 0o600), hard); err != nil {
		t.Fatal(err)
	}
	theirs := write(t, at("theirs"), "root:canary", 0o600)
	if err := os.Chown(theirs, 1, 1); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, want, fails string }{
		"its own":               {own(t, write(t, at("a b'\"$X.env"), "A=1\n", 0o600)), "A=1\n", ""},
		"everybody's":           {write(t, at("open"), "A=2", 0o644), "A=2", ""},
		"root's":                {write(t, at("roots"), "A=3", 0o600), "A=3", ""},
		"empty":                 {own(t, write(t, at("empty"), "", 0o600)), "", ""},
		"a link to its own":     {link("link", "a b'\"$X.env"), "A=1\n", ""},
		"a link to root's":      {link("shadow", secret), "", "Permission denied"},
		"a link to root's own":  {link("near", "roots"), "", "Permission denied"},
		"another name":          {hard, "", "Permission denied"},
		"somebody else's":       {theirs, "", "Permission denied"},
		"what root sees":        {link("environ", "/proc/1/environ"), "", "Permission denied"},
		"itself":                {link("self", "/proc/self/status"), "nobody", ""},
		"a directory":           {dir, "", "Is a directory"},
		"endless":               {link("zero", "/dev/zero"), "", "larger than"},
		"too large":             {own(t, write(t, at("large"), strings.Repeat("A=1\n", Most/4)+"\n", 0o600)), "", "larger than"},
		"as large as it may be": {own(t, write(t, at("most"), strings.Repeat("A=1\n", Most/4), 0o600)), strings.Repeat("A=1\n", Most/4), ""},
		"nowhere":               {at("nowhere"), "", "No such file"},
	} {
		content, err := Read(t.Context(), somebody, "", c.path)
		switch {
		case name == "itself":
			// The process that reads is the user's, with no right beside: no capability, no group of root's.
			if err != nil || !bytes.Contains(content, []byte("CapEff:\t0000000000000000")) || bytes.Contains(content, []byte("Groups:\t0 ")) {
				t.Errorf("it is read by %s, %v", content, err)
			}
		case c.fails == "" && (err != nil || string(content) != c.want):
			t.Errorf("%s: %.40q, %v", name, content, err)
		case c.fails != "" && (err == nil || len(content) > 0 || !strings.Contains(err.Error(), c.fails) || !strings.HasPrefix(err.Error(), "cannot read env_file "+c.path)):
			t.Errorf("%s: %.40q, %v", name, content, err)
		}
		if bytes.Contains(content, []byte("canary")) {
			t.Errorf("%s: the user is shown a secret", name)
		}
	}
}

func TestAPipeIsNotWaitedForForEver(t *testing.T) {
	pipe := filepath.Join(home(t), "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, done := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer done()
	if _, err := Read(ctx, somebody, "", pipe); err == nil || !strings.Contains(err.Error(), "nothing came of it") {
		t.Error(err)
	}
}

func TestRootIsNobodyToReadAs(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "env"), "A=1", 0o644)
	for _, who := range [][2]string{{"root", ""}, {"no-such-user", ""}, {somebody, "no-such-group"}} {
		if _, err := Read(t.Context(), who[0], who[1], path); err == nil {
			t.Errorf("read as %v", who)
		}
	}
}
