package static

import (
	"encoding/json"
	"io"
	"os"
	"regexp"
	"sync/atomic"
	"time"
)

// hashedName is a name with a hash of its content in it, as Django's ManifestStaticFilesStorage
// (12 hex digits) and the usual bundlers (8 to 20) make them.
var hashedName = regexp.MustCompile(`\.[0-9a-f]{8,20}\.[A-Za-z0-9.]+$`)

// maxManifest bounds staticfiles.json; a name costs about 100 bytes, so this is 300,000 files.
const maxManifest = 32 << 20

// manifest knows the names that Django's collectstatic has listed in staticfiles.json at the root.
// It reads the file again when it has changed. Safe for concurrent use.
type manifest struct{ loaded atomic.Pointer[listing] }

type listing struct {
	root    *os.Root
	checked time.Time   // when stat was known to be right
	stat    os.FileInfo // of the file it was read from; nil when there was none
	names   map[string]bool
}

// manifestAge is how long a manifest is believed without looking: it costs a system call.
const manifestAge = time.Second

// lists says whether name is a hashed name according to the manifest. Without a readable
// manifest nothing is.
func (m *manifest) lists(root *os.Root, name string) bool {
	now := time.Now()
	l := m.loaded.Load()
	if l == nil || l.root != root || now.Sub(l.checked) > manifestAge {
		l = l.refreshed(root, now)
		m.loaded.Store(l)
	}
	return l.names[name]
}

// refreshed is l as the file is now. l may be nil.
func (l *listing) refreshed(root *os.Root, now time.Time) *listing {
	stat, err := root.Stat("staticfiles.json")
	if err != nil {
		return &listing{root: root, checked: now}
	}
	if l != nil && l.root == root && l.stat != nil && sameVersion(l.stat, stat) {
		return &listing{root: root, checked: now, stat: stat, names: l.names}
	}
	l = readListing(root, stat)
	l.checked = now
	return l
}

func sameVersion(a, b os.FileInfo) bool {
	return a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && os.SameFile(a, b)
}

func readListing(root *os.Root, stat os.FileInfo) *listing {
	l := &listing{root: root, stat: stat, names: map[string]bool{}}
	f, err := root.Open("staticfiles.json")
	if err != nil {
		return l
	}
	defer f.Close()
	var content struct{ Paths map[string]string }
	if json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&content) != nil {
		return l
	}
	for plain, hashed := range content.Paths {
		// A name that is its own hash (no manifest storage strictness) may change at any time.
		if plain != hashed {
			l.names[hashed] = true
		}
	}
	return l
}
