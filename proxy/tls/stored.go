package tls

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"sandwich/proxy/route"
)

// Certificates from CAs lie in certificates/CA/HOST.pem, so that those of a CA for trying things
// out are never taken for others.

func certificateName(want *route.TLS, host string) string {
	return filepath.Join("certificates", caKey(want.Directory()), host+".pem")
}

// caKey names a CA in the store.
func caKey(directory string) string {
	sum := sha256.Sum256([]byte(directory))
	return hex.EncodeToString(sum[:8])
}

// loadStored serves the certificate that is on the disk, when it is good, or when it was: nothing
// that replaces it could be better, and the clock may be what is wrong.
func (h *host) loadStored() {
	name := certificateName(&h.want, h.name)
	data, err := h.k.store.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		pair, perr := decodePair(data)
		if err = perr; err == nil {
			err = covers(pair, h.name, time.Now())
			if err == nil || errors.Is(err, errExpired) {
				h.serving.Store(&served{pair: pair, from: route.TLSAuto})
				return
			}
		}
	}
	h.k.log.Error(fmt.Sprintf("cannot use %s, ignoring it: %v", h.k.store.path(name), err), "project", h.project, "host", h.name)
}
