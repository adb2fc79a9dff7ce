package access

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func networks(list ...string) (all []netip.Prefix) {
	for _, s := range list {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

func TestTheSmallestNetworkDecides(t *testing.T) {
	for _, c := range []struct {
		allow, deny []netip.Prefix
		in, out     string
	}{
		{nil, nil, "192.0.2.1 2001:db8::1", ""},
		{networks("10.0.0.0/8"), nil, "10.1.2.3 ::ffff:10.1.2.3", "192.0.2.1 2001:db8::1"},
		{networks("10.0.0.0/8"), networks("0.0.0.0/0"), "10.1.2.3", "192.0.2.1 2001:db8::1"},
		{nil, networks("192.0.2.0/24"), "10.1.2.3 2001:db8::1", "192.0.2.77 ::ffff:192.0.2.77"},
		{networks("10.0.0.0/8"), networks("10.66.0.0/16"), "10.1.2.3", "10.66.0.1 192.0.2.1"},
		{networks("10.66.6.0/24"), networks("10.66.0.0/16", "0.0.0.0/0"), "10.66.6.1", "10.66.7.1"},
		{networks("10.0.0.0/8"), networks("10.0.0.0/8"), "", "10.0.0.1"},
		{networks("2001:db8::/32"), networks("::/0"), "2001:db8::1 2001:db8::1%eth0", "2001:db9::1 192.0.2.1"},
		{networks("0.0.0.0/0"), networks("192.0.2.1/32"), "192.0.2.2 2001:db8::1", "192.0.2.1"},
		{nil, networks("0.0.0.0/0"), "", "192.0.2.1 2001:db8::1"},
	} {
		r := Rules{c.allow, c.deny}
		for _, a := range strings.Fields(c.in) {
			if !r.Admit(netip.MustParseAddr(a)) {
				t.Errorf("%+v keeps %s out", r, a)
			}
		}
		for _, a := range strings.Fields(c.out) {
			if r.Admit(netip.MustParseAddr(a)) {
				t.Errorf("%+v lets %s in", r, a)
			}
		}
	}
}

// passwords are the hashes of "secret" as openssl passwd(1), crypt(3) and htpasswd(1) make them.
const passwords = `# who may come
apr1:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
md5:$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1
sha256:$5$abcdefgh$gruCpC7VkOTspMQTTSAR8mtlO9Upms.fwqE5y16JVM.
sha512:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
sha:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
bcrypt:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a
plain:secret
nonsense
`

func users(t testing.TB, content string) *Users {
	t.Helper()
	path := filepath.Join(t.TempDir(), "htpasswd")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return NewUsers(path)
}

func (u *Users) knows(t testing.TB, name, password string, now time.Time) bool {
	t.Helper()
	ok, err := u.Check(context.Background(), name, password, now)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestEveryHashOfHtpasswdIsUnderstoodAndPlainTextIsNot(t *testing.T) {
	u, now := users(t, passwords), time.Now()
	for _, name := range []string{"apr1", "md5", "sha256", "sha512", "sha", "bcrypt"} {
		for range 2 { // checked, and remembered
			if !u.knows(t, name, "secret", now) || u.knows(t, name, "Secret", now) || u.knows(t, name, "", now) {
				t.Errorf("%s: the password is not the only one", name)
			}
		}
	}
	for _, name := range []string{"plain", "nobody", "", "nonsense", "# who may come"} {
		if u.knows(t, name, "secret", now) {
			t.Errorf("%q comes in", name)
		}
	}
	if _, bad, err := Parse([]byte(passwords)); err != nil || bad != 2 {
		t.Errorf("%d bad lines, %v", bad, err)
	}
}

func TestAFileThatChangesIsReadAgain(t *testing.T) {
	u, now := users(t, passwords), time.Now()
	if !u.knows(t, "bcrypt", "secret", now) {
		t.Fatal("not in")
	}
	if err := os.WriteFile(u.path, []byte("other:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	if u.knows(t, "bcrypt", "secret", now) || !u.knows(t, "other", "secret", now) {
		t.Error("the old file still holds")
	}
	if err := os.Remove(u.path); err != nil {
		t.Fatal(err)
	}
	if ok, err := u.Check(context.Background(), "other", "secret", now.Add(lookEvery)); ok || err == nil {
		t.Error("somebody comes in without a file")
	}
	for what, put := range map[string]func() error{
		"a directory": func() error { return os.Mkdir(u.path, 0o700) },
		"a huge file": func() error { return os.WriteFile(u.path, make([]byte, maxFile+1), 0o600) },
	} {
		os.RemoveAll(u.path)
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if ok, err := u.Check(context.Background(), "other", "secret", now.Add(time.Hour)); ok || err == nil {
			t.Errorf("%s is a password file", what)
		}
	}
}

func TestAPasswordIsHashedOnceWhateverComes(t *testing.T) {
	u, now := users(t, "bcrypt:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"), time.Now()
	u.knows(t, "bcrypt", "secret", now)
	u.turn <- struct{}{} // from here on nothing can be hashed
	if !u.knows(t, "bcrypt", "secret", now) {
		t.Error("not remembered")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if ok, err := u.Check(ctx, "bcrypt", "guess", now); ok || !errors.Is(err, ErrBusy) {
		t.Errorf("%v, %v while another is checked", ok, err)
	}
	<-u.turn
	for n := range 2 * maxChecked {
		u.remember(u.file, [32]byte{byte(n), byte(n >> 8), 1}, false)
	}
	if len(u.checked) > maxChecked {
		t.Errorf("%d are remembered", len(u.checked))
	}
	for digest := range u.checked {
		if strings.Contains(string(digest[:]), "secret") {
			t.Error("a password is kept")
		}
	}
}

func TestUsersMayBeAskedFromManyGoroutines(t *testing.T) {
	u, now := users(t, passwords), time.Now()
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if !u.knows(t, "sha", "secret", now.Add(time.Duration(n)*lookEvery)) {
				t.Error("not in")
			}
		})
	}
	all.Wait()
}
