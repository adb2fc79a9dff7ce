package project

import (
	"fmt"
	"path/filepath"
	"strings"
)

// Extension is how the name of a project file ends.
const Extension = ".hcl"

var nameForm = newPattern(`^[a-z0-9]([a-z0-9-]{0,46}[a-z0-9])?$`)

// CheckName says why a project cannot have this name, or nil. Every unit name, socket path and
// route is made from it, so nothing that needs escaping is allowed.
func CheckName(name string) error {
	if name == "proxy" {
		return fmt.Errorf("the name \"proxy\" is taken: sandwich-proxy.service is the front proxy itself; choose another name")
	}
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%s is no project name: use a to z, 0 to 9 and inner dashes, at most 48 characters, for example \"client-x\"", quote(name))
	}
	return nil
}

// NameOf is the name of the project that a project file states: its base name without ".hcl".
func NameOf(filename string) string {
	return strings.TrimSuffix(filepath.Base(filename), Extension)
}
