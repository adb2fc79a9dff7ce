package hostcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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
	if c.p.Group != "" {
		if gid, err := c.sys.GroupID(c.p.Group); err == nil {
			user.Groups = append(user.Groups, gid)
		}
	}
	dir := c.p.Dir
	if dir == "" {
		dir = c.p.Root
	}
	_, block, err := c.sys.reach(dir, user, maySearch)
	if err == nil && block != nil {
		c.refuse("root", "The project's user cannot reach the project", "The user %s may not enter %q. %s", user.Name, block.path, remedy(block, user))
	}
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
	at := c.sys.resolve(path)
	switch {
	case at.loose && !inside(at.path, c.sys.base(c.p.Root)) && !c.owned(at.path):
		c.refuse(key, "A file is not the project's own",
			"%q leads to %q by a link that not only root can change, and systemd reads it as root. If the project may have it, write the path that it leads to.", path, at.path)
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
		c.warn(key, "Everyone may read a secret", "%q can be read by every user of this host. Only systemd reads it. Run: chmod 600 %s", path, shell(path))
	case c.sys.replaceable(at.path):
		c.warn(key, "Not only root chooses what systemd reads",
			"Whoever may change the directory of %q can have systemd read, as root, any other file as %s. Keep it in a directory of root's, such as /etc/sandwich.", path, called)
	}
}

// replaceable says whether not only root can put another file in the place of path, which has no links.
func (s *System) replaceable(path string) bool {
	for dir := path; dir != "/"; {
		dir = filepath.Dir(dir)
		info, err := s.Lstat(dir)
		if err != nil || info.UID != 0 {
			return true
		}
		writable := info.Mode.Perm()&0o002 != 0 || info.Mode.Perm()&0o020 != 0 && info.GID != 0
		if writable && info.Mode&fs.ModeSticky == 0 {
			return true
		}
	}
	return false
}
