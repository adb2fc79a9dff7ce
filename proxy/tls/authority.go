package tls

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/big"
	"os"
	"time"
)

// RootFile is the certificate of the internal CA, below the keeper's directory.
const RootFile = "internal/root.crt"

// rootKeyFile is the internal CA itself: key and certificate.
const rootKeyFile = "internal/root.pem"

// How long certificates of the internal CA are good.
const (
	rootLife = 10 * 365 * 24 * time.Hour
	leafLife = 90 * 24 * time.Hour // a new one is made at every start and in time
)

// authority is the CA of this host: it signs what nobody but this host's administrators trusts.
type authority struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// openAuthority is the authority in the store, or a new one.
func openAuthority(s store, log *slog.Logger) *authority {
	a, err := loadAuthority(s)
	if err == nil && time.Now().Before(a.root.NotAfter.Add(-leafLife)) {
		return a
	}
	switch {
	case err == nil:
		log.Warn("the internal CA ends soon, making a new one: sandwich tls trust has to be run again")
		err = s.remove(rootKeyFile)
	case !errors.Is(err, fs.ErrNotExist):
		log.Error(fmt.Sprintf("cannot use internal CA %s, making a new one: %v", s.path(rootKeyFile), err))
		err = os.Rename(s.path(rootKeyFile), s.path(rootKeyFile+".broken"))
	default:
		err = nil
	}
	a = newAuthority()
	if err == nil {
		err = s.create(rootKeyFile, encodePair([][]byte{a.root.Raw}, a.key))
	}
	if errors.Is(err, fs.ErrExist) { // another process was quicker
		if other, err := loadAuthority(s); err == nil {
			return other
		}
	}
	if err == nil {
		err = s.write(RootFile, encodeCertificates([][]byte{a.root.Raw}))
	}
	if err != nil {
		log.Error(fmt.Sprintf("cannot keep the internal CA, it ends with this process: %v", err))
	}
	return a
}

func loadAuthority(s store) (*authority, error) {
	data, err := s.read(rootKeyFile)
	if err != nil {
		return nil, err
	}
	pair, err := decodePair(data)
	if err != nil {
		return nil, err
	}
	key, ok := pair.PrivateKey.(*ecdsa.PrivateKey)
	if !ok || !pair.Leaf.IsCA {
		return nil, errors.New("it is no CA")
	}
	return &authority{root: pair.Leaf, key: key}, nil
}

func newAuthority() *authority {
	key := newKey()
	name, _ := os.Hostname()
	if name == "" {
		name = "this host"
	}
	now := time.Now()
	a := &authority{key: key}
	a.root = mustSign(&x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "sandwich internal CA of " + name, Organization: []string{"sandwich"}},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(rootLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}, nil, key, key)
	return a
}

// leaf is a new certificate for one name.
func (a *authority) leaf(name string) *tls.Certificate {
	key := newKey()
	now := time.Now()
	leaf := mustSign(&x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}, a.root, key, a.key)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}
}

// mark is what only processes with this authority know about a host.
func (a *authority) mark(host string) string {
	return hex.EncodeToString(a.derive(host)[:16])
}

// derive is a secret for one purpose.
func (a *authority) derive(purpose string) []byte {
	secret, err := a.key.ECDH()
	if err != nil {
		panic(err) // it is on a curve that has it
	}
	sum := sha256.Sum256(append(secret.Bytes(), purpose...))
	return sum[:]
}

// Secret is for one purpose, and the same in each process with the same directory.
func (k *Keeper) Secret(purpose string) []byte { return k.authority.derive("\x00" + purpose) }

func newKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return key
}

func serial() *big.Int {
	var raw [16]byte
	rand.Read(raw[:])
	raw[0] &= 0x7f // positive, RFC 5280 4.1.2.2
	return new(big.Int).SetBytes(raw[:])
}

// mustSign signs what we made ourselves; nothing in it can be wrong. Without a parent it signs
// itself.
func mustSign(template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) *x509.Certificate {
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		panic(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return made
}
