package unitfile

import (
	"fmt"
	"regexp"
)

var (
	// The characters and length of systemd.unit(5).
	unitName = regexp.MustCompile(`^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$`)
	// What systemd takes as a name without a warning, and what Samba adds to it: DOMAIN\name, name$.
	accountName    = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_.@\\-]*[A-Za-z0-9_.@-])?\$?$`)
	credentialName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9_.-]*$`)
)

// UnitName is a unit for Requires=, After=, Slice= and their like, where backslashes are kept.
func UnitName(s string) (Value, error) {
	if !unitName.MatchString(s) || len(s) > 255 {
		return Value{}, fmt.Errorf("cannot use %.80q as a unit: not the name of one", s)
	}
	return Value{s}, nil
}

// Account is a user or a group.
func Account(s string) (Value, error) {
	if !accountName.MatchString(s) || len(s) > 255 {
		return Value{}, fmt.Errorf("cannot use %.80q as a user or group: not the name of one", s)
	}
	return Value{s}, nil
}

// Credential is one name:path of LoadCredential=.
func Credential(name, file string) (Value, error) {
	if !credentialName.MatchString(name) || len(name) > 255 {
		return Value{}, fmt.Errorf("cannot load the credential %.80q: a name is letters, digits, '_', '-' and '.'", name)
	}
	path, err := Path(file)
	if err != nil {
		return Value{}, err
	}
	return Value{name + ":" + path.text}, nil
}

var signalName = regexp.MustCompile(`^SIG[A-Z][A-Z0-9]{1,9}$`)

// Signal is the name of a signal, for KillSignal=.
func Signal(s string) (Value, error) {
	if !signalName.MatchString(s) {
		return Value{}, fmt.Errorf("cannot use %.80q as a signal: not the name of one", s)
	}
	return Value{s}, nil
}
