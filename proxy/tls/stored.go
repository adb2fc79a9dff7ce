package tls

import (
	"crypto/sha256"
	"crypto/tls"
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

// stored is the certificate that is on the disk, when it is good, or was, or will be: nothing that
// replaces it could be better, and the clock may be what is wrong.
func (h *host) stored() (*served, error) {
	data, err := h.k.store.read(certificateName(&h.want, h.name))
	if err != nil {
		return nil, err
	}
	pair, err := decodePair(data)
	if err == nil {
		err = covers(pair, h.name, time.Now())
	}
	if err != nil && !isUntimely(err) {
		return nil, err
	}
	return &served{pair: pair, from: route.TLSAuto}, nil
}

func (h *host) loadStored() {
	s, err := h.stored()
	if err == nil {
		h.serving.Store(s)
		return
	}
	if !errors.Is(err, fs.ErrNotExist) {
		h.k.log.Error(fmt.Sprintf("cannot use %s, ignoring it: %v", h.k.store.path(certificateName(&h.want, h.name)), err),
			"project", h.project, "host", h.name)
	}
}

func issuerOf(pair *tls.Certificate) string {
	if name := pair.Leaf.Issuer.CommonName; name != "" {
		return name
	}
	return pair.Leaf.Issuer.String()
}
