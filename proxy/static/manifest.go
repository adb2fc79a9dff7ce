package static

import (
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// isHashed says whether a name has a hash of its content in it, as Django's ManifestStaticFilesStorage
// (12 hex digits) and the usual bundlers (8 to 20) make them: name.<hash>.ext. Digits only are a date or
// a number.
func isHashed(name string) bool {
	name = name[strings.LastIndexByte(name, '/')+1:]
	for {
		_, rest, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		hash, _, more := strings.Cut(rest, ".")
		if more && isHash(hash) {
			return true
		}
		name = rest
	}
}

func isHash(s string) bool {
	return len(s) >= 8 && len(s) <= 20 && strings.Trim(s, "0123456789abcdef") == "" && strings.ContainsAny(s, "abcdef")
}

// maxManifest bounds staticfiles.json, in bytes; a name takes about 100, so this is 80,000 files.
const maxManifest = 8 << 20

// manifest knows the names that Django's collectstatic has listed in staticfiles.json at the root.
// It reads the file again when it has changed. Safe for concurrent use.
type manifest struct {
	loaded  atomic.Pointer[listing]
	reading sync.Mutex
}

type listing struct {
	root    *os.Root
	checked time.Time       // when version was known to be right
	version version         // of the file it was read from
	names   map[string]bool // nil when there was none
}

// manifestAge is how long a manifest is believed without looking: it costs a system call.
const manifestAge = time.Second

// lists says whether name is a hashed name according to the manifest. Without a readable
// manifest nothing is.
func (m *manifest) lists(root *os.Root, name string) bool {
	l := m.loaded.Load()
	if l == nil || l.root != root || time.Since(l.checked) > manifestAge {
		l = m.refresh(root)
	}
	return l.names[name]
}

func (m *manifest) refresh(root *os.Root) *listing {
	m.reading.Lock()
	defer m.reading.Unlock()
	l := m.loaded.Load()
	if l == nil || l.root != root || time.Since(l.checked) > manifestAge {
		l = l.refreshed(root)
		m.loaded.Store(l)
	}
	return l
}

// refreshed is l as the file is now. l may be nil.
func (l *listing) refreshed(root *os.Root) *listing {
	next := &listing{root: root, checked: time.Now()}
	f, v, err := openFile(root, "staticfiles.json")
	if err != nil {
		return next
	}
	defer f.Close()
	next.version = v
	if l != nil && l.root == root && l.version == v && v.settled(next.checked.UnixNano()) {
		next.names = l.names
		return next
	}
	next.names = readNames(f)
	return next
}

// readNames are the hashed names in a manifest, none when it is not one.
func readNames(f io.Reader) map[string]bool {
	var content struct{ Paths map[string]string }
	if json.NewDecoder(io.LimitReader(f, maxManifest)).Decode(&content) != nil {
		return nil
	}
	names := make(map[string]bool, len(content.Paths))
	for plain, hashed := range content.Paths {
		// A name that is its own hash (no manifest storage strictness) may change at any time.
		if plain != hashed {
			names[hashed] = true
		}
	}
	return names
}
