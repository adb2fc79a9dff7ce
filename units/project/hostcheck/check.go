package hostcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sandwich/units/project"
)

// check is one look at a project on a host.
type check struct {
	p     *project.Project
	sys   *System
	diags hcl.Diagnostics
}

func (c *check) refuse(key, summary, detail string, args ...any) {
	c.add(hcl.DiagError, key, summary, fmt.Sprintf(detail, args...))
}

func (c *check) warn(key, summary, detail string, args ...any) {
	c.add(hcl.DiagWarning, key, summary, fmt.Sprintf(detail, args...))
}

func (c *check) add(severity hcl.DiagnosticSeverity, key, summary, detail string) {
	c.diags = append(c.diags, &hcl.Diagnostic{
		Severity: severity, Summary: summary, Detail: detail, Subject: c.p.Source.At(key),
	})
}

// Basics checks what has to be right before the project can be asked anything: its directory, its
// accounts, its interpreter and the files systemd reads for it. Unset fields are left out, so that
// a project whose file has mistakes can be checked, too.
func Basics(p *project.Project, sys *System) hcl.Diagnostics {
	c := &check{p: p, sys: sys}
	rooted := c.root()
	if user, ok := c.accounts(); ok && rooted {
		c.reached(user)
	}
	if rooted {
		c.interpreter()
	}
	c.files()
	return c.diags
}

// root says whether there is a directory to look at.
func (c *check) root() bool {
	if c.p.Root == "" {
		return false
	}
	info, err := c.sys.stat(c.p.Root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.refuse("root", "root is not there", "There is no directory %q. Write where the project is, or create it.", c.p.Root)
	case err != nil:
		c.refuse("root", "root cannot be read", "%s.", reason(err))
	case !info.Mode.IsDir():
		c.refuse("root", "root is no directory", "%q is a file. Write the directory the project is in.", c.p.Root)
	default:
		return true
	}
	return false
}

// reason is an error of the operating system as a sentence begins.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return fmt.Sprintf("Cannot read %q: %s", path.Path, path.Err)
	}
	return "Cannot read it: " + err.Error()
}

// accounts checks that the user and the group are there and may run a project, and gives the user.
func (c *check) accounts() (user Account, ok bool) {
	if c.p.Group != "" {
		c.group()
	}
	if c.p.User == "" {
		return Account{}, false
	}
	user, err := c.sys.User(c.p.User)
	if err != nil {
		c.refuse("user", "The user is not there", "There is no user %q on this host. Create it (adduser --system --group %s), or write another.", c.p.User, c.p.User)
		return Account{}, false
	}
	if user.UID == 0 {
		c.refuse("user", "The project would run as root", "The user %q has the number 0. Write an account of the project's own.", c.p.User)
		return Account{}, false
	}
	return user, true
}

func (c *check) group() {
	gid, err := c.sys.GroupID(c.p.Group)
	if err != nil {
		c.refuse("group", "The group is not there", "There is no group %q on this host. Create it (addgroup --system %s), or write another.", c.p.Group, c.p.Group)
		return
	}
	if gid == 0 {
		c.refuse("group", "The project would run in root's group", "The group %q has the number 0. Write a group of the project's own.", c.p.Group)
	}
}

// reached checks that the project's user gets into its working directory.
func (c *check) reached(user Account) {
	user = c.inGroup(user)
	dir := c.p.Dir
	if dir == "" {
		dir = c.p.Root
	}
	_, block, err := c.sys.reach(dir, user, maySearch)
	if err == nil && block != nil {
		c.refuse("root", "The project's user cannot reach the project", "The user %s may not enter %q. %s", user.Name, block.path, remedy(block, user))
	}
}

// inGroup adds the group that the project states.
func (c *check) inGroup(user Account) Account {
	if gid, err := c.sys.GroupID(c.p.Group); c.p.Group != "" && err == nil {
		user.Groups = append(slices.Clone(user.Groups), gid)
	}
	return user
}

