package tls

import (
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

// ChallengePath begins the path of everything that a CA asks for over HTTP (RFC 8555 8.3).
const ChallengePath = "/.well-known/acme-challenge/"

// challenges are the answers that CAs wait for. They are files, so that whichever process of the
// proxy is asked can answer.
type challenges struct{ store store }

const (
	challengeDir  = "challenges"
	challengeLife = 24 * time.Hour
)

// tokenForm is base64url (RFC 8555 8.1), so that a token is a file name and nothing else.
var tokenForm = regexp.MustCompile(`^[A-Za-z0-9_-]{16,200}$`)

func httpName(host, token string) string {
	return filepath.Join(challengeDir, host+" "+token)
}

func alpnName(host string) string { return filepath.Join(challengeDir, host+" tls-alpn") }

// present has the answer to a challenge ready until the returned function is called.
func (c challenges) present(host string, challenge acme.Challenge) (takeBack func(), err error) {
	name := alpnName(host)
	if challenge.Type == acme.ChallengeTypeHTTP01 {
		if !tokenForm.MatchString(challenge.Token) {
			return nil, errToken
		}
		name = httpName(host, challenge.Token)
	}
	if err := c.store.write(name, []byte(challenge.KeyAuthorization)); err != nil {
		return nil, err
	}
	return func() { c.store.remove(name) }, nil
}

// clean removes what processes that died left behind.
func (c challenges) clean() {
	files, _ := filepath.Glob(filepath.Join(c.store.path(challengeDir), "*"))
	for _, file := range files {
		if info, err := os.Lstat(file); err == nil && time.Since(info.ModTime()) > challengeLife {
			os.Remove(file)
		}
	}
}

// certificate is the one that answers a TLS-ALPN challenge for a host, or nil.
func (c challenges) certificate(host string) *tls.Certificate {
	if host == "" || strings.ContainsAny(host, "/ ") {
		return nil
	}
	answer, err := c.store.read(alpnName(host))
	if err != nil {
		return nil
	}
	made, err := acmez.TLSALPN01ChallengeCert(acme.Challenge{
		KeyAuthorization: string(answer), Identifier: acme.Identifier{Type: "dns", Value: host},
	})
	if err != nil {
		return nil
	}
	return made
}

// Challenge answers what a CA, or our own look at where a name leads, asks of a host. It is false
// for everything that nobody here waits to be asked for.
func (k *Keeper) Challenge(w http.ResponseWriter, r *http.Request, host string) bool {
	token, ok := strings.CutPrefix(r.URL.Path, ChallengePath)
	if !ok || !tokenForm.MatchString(token) || k.host(host) == nil {
		return false
	}
	answer := []byte(k.authority.mark(host))
	if token != markToken {
		var err error
		if answer, err = k.challenges.store.read(httpName(host, token)); err != nil {
			return false
		}
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Cache-Control", "no-store")
	if r.Method != http.MethodHead {
		w.Write(answer)
	}
	return true
}

// markToken is where a process of this proxy shows its mark for a host.
const markToken = "sandwich-is-here"
