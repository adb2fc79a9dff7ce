package tls

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"path/filepath"
)

// pending is an order that is under way: what a process needs to go on with it where another one
// died. It is written before the CA hears of it, so that a disk that is full costs no order, and a
// certificate that the CA has made is never lost.
type pending struct {
	URL string `json:"url,omitempty"` // "": not placed yet
	CA  string `json:"ca"`
	Key string `json:"key"` // PEM, of the certificate

	key *ecdsa.PrivateKey
}

func pendingName(host string) string { return filepath.Join("pending", host+".json") }

func newPending(ca string) *pending {
	key := newKey()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		panic(err) // it is one of ours
	}
	return &pending{CA: ca, Key: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})), key: key}
}

// pending is what is left of the host's last order at this CA, or nil.
func (h *host) pending() *pending {
	data, err := h.k.store.read(pendingName(h.name))
	if err != nil {
		return nil
	}
	p, err := decodePending(data)
	if err != nil || p.CA != h.want.Directory() || p.URL == "" {
		return nil
	}
	return p
}

func decodePending(data []byte) (*pending, error) {
	p := new(pending)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(p.Key))
	if block == nil {
		return nil, errors.New("it has no key")
	}
	var err error
	p.key, err = x509.ParseECPrivateKey(block.Bytes)
	return p, err
}

func (h *host) keepPending(p *pending) error {
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return h.k.store.write(pendingName(h.name), data)
}

func (h *host) dropPending() { h.k.store.remove(pendingName(h.name)) }
