package project

import "errors"

// Outside is what a project file may ask for that is not in it. Load itself reaches for nothing:
// a nil function means that the HCL function which needs it is refused.
type Outside struct {
	// Env is the environment behind env().
	Env func(name string) (value string, set bool)
	// ReadFile reads a regular file below dir, never leaving dir through ".." or a symbolic link,
	// and says whether everyone on the host may read it. A file of more than max bytes is
	// ErrTooLarge. It is behind file().
	ReadFile func(dir, name string, max int64) (content []byte, public bool, err error)
	// Home is the home directory of a user, "" meaning the person who runs the command. It is
	// behind pathexpand().
	Home func(user string) (string, error)
}

// ErrTooLarge is given by Outside.ReadFile for a file that is longer than asked for.
var ErrTooLarge = errors.New("the file is too large")
