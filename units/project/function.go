package project

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// secret marks a value that came from the environment or from a file that not everyone may read:
// no message shows it and nothing that everyone may read is made from it.
const secret = "secret"

// maxIncluded bounds what one file() reads: a token or a line of policy, not a document. maxTaken
// bounds what all of a project file take together.
const (
	maxIncluded = 64 << 10
	maxTaken    = 1 << 20
)

// scene is what expressions are evaluated against.
type scene struct {
	outside Outside
	name    string
	root    string   // "" until it has been evaluated
	dirs    []string // where file() may read: the project files' directory, then the root
	taken   int      // bytes that env() and file() gave so far
	trial   bool     // only types are checked: what comes from outside is unknown
}

// context is the scene as HCL sees it.
func (s *scene) context() *hcl.EvalContext {
	variables := map[string]cty.Value{"name": cty.StringVal(s.name)}
	if s.root != "" {
		variables["root"] = cty.StringVal(s.root)
	}
	if s.trial {
		variables["name"], variables["root"] = cty.UnknownVal(cty.String), cty.UnknownVal(cty.String)
	}
	return &hcl.EvalContext{Variables: variables, Functions: map[string]function.Function{
		"env":        s.stringFunction("name", s.env),
		"file":       s.stringFunction("path", s.file),
		"pathexpand": s.stringFunction("path", s.pathexpand),
	}}
}

// stringFunction is an HCL function of strings: one, and what follows it if it takes more.
func (s *scene) stringFunction(param string, f func([]string) (cty.Value, error)) function.Function {
	return function.New(&function.Spec{
		Params:   []function.Parameter{{Name: param, Type: cty.String}},
		VarParam: &function.Parameter{Name: "default", Type: cty.String},
		Type:     function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if s.trial {
				return cty.UnknownVal(cty.String), nil
			}
			texts := make([]string, len(args))
			for i, arg := range args {
				texts[i] = arg.AsString()
			}
			return f(texts)
		},
	})
}

// env is env("X") and env("X", "default").
func (s *scene) env(args []string) (cty.Value, error) {
	if len(args) > 2 {
		return cty.NilVal, errors.New("env takes a name and at most one default")
	}
	if s.outside.Env == nil {
		return cty.NilVal, errors.New("env() cannot be used here")
	}
	if value, set := s.outside.Env(args[0]); set {
		return s.take(value, secret)
	}
	if len(args) == 2 {
		return cty.StringVal(args[1]), nil
	}
	return cty.NilVal, fmt.Errorf("the environment variable %s is not set; set it, or give a default: env(%s, \"...\")", quote(args[0]), quote(args[0]))
}

// file is file("path"): the content without its last line end. The path is relative to the
// project files' directory, or absolute below it or below root.
func (s *scene) file(args []string) (cty.Value, error) {
	if len(args) > 1 {
		return cty.NilVal, errors.New("file takes one path")
	}
	if s.outside.ReadFile == nil {
		return cty.NilVal, errors.New("file() cannot be used here")
	}
	dir, name, err := s.allowed(args[0])
	if err != nil {
		return cty.NilVal, err
	}
	content, public, err := s.outside.ReadFile(dir, name, maxIncluded)
	if errors.Is(err, ErrTooLarge) {
		return cty.NilVal, fmt.Errorf("%s has more than %d bytes", quote(args[0]), maxIncluded)
	}
	if err != nil {
		return cty.NilVal, fmt.Errorf("cannot read %s: %w", quote(args[0]), err)
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if public {
		return s.take(text)
	}
	return s.take(text, secret)
}

// take is a value from outside, with its marks.
func (s *scene) take(text string, marks ...any) (cty.Value, error) {
	if s.taken += len(text); s.taken > maxTaken {
		return cty.NilVal, fmt.Errorf("env() and file() have given more than %d bytes to this file", maxTaken)
	}
	return cty.StringVal(text).WithMarks(cty.NewValueMarks(marks...)), nil
}

// allowed finds the directory that a path given to file() is in.
func (s *scene) allowed(path string) (dir, name string, err error) {
	full := filepath.Clean(path)
	if !filepath.IsAbs(full) {
		full = filepath.Join(s.dirs[0], full)
	}
	for _, dir := range append(s.dirs[:len(s.dirs):len(s.dirs)], s.root) {
		if name, ok := below(dir, full); ok {
			return dir, name, nil
		}
	}
	return "", "", fmt.Errorf("%s is neither below the project files' directory nor below root; file() reads nowhere else", quote(path))
}

// below is the part of a clean path that follows dir.
func below(dir, full string) (string, bool) {
	if dir == "" {
		return "", false
	}
	return strings.CutPrefix(full, strings.TrimSuffix(dir, "/")+"/")
}

// pathexpand replaces a leading "~" or "~user" by that home directory.
func (s *scene) pathexpand(args []string) (cty.Value, error) {
	if len(args) > 1 {
		return cty.NilVal, errors.New("pathexpand takes one path")
	}
	rest, tilde := strings.CutPrefix(args[0], "~")
	if !tilde {
		return cty.StringVal(args[0]), nil
	}
	if s.outside.Home == nil {
		return cty.NilVal, errors.New("pathexpand() cannot be used here")
	}
	user, path, _ := strings.Cut(rest, "/")
	home, err := s.outside.Home(user)
	if err != nil {
		return cty.NilVal, fmt.Errorf("cannot find the home directory of %s: %w", quote("~"+user), err)
	}
	return cty.StringVal(filepath.Join(home, path)), nil
}
