package project

import (
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// anything is every text: without control characters, as all are.
func anything(_ *decoder, s string) (string, *fault) { return s, nil }

func oneOf(words ...string) check {
	return func(_ *decoder, s string) (string, *fault) {
		if slices.Contains(words, s) {
			return s, nil
		}
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = strconv.Quote(w)
		}
		return "", wrong("is none of the choices", "Write one of "+strings.Join(quoted, ", ")+".")
	}
}

// absolute is an absolute path, cleaned. The top of the file system is none that anything is in.
func absolute(_ *decoder, s string) (string, *fault) {
	if !filepath.IsAbs(s) {
		return "", wrong("is no absolute path", `Write it from the top: "/srv/client-x".`)
	}
	clean, f := cleanPath(s)
	if clean == "/" {
		return "", wrong("is the whole file system", `Write a directory of its own: "/srv/client-x".`)
	}
	return clean, f
}

// path is a path, relative to the root.
func path(d *decoder, s string) (string, *fault) {
	if s == "" {
		return "", wrong("is empty", "Write a path, or remove the attribute.")
	}
	if strings.HasPrefix(s, "~") {
		return "", wrong("begins with a tilde", `Write pathexpand("~/...") or the whole path.`)
	}
	if filepath.IsAbs(s) {
		return cleanPath(s)
	}
	if d.p.Root == "" {
		return "", nil
	}
	return cleanPath(filepath.Join(d.p.Root, s))
}

// maxPath is what Linux takes (PATH_MAX).
const maxPath = 4096

func cleanPath(s string) (string, *fault) {
	if slices.Contains(strings.Split(s, "/"), "..") {
		return "", wrong(`holds ".."`, "Write the path without it.")
	}
	if len(s) >= maxPath {
		return "", wrong("is too long for a path", "Linux takes at most 4095 bytes.")
	}
	return filepath.Clean(s), nil
}

// systemDirs are what no project may be given to write to.
var systemDirs = []string{"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/usr", "/var"}

func writable(d *decoder, s string) (string, *fault) {
	clean, f := path(d, s)
	if f == nil && slices.Contains(systemDirs, clean) {
		return "", wrong("belongs to the system", "Write the directory of the project that is written to.")
	}
	return clean, f
}

// program is the first word of a command: a path relative to the root, or a name for PATH.
func program(root, s string) string {
	if filepath.IsAbs(s) || !strings.Contains(s, "/") || root == "" {
		return s
	}
	return filepath.Join(root, s)
}

// accountForm is what systemd takes as a user or group name (see its USER_NAMES document).
var accountForm = newPattern(`^[A-Za-z_][A-Za-z0-9_.-]{0,30}$`)

func account(_ *decoder, s string) (string, *fault) {
	if s == "root" || s == "0" {
		return "", wrong("may do everything on the host", "Write an account of the project's own: adduser --system --group client-x.")
	}
	if !accountForm.MatchString(s) {
		return "", wrong("is no account name", "Write the name (no number) of a user or group of this host.")
	}
	return s, nil
}

// admin is a user, or a group after an "@". Root needs no permission, and everybody is nobody's choice.
func admin(d *decoder, s string) (string, *fault) {
	name := strings.TrimPrefix(s, "@")
	if _, fault := account(d, name); fault != nil {
		return "", wrong("is neither a user nor a group", `Write the name of a user, or "@" and the name of a group, other than root.`)
	}
	return s, nil
}

var moduleForm = newPattern(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

func module(_ *decoder, s string) (string, *fault) {
	if !moduleForm.MatchString(s) || len(s) > 255 {
		return "", wrong("is no Python module", `Write it with dots and without .py: "client_x.settings".`)
	}
	return s, nil
}

// callableForm is what gunicorn takes as an application: a module, and what is in it or gives it.
var callableForm = newPattern(`^[A-Za-z_][A-Za-z0-9_.]*(:[A-Za-z_][A-Za-z0-9_.]*(\(\))?)?$`)

func callable(_ *decoder, s string) (string, *fault) {
	if !callableForm.MatchString(s) || len(s) > 255 {
		return "", wrong("is no application", `Write module:callable, for example "client_x.wsgi:application".`)
	}
	if !strings.Contains(s, ":") {
		s += ":application"
	}
	return s, nil
}

func listenAddress(_ *decoder, s string) (string, *fault) {
	address, err := netip.ParseAddrPort(s)
	if err != nil || address.Port() == 0 || address.Addr().Zone() != "" {
		return "", wrong("is no address and port", `Write it like "127.0.0.1:8001".`)
	}
	return address.String(), nil
}

var variableForm = newPattern(`^[A-Za-z_][A-Za-z0-9_]{0,254}$`)

// systemds are the variables by which systemd hands over sockets and hears about readiness.
var systemds = []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET", "MAINPID", "WATCHDOG_USEC", "WATCHDOG_PID", "CREDENTIALS_DIRECTORY"}

func variable(_ *decoder, s string) (string, *fault) {
	if !variableForm.MatchString(s) {
		return "", wrong("is no name of an environment variable", "Write letters, digits and underscores, and no digit first.")
	}
	if slices.Contains(systemds, s) {
		return "", wrong("is set by systemd", "Remove it.")
	}
	return s, nil
}

var credentialForm = newPattern(`^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,254}$`)

func credential(_ *decoder, s string) (string, *fault) {
	if !credentialForm.MatchString(s) {
		return "", wrong("is no name of a credential", "Write letters, digits, underscores and dashes: it becomes a file name.")
	}
	return s, nil
}

// unitForm is systemd.unit(5): the characters of a name, and a type that can be waited for.
var unitForm = newPattern(`^[A-Za-z0-9:_.\\@-]{1,200}\.(service|socket|target|mount|path|timer|device|slice|scope|swap|automount)$`)

func unitName(_ *decoder, s string) (string, *fault) {
	if !unitForm.MatchString(s) {
		return "", wrong("is no unit name", `Write it whole, for example "postgresql.service".`)
	}
	return s, nil
}

func isPort(s string) bool {
	_, ok := decimal(s, 1, 65535)
	return ok
}

// decimal is a plain whole number in a range.
func decimal(s string, low, high int) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= low && n <= high && s[0] != '+'
}