// remedy is the command that lets an account through.
func remedy(b *blocked, who Account) string {
	permission := "x"
	if b.need&mayRead != 0 {
		permission = "rX"
	}
	if b.need&mayWrite != 0 {
		permission = "rwX"
	}
	everyone := "chmod o+" + permission + " " + shell(b.path)
	alone := "setfacl -m u:" + who.Name + ":" + permission + " " + shell(b.path)
	if b.info.ACL != nil || b.need&mayWrite != 0 {
		return "Run: " + alone
	}
	return "Run: " + everyone + " (or, for this account alone: " + alone + ")"
}

// shell is a path as a person can paste it into a shell.
func shell(path string) string {
	plain := strings.IndexFunc(path, func(c rune) bool {
		return !strings.ContainsRune("/._-+@", c) && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	}) < 0
	if plain {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// interpreter checks the python, or the program of a command.
func (c *check) interpreter() {
	key, program := "python", c.p.Python
	if len(c.p.Command) > 0 {
		key, program = "command", c.p.Command[0]
	}
	if program == "" || !filepath.IsAbs(program) {
		return
	}
	info, err := c.sys.stat(program)
	switch {
	case err != nil && key == "python":
		c.refuse(key, "The python is not there", "%q is not there, or leads to an interpreter that is not there any more. Create the virtual environment anew (python3 -m venv %s), or write python.",
			program, shell(filepath.Dir(filepath.Dir(program))))
	case err != nil:
		c.refuse(key, "The command is not there", "%s. Write the program to run.", reason(err))
	case !info.Mode.IsRegular() || info.Mode.Perm()&0o111 == 0:
		c.refuse(key, "The program cannot be run", "%q is no executable file. Run: chmod +x %s", program, shell(program))
	}
}

// files checks what systemd reads for the project.
func (c *check) files() {
	if c.p.EnvFile != "" {
		c.file("env_file", c.p.EnvFile, "env_file")
	}
	for name, file := range c.p.Credentials {
		c.file(fmt.Sprintf("credentials[%q]", name), file, "the credential "+name)
	}
}

func (c *check) file(key, path, called string) {
	info, err := c.sys.stat(path)
	steered := c.sys.Steered(path)
	switch {
	case steered && key != "env_file":
		c.refuse(key, "Not only root chooses what systemd reads",
			"Whoever may change what %q leads to could have systemd read any other file, as root, as %s. Move it to a directory of root's, such as /etc/sandwich/secrets.", path, called)
	case errors.Is(err, fs.ErrNotExist):
		c.refuse(key, "A file is not there", "%q of %s is not there. Create it, or remove the setting.", path, called)
	case errors.Is(err, fs.ErrPermission):
		c.warn(key, "A file was not checked", "%s. Only root can tell whether it is there.", reason(err))
	case err != nil:
		c.refuse(key, "A file cannot be read", "%s.", reason(err))
	case !info.Mode.IsRegular():
		c.refuse(key, "A file is none", "%q of %s is no regular file.", path, called)
	case info.Mode.Perm()&0o002 != 0:
		c.refuse(key, "Everyone may change a secret", "%q can be written by every user of this host. Run: chmod 600 %s", path, shell(path))
	case c.sys.Public(path):
		c.warn(key, "Everyone may read a secret", "%q can be read by every user of this host. Run: chmod 600 %s", path, shell(path))
	case steered:
		c.ownEnv(key, path)
	}
}

// ownEnv checks that the project's user can read a file that is read as him, or that it is root's
// own, which no link leads to.
func (c *check) ownEnv(key, path string) {
	user, err := c.sys.User(c.p.User)
	if err != nil {
		return // that is told
	}
	info, block, err := c.sys.reach(path, c.inGroup(user), mayRead)
	at := c.sys.resolve(path).path
	if err != nil || block == nil || info.UID == 0 && block.path == at && at == path {
		return
	}
	c.refuse(key, "The project's user cannot read its env_file",
		"Not only root chooses what %q is, so it is read as the user %s, who may not use %q. Let it be a file of that user's, or move it to a directory of root's, such as /etc/sandwich.", path, user.Name, block.path)
}
