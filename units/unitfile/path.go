package unitfile

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// maxSocketPath is what fits into sockaddr_un with the closing NUL (unix(7)).
const maxSocketPath = 107

// Path is the one path that WorkingDirectory= and its like take: read to the end of the line
// without unquoting.
func Path(s string) (Value, error) {
	err := checkPath(s)
	if err == nil {
		err = plain(s)
	}
	if err != nil {
		return Value{}, fmt.Errorf("cannot use the path %q: %w", s, err)
	}
	return Value{escapePercent(s)}, nil
}

// GlobPath is the one path that EnvironmentFile= takes. It is a shell pattern there, so what glob(7)
// would expand is escaped.
func GlobPath(s string) (Value, error) {
	v, err := Path(s)
	return Value{globEscaper.Replace(v.text)}, err
}

var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`)

// PathWord is one path of a list: ReadWritePaths=, InaccessiblePaths=. A backslash there only takes
// the meaning from the character after it, so a control character cannot be written at all.
func PathWord(s string) (Value, error) {
	err := checkPath(s)
	if err == nil && strings.ContainsFunc(s, isControl) {
		err = errors.New("it has a control character")
	}
	if err != nil {
		return Value{}, fmt.Errorf("cannot use the path %q: %w", s, err)
	}
	return Value{quote(s)}, nil
}

// OptionalPath is PathWord for a path that need not be there.
func OptionalPath(s string) (Value, error) {
	v, err := PathWord(s)
	if err != nil {
		return Value{}, err
	}
	return Value{optional(v.text)}, nil
}

// optional puts the "-" inside the quotes: they must enclose the whole word.
func optional(word string) string {
	if quoted, ok := strings.CutPrefix(word, `"`); ok {
		return `"-` + quoted
	}
	return "-" + word
}

// SocketPath is a unix socket for ListenStream=.
func SocketPath(s string) (Value, error) {
	if len(s) > maxSocketPath {
		return Value{}, fmt.Errorf("cannot listen on %q: a socket's path has at most %d bytes", s, maxSocketPath)
	}
	return Path(s)
}

// SocketAddress is a host:port for ListenStream=, which takes only numeric addresses: "localhost"
// becomes 127.0.0.1, and no host at all every address there is.
func SocketAddress(s string) (Value, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return Value{}, fmt.Errorf("cannot listen on %q: %w", s, err)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return Value{}, fmt.Errorf("cannot listen on %q: the port is not a number from 1 to 65535", s)
	}
	switch host {
	case "":
		return Value{port}, nil
	case "localhost":
		host = "127.0.0.1"
	}
	if addr, err := netip.ParseAddr(host); err != nil || addr.Zone() != "" {
		return Value{}, fmt.Errorf("cannot listen on %q: systemd needs an IP address, not a name", s)
	}
	return Value{net.JoinHostPort(host, port)}, nil
}

func checkPath(s string) error {
	switch {
	case !path.IsAbs(s):
		return errors.New("it is not absolute")
	case path.Clean(s) != s:
		return errors.New("it is not in its shortest form")
	case len(s) >= 4096:
		return errors.New("it is longer than the kernel takes")
	}
	return legible(s)
}

// OptionalBind is one path that BindPaths= shows at its own place if it is there. A colon outside
// quotes would begin another place for it.
func OptionalBind(s string) (Value, error) {
	v, err := PathWord(s)
	if err != nil {
		return Value{}, err
	}
	if strings.Contains(s, ":") && !strings.HasPrefix(v.text, `"`) {
		v.text = `"` + v.text + `"`
	}
	return Value{optional(v.text)}, nil
}

// EmptyDirectory is one path of TemporaryFileSystem=, read-only. It is split at colons after it was
// unquoted, so a colon, a quote or a backslash cannot be written.
func EmptyDirectory(s string) (Value, error) {
	if strings.ContainsAny(s, `:"'\`) {
		return Value{}, fmt.Errorf("cannot hide %q: its name has a colon, a quote or a backslash", s)
	}
	if _, err := PathWord(s); err != nil {
		return Value{}, err
	}
	return Value{quote(s + ":ro")}, nil
}

// SearchPath is one directory of ExecSearchPath=, which is split at colons.
func SearchPath(s string) (Value, error) {
	if strings.ContainsAny(s, `:"'\`) {
		return Value{}, fmt.Errorf("cannot search %q: its name has a colon, a quote or a backslash", s)
	}
	return PathWord(s)
}
