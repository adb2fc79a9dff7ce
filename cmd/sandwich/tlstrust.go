package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"
)

// internalRoot is the certificate of the internal CA, which the proxy has made.
const internalRoot = "/var/lib/sandwich/tls/internal/root.crt"

// trustStore is where a distribution keeps what its programs trust.
type trustStore struct {
	dir    string
	update []string
}

// trustStores are Debian's and Fedora's.
var trustStores = []trustStore{
	{"/usr/local/share/ca-certificates", []string{"update-ca-certificates"}},
	{"/etc/pki/ca-trust/source/anchors", []string{"update-ca-trust", "extract"}},
}

const trustedFile = "sandwich-internal-ca.crt"

func findTrustStore() (trustStore, error) {
	for _, s := range trustStores {
		if _, err := exec.LookPath(s.update[0]); err == nil {
			return s, nil
		}
	}
	return trustStore{}, errors.New("cannot find this system's trust store: neither update-ca-certificates nor update-ca-trust is installed\nhint: apt install ca-certificates")
}

func newTLSTrust(t *terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use: "trust", Args: cobra.NoArgs,
		Short: "Have the programs of this host trust the internal CA; browsers elsewhere take the file it names",
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needRoot("tls trust"); err != nil {
			return err
		}
		return t.trust(cmd.Context())
	}
	return cmd
}

func (t *terminal) trust(ctx context.Context) error {
	root, err := readRoot(internalRoot)
	if err != nil {
		return err
	}
	store, err := findTrustStore()
	if err != nil {
		return err
	}
	target := filepath.Join(store.dir, trustedFile)
	if old, err := os.ReadFile(target); err == nil && bytes.Equal(old, root) {
		t.say("the internal CA is trusted already: %s", target)
		return nil
	}
	if err := os.MkdirAll(store.dir, 0o755); err != nil {
		return fmt.Errorf("cannot trust the internal CA: %w", err)
	}
	if err := os.WriteFile(target, root, 0o644); err != nil {
		return fmt.Errorf("cannot trust the internal CA: %w", err)
	}
	if err := store.refresh(ctx); err != nil {
		return err
	}
	t.say("the programs of this host trust the internal CA now: %s", target)
	t.tell("hint: a browser elsewhere trusts it when you import that file")
	return nil
}

// readRoot reads the CA's certificate, and nothing else that may stand in the file.
func readRoot(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no internal CA yet: the front proxy makes it when it starts\nhint: systemctl start %s", proxyService)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the internal CA: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, fmt.Errorf("cannot use %s: it is no certificate\nhint: sandwich tls status", path)
	}
	if c, err := x509.ParseCertificate(block.Bytes); err != nil || !c.IsCA {
		return nil, fmt.Errorf("cannot use %s: it is no certificate of a CA\nhint: sandwich tls status", path)
	}
	return pem.EncodeToMemory(block), nil
}

func (s trustStore) refresh(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, s.update[0], s.update[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot update the trust store: %s: %w\n%s", s.update[0], err, bytes.TrimSpace(out))
	}
	return nil
}

func newTLSUntrust(t *terminal) *cobra.Command {
	cmd := &cobra.Command{Use: "untrust", Args: cobra.NoArgs, Short: "Take the internal CA out of this host's trust store"}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := needRoot("tls untrust"); err != nil {
			return err
		}
		store, err := findTrustStore()
		if err != nil {
			return err
		}
		err = os.Remove(filepath.Join(store.dir, trustedFile))
		if errors.Is(err, fs.ErrNotExist) {
			t.say("the internal CA is not trusted")
			return nil
		}
		if err != nil {
			return fmt.Errorf("cannot untrust the internal CA: %w", err)
		}
		if err := store.refresh(cmd.Context()); err != nil {
			return err
		}
		t.say("the internal CA is trusted no more")
		return nil
	}
	return cmd
}
