package tls

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/mholt/acmez/v3/acme"

	"sandwich/proxy/route"
)

// account is an account at a CA, as it is kept: one file, so that key and registration are never
// apart.
type account struct {
	CA      string       `json:"ca"`
	Key     string       `json:"key"` // PEM
	Account acme.Account `json:"account"`
	Where   string       `json:"location"`
}

// accountName is the file of the account that settings ask for: another one for another address of
// email, or another binding.
func accountName(want *route.TLS) string {
	sum := sha256.Sum256([]byte(want.Email + "\x00" + want.EABKeyID))
	return filepath.Join("accounts", caKey(want.Directory()), hex.EncodeToString(sum[:8])+".json")
}

// newClient speaks to the CA that settings name.
func (k *Keeper) newClient(want *route.TLS) (*acme.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	if want.CARoot != "" {
		pem, err := readBounded(want.CARoot)
		if err != nil {
			return nil, fmt.Errorf("cannot read ca_root: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot use ca_root %s: there is no certificate in it", want.CARoot)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool}
	}
	return &acme.Client{
		Directory: want.Directory(), UserAgent: "sandwich", PollTimeout: 2 * time.Minute,
		HTTPClient: &http.Client{Transport: transport, Timeout: time.Minute},
	}, nil
}

// account is the account for settings, made at the CA when there is none.
func (k *Keeper) account(ctx context.Context, client *acme.Client, want *route.TLS) (acme.Account, error) {
	unlock, err := k.store.lock("accounts.lock")
	if err != nil {
		return acme.Account{}, err
	}
	defer unlock()
	found, err := k.loadAccount(want)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return found, err
	}
	made, err := k.register(ctx, client, want)
	if err != nil {
		return acme.Account{}, fmt.Errorf("cannot make an account at the CA: %w", err)
	}
	return made, nil
}

func (k *Keeper) loadAccount(want *route.TLS) (acme.Account, error) {
	data, err := k.store.read(accountName(want))
	if err != nil {
		return acme.Account{}, err
	}
	found, err := decodeAccount(data)
	if err != nil {
		return acme.Account{}, fmt.Errorf("cannot use account %s: %w", k.store.path(accountName(want)), err)
	}
	return found, nil
}

func decodeAccount(data []byte) (acme.Account, error) {
	var kept account
	if err := json.Unmarshal(data, &kept); err != nil {
		return acme.Account{}, err
	}
	block, _ := pem.Decode([]byte(kept.Key))
	if block == nil {
		return acme.Account{}, errors.New("it has no key")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return acme.Account{}, err
	}
	kept.Account.PrivateKey, kept.Account.Location = key, kept.Where
	return kept.Account, nil
}

// register makes a new account and keeps it.
func (k *Keeper) register(ctx context.Context, client *acme.Client, want *route.TLS) (acme.Account, error) {
	key := newKey()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return acme.Account{}, err
	}
	a := acme.Account{TermsOfServiceAgreed: true, PrivateKey: key}
	if want.Email != "" {
		a.Contact = []string{"mailto:" + want.Email}
	}
	if err := k.bind(ctx, client, &a, want); err != nil {
		return acme.Account{}, err
	}
	if a, err = client.NewAccount(ctx, a); err != nil {
		return acme.Account{}, err
	}
	kept := account{
		CA: want.Directory(), Account: a, Where: a.Location,
		Key: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})),
	}
	kept.Account.ExternalAccountBinding = nil
	data, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return acme.Account{}, err
	}
	k.log.Info("made an account at " + want.Directory())
	return a, k.store.write(accountName(want), append(data, '\n'))
}

// bind adds what proves to the CA that somebody it knows asks (RFC 8555 7.3.4).
func (k *Keeper) bind(ctx context.Context, client *acme.Client, a *acme.Account, want *route.TLS) error {
	if want.EABKeyFile == "" {
		return nil
	}
	secret, err := readBounded(want.EABKeyFile)
	if err != nil {
		return fmt.Errorf("cannot read the key of eab: %w", err)
	}
	mac := strings.TrimRight(strings.TrimSpace(string(secret)), "=")
	if err := a.SetExternalAccountBinding(ctx, client, acme.EAB{KeyID: want.EABKeyID, MACKey: mac}); err != nil {
		return fmt.Errorf("cannot use the key of eab in %s", want.EABKeyFile) // not why: it may show the key
	}
	return nil
}

// forgetAccount is for a CA that has forgotten it.
func (k *Keeper) forgetAccount(want *route.TLS) error { return k.store.remove(accountName(want)) }
