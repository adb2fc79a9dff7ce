package django

import (
	"crypto/sha256"
	"encoding/base64"
	"path/filepath"
	"regexp"
	"strings"
)

// Managed gives the interpreters of the virtual environments that poetry and pipenv keep for a
// project in the home of its owner. Several are there when it was installed for several Pythons.
func Managed(root, home string) []string {
	real, err := filepath.EvalSymlinks(root)
	if err != nil || home == "" || home == "/" {
		return nil
	}
	var found []string
	for _, env := range append(poetry(real, home), pipenv(real, home)...) {
		if p := interpreter(env); p != "" {
			found = append(found, p)
		}
	}
	return found
}

var (
	projectName = regexp.MustCompile(`(?m)^name\s*=\s*["']([^"']+)["']`)
	notInName   = regexp.MustCompile("[ $`!*@\"\\\\\r\n\t]")
)

// poetry names an environment after the project's name, its directory and the version of Python
// (poetry.utils.env.EnvManager.generate_env_name).
func poetry(root, home string) []string {
	m := projectName.FindSubmatch(source(filepath.Join(root, "pyproject.toml")))
	if m == nil {
		return nil
	}
	name := notInName.ReplaceAllString(strings.ToLower(string(m[1])), "_")
	sum := sha256.Sum256([]byte(root))
	prefix := name[:min(len(name), 42)] + "-" + base64.URLEncoding.EncodeToString(sum[:])[:8] + "-py"
	return beginning(filepath.Join(home, ".cache/pypoetry/virtualenvs"), prefix)
}

// pipenv writes beside an environment of whose project it is.
func pipenv(root, home string) []string {
	dir := filepath.Join(home, ".local/share/virtualenvs")
	var found []string
	for _, env := range beginning(dir, filepath.Base(root)+"-") {
		if strings.TrimSpace(string(source(filepath.Join(env, ".project")))) == root {
			found = append(found, env)
		}
	}
	return found
}

// beginning are the directories whose names begin so.
func beginning(dir, prefix string) []string {
	names, err := list(dir)
	if err != nil {
		return nil
	}
	var found []string
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			found = append(found, filepath.Join(dir, name))
		}
	}
	return found
}
