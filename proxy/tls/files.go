package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"sandwich/proxy/route"
)

// lookPause is how often a project's own files are looked at.
const lookPause = 2 * time.Second

// watchFiles serves the project's own files and what becomes of them. A broken pair changes
// nothing: a pair is two files, and whoever replaces them does so one after the other.
func (h *host) watchFiles(ctx context.Context) {
	for {
		timer := time.NewTimer(lookPause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case reply := <-h.asked:
			timer.Stop()
			reply <- h.loadFiles()
		case <-timer.C:
			if h.look() != h.seen() {
				h.loadFiles()
			}
		}
	}
}

// looks is what shows that files are others than before.
type looks [2]struct {
	inode         uint64
	size          int64
	changed, made syscall.Timespec
}

// seen is how the files looked when they were read last.
func (h *host) seen() looks {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.looks
}

func (h *host) look() (now looks) {
	for i, path := range []string{h.want.Certificate, h.want.Key} {
		info, err := os.Stat(path)
		if err != nil {
			continue
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			now[i].inode, now[i].size, now[i].changed, now[i].made = st.Ino, st.Size, st.Mtim, st.Ctim
		}
	}
	return now
}

// loadFiles serves the pair in the project's files, when it is one and is for this host.
func (h *host) loadFiles() error {
	now := h.look()
	h.mu.Lock()
	h.looks = now
	h.mu.Unlock()
	pair, err := h.readFiles()
	if err == nil {
		err = covers(pair, h.name, time.Now())
		if isUntimely(err) && !h.k.Trusted(h.name) { // better than the internal CA's: whose clock is right?
			h.useFiles(pair)
		}
	}
	if err == nil {
		h.useFiles(pair)
		return nil
	}
	keeping := ""
	if s := h.serving.Load(); s != nil && s.from == route.TLSFiles {
		keeping = ", keeping the one before"
	}
	err = fmt.Errorf("cannot use %s with %s%s: %w", h.want.Certificate, h.want.Key, keeping, err)
	h.troubled(err, false, time.Time{})
	return err
}

func (h *host) useFiles(pair *tls.Certificate) {
	if s := h.serving.Load(); s != nil && s.from == route.TLSFiles && string(s.pair.Certificate[0]) == string(pair.Certificate[0]) {
		h.settle()
		return
	}
	h.use(pair, route.TLSFiles)
	h.k.log.Info(fmt.Sprintf("certificate of %s is from %s, until %s", h.name, h.want.Certificate, pair.Leaf.NotAfter.Format(time.DateOnly)),
		"project", h.project, "host", h.name)
}

func (h *host) readFiles() (*tls.Certificate, error) {
	chain, err := readBounded(h.want.Certificate)
	if err == nil {
		var key []byte
		if key, err = readBounded(h.want.Key); err == nil {
			return decodeFiles(chain, key)
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w (the front proxy runs as sandwich-proxy: chgrp sandwich-proxy and chmod g+r let it)", err)
	}
	return nil, err
}
