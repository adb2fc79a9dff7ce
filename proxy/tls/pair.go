package tls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"
)

// A pair is a certificate chain with its key, in one PEM file, so that there is never one of one
// and the other of another.

func encodePair(chain [][]byte, key *ecdsa.PrivateKey) []byte {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		panic(err) // it is one of ours
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), encodeCertificates(chain)...)
}

func encodeCertificates(chain [][]byte) []byte {
	var out bytes.Buffer
	for _, der := range chain {
		pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return out.Bytes()
}

// decodePair reads a pair from one file.
func decodePair(data []byte) (*tls.Certificate, error) { return decodeFiles(data, data) }

// decodeFiles reads a chain and its key; both may stand in either.
func decodeFiles(chain, key []byte) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return nil, err
		}
	}
	return &pair, nil
}

// covers says what keeps a certificate from being good for a host now.
func covers(pair *tls.Certificate, host string, now time.Time) error {
	if err := pair.Leaf.VerifyHostname(host); err != nil {
		return err
	}
	switch {
	case now.Before(pair.Leaf.NotBefore.Add(-24 * time.Hour)): // clocks differ
		return fmt.Errorf("%w %s", errEarly, pair.Leaf.NotBefore.Format(time.DateOnly))
	case now.After(pair.Leaf.NotAfter):
		return fmt.Errorf("%w on %s", errExpired, pair.Leaf.NotAfter.Format(time.DateOnly))
	}
	return nil
}

var (
	errExpired = errors.New("it ended")
	errEarly   = errors.New("it is good only from")
)

// isUntimely says whether a certificate is good but for the time. The clock may be what is wrong.
func isUntimely(err error) bool { return errors.Is(err, errExpired) || errors.Is(err, errEarly) }
