package access

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tg123/go-htpasswd"
)

// Users are the names and passwords of a file that htpasswd(1) writes. Safe for concurrent use.
//
// Hashes such as bcrypt cost a tenth of a second of CPU each time, and a browser sends the password
// with each request: what was checked is remembered, not the password but a keyed hash of it. One
// password of a file is checked at a time, so that somebody who guesses keeps one core busy at most.
type Users struct {
	path string
	turn chan struct{}

	mu      sync.Mutex
	looked  time.Time // when the file was looked at last
	known   os.FileInfo
	file    *htpasswd.File
	someone string // a name in the file
	key     [32]byte
	checked map[[32]byte]bool
}

const (
	lookEvery  = time.Second // how old what is known of the file may be
	maxFile    = 1 << 20
	maxChecked = 1024
	patience   = 5 * time.Second // how long a check may wait for its turn
)

// ErrBusy means that too many passwords are being checked.
var ErrBusy = errors.New("too many passwords are being checked")

// NewUsers opens nothing yet.
func NewUsers(path string) *Users { return &Users{path: path, turn: make(chan struct{}, 1)} }

// Check says whether somebody of that name has that password. An error is ErrBusy or that the file
// cannot be used, and nobody is known then.
func (u *Users) Check(ctx context.Context, name, password string, now time.Time) (bool, error) {
	file, someone, digest, known, err := u.remembered(name, password, now)
	if err != nil || known != nil {
		return known != nil && *known, err
	}
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case u.turn <- struct{}{}:
		defer func() { <-u.turn }()
	case <-wait.Done():
		return false, ErrBusy
	}
	if _, _, _, known, err = u.remembered(name, password, now); err != nil || known != nil {
		return known != nil && *known, err // somebody before us asked the same
	}
	ok := match(file, someone, name, password)
	u.remember(file, digest, ok)
	return ok, nil
}

// match takes as long for a name that nobody has.
func match(file *htpasswd.File, someone, name, password string) bool {
	if !file.Exists(name) {
		file.Match(someone, password)
		return false
	}
	return file.Match(name, password)
}

// remembered is what was found out about a name and a password before, or nil.
func (u *Users) remembered(name, password string, now time.Time) (file *htpasswd.File, someone string, digest [32]byte, known *bool, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.look(now); err != nil {
		return nil, "", digest, nil, err
	}
	digest = u.digest(name, password)
	if ok, is := u.checked[digest]; is {
		known = &ok
	}
	return u.file, u.someone, digest, known, nil
}

func (u *Users) remember(file *htpasswd.File, digest [32]byte, ok bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if file != u.file {
		return // the file has changed meanwhile
	}
	if len(u.checked) >= maxChecked {
		clear(u.checked)
	}
	u.checked[digest] = ok
}

// digest is a name and a password, for whoever has the key. A name has no colon in it.
func (u *Users) digest(name, password string) [32]byte {
	text := make([]byte, 0, 256)
	text = append(append(append(append(text, u.key[:]...), name...), ':'), password...)
	return sha256.Sum256(text)
}

// look reads the file again when it has changed.
func (u *Users) look(now time.Time) error {
	if u.file != nil && now.Sub(u.looked) < lookEvery && !now.Before(u.looked) {
		return nil
	}
	info, err := os.Stat(u.path)
	if err != nil {
		return u.forget(err)
	}
	u.looked = now
	if u.file != nil && os.SameFile(info, u.known) && info.ModTime().Equal(u.known.ModTime()) && info.Size() == u.known.Size() {
		return nil
	}
	if err := u.read(); err != nil {
		return u.forget(err)
	}
	return nil
}

func (u *Users) forget(err error) error {
	u.file, u.known, u.checked = nil, nil, nil
	return fmt.Errorf("cannot use the password file: %w", err)
}

func (u *Users) read() error {
	f, err := os.OpenFile(u.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", u.path)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return err
	}
	if len(content) > maxFile {
		return fmt.Errorf("%s is larger than %d bytes", u.path, maxFile)
	}
	if u.file, _, err = Parse(content); err != nil {
		return err
	}
	u.someone, u.known, u.checked = firstName(content), info, map[[32]byte]bool{}
	rand.Read(u.key[:])
	return nil
}

// kinds are the hashes that are understood: bcrypt, MD5 of Apache ($apr1$), SHA-1 with and without
// salt, SHA-256 and SHA-512 of crypt(3). A password that is written as it is, is refused.
var kinds = []htpasswd.PasswdParser{
	htpasswd.AcceptMd5, htpasswd.AcceptSha, htpasswd.AcceptBcrypt, htpasswd.AcceptSsha, htpasswd.AcceptCryptSha, htpasswd.RejectPlain,
}

// Parse reads the content of a password file. Lines that are no NAME:HASH with a hash of one of the
// kinds are left out and counted: nobody comes in by them.
func Parse(content []byte) (file *htpasswd.File, bad int, err error) {
	file, err = htpasswd.NewFromReader(bytes.NewReader(withoutComments(content)), kinds, func(error) { bad++ })
	if err != nil {
		return nil, 0, errors.New("a line in it is too long") // the library's own text may hold a hash
	}
	return file, bad, nil
}

// withoutComments is the file as the library reads it: it knows no comments.
func withoutComments(content []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(content) {
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

func firstName(content []byte) string {
	lines := bufio.NewScanner(bytes.NewReader(withoutComments(content)))
	for lines.Scan() {
		if name, _, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":"); ok {
			return name
		}
	}
	return ""
}
