package project

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"
)

func seeds(f *testing.F) {
	files, err := filepath.Glob("testdata/mistakes/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/everything.hcl") {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range hostile(100) {
		f.Add([]byte(src))
	}
	f.Add([]byte("defaults {\n  root = \"/srv/${name}\"\n  gunicorn {\n    workers = 2\n  }\n}\nproxy {\n  http = [\"127.0.0.1:80\"]\n}\n"))
}

// hostile is what a parser, an evaluator or a person would choke on, made smaller by a factor.
func hostile(smaller int) []string {
	many := func(s string, n int) string { return strings.Repeat(s, n/smaller+1) }
	return []string{
		"root = \"" + many("${file(\"public\")}", 10_000) + "\"", "root = \"" + many("${env(\"SECRET\")}", 10_000) + "\"",
		"", "\ufeff", "\ufeffroot = \"/srv/x\"\r\n", "root = \"/srv/x\"\r\ndomains = [\"a.example\"]\r\n", "\xff\xfe", "\x00",
		"a = " + many("[", 200_000), "a = " + many("(", 200_000), "a = " + many("{", 200_000), "a = " + many("{a=", 100_000),
		many("a {\n", 50_000), many("gunicorn {}\n", 20_000), many("a {}\n", 20_000), many("a = 1\n", 40_000), many("{}", 500_000),
		"a = " + many("!", 500_000) + "true", "a = " + many("-", 500_000) + "1", "a = 1" + many("+1", 200_000), "a = 1" + many(" ? 1 : 1", 100_000),
		"a = b" + many("[c]", 100_000), "a = b" + many(".c", 200_000), "a = b" + many(".*", 200_000), "a = " + many("f(", 100_000),
		"a = \"" + many("${\"", 100_000), "a = \"" + many("%{if true}", 50_000) + "\"", "a = \"" + many("x", 1_000_000) + "\"",
		"a = <<E\n" + many("x\n", 100_000) + "E\n", "a = <<E\n", "a = \"", "a = \"${", "a = [", "/*", "#" + many("x", 1_000_000),
		"root = \"/srv/x\"\ndomains = [" + many("\"a.example\",", 30_000) + "]",
		"root = \"/srv/x\"\nenvironment = {" + many("A=\"\",", 30_000) + "}",
		many("x", 2<<20), "a = 1e999999999", "a = " + many("9", 900_000), "user = 1e99999999", "user = \"${1e99999999}\"", "gunicorn { threads = 1e308 }", "gunicorn { threads = -0 }",
		"root = {}", "root = [[]]", "domains = null", "environment = null", "environment = { (null) = 1 }", "domains = [null]", "root = \"/srv/${root}\"",
		"root = [for a in [1] : a]", "environment = { for k in [\"a\"] : k => k }", "domains = \"%{ for x in [1] }a%{ endfor }\"",
		"root = \"/srv/x\"\nstatic \"/${name}/\" {\n}\n", "tls {\n mode = null\n}\n", "tls {\n}\n",
	}
}

func FuzzLoad(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		p, diags := Load("/etc/sandwich/projects/client-x.hcl", src, canary())
		if len(diags) > maxMistakes+1 {
			t.Errorf("%d mistakes are told", len(diags))
		}
		if p == nil && !diags.HasErrors() {
			t.Error("neither a project nor a mistake")
		}
		if diags.HasErrors() {
			return
		}
		for _, s := range everyText(p) {
			if strings.IndexFunc(s, unicode.IsControl) >= 0 {
				t.Errorf("%q holds a control character", s)
			}
		}
		Complete(p, Found{})
	})
}

// everyText is every string of a project that something is made from.
func everyText(p *Project) []string {
	all := []string{p.Root, p.User, p.Group, p.Python, p.Settings, p.App, p.Listen, p.EnvFile, string(p.Hardening),
		p.Gunicorn.WorkerClass, p.Gunicorn.Config, p.Limits.Memory, p.Limits.MemoryHigh, p.Limits.CPU, p.Limits.IORead, p.Limits.IOWrite}
	for _, list := range [][]string{p.Domains, p.Command, p.Needs, p.Writable, p.Gunicorn.Args, p.Proxy.Stream} {
		all = append(all, list...)
	}
	for _, m := range []map[string]string{p.Environment, p.Credentials, p.Proxy.Headers, p.Proxy.ErrorPages} {
		for k, v := range m {
			all = append(all, k, v)
		}
	}
	for _, s := range p.Statics {
		all = append(all, s.Prefix, s.Root, s.Domain)
	}
	for _, r := range p.Redirects {
		all = append(all, r.From, r.To)
	}
	for _, w := range p.Workers {
		all = append(append(all, w.Name, w.StopSignal), w.Command...)
	}
	for _, t := range p.Timers {
		all = append(append(append(all, t.Name, t.Calendar), t.Command...), t.OnFailure...)
	}
	for _, step := range p.Release.Steps {
		all = append(all, step...)
	}
	all = append(all, p.Release.Health)
	return all
}

func FuzzLoadHost(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		host, diags := LoadHost("/etc/sandwich/sandwich.hcl", src)
		if host == nil || len(diags) > maxMistakes+1 {
			t.Error("no host, or too many mistakes")
		}
		Load("/etc/sandwich/projects/client-x.hcl", []byte("root = \"/srv/x\""), host)
	})
}

func FuzzMeasures(f *testing.F) {
	for _, s := range []string{"25MB", "1d12h", "0", "-1s", "99999999999999999999", "9223372036854775807t", "1.5h", "d", "1d1d", "3660d", "1e9s", "9999999h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, wrong := parseSize(s); wrong == nil && n < 0 {
			t.Errorf("%q has %d bytes", s, n)
		}
		if d, wrong := parseDuration(s); wrong == nil && (d < 0 || d > 2*longest) {
			t.Errorf("%q is %s", s, d)
		}
	})
}

func TestHostileFilesAreRefusedInTime(t *testing.T) {
	for _, src := range hostile(1) {
		start := used(t)
		_, diags := Load("/etc/sandwich/projects/client-x.hcl", []byte(src), canary())
		// Each takes a fraction of a second; the bound is for the race detector.
		if took := used(t) - start; took > 30*time.Second {
			t.Errorf("%.40q takes %s of a processor", src, took)
		}
		valid := strings.HasPrefix(strings.TrimPrefix(src, "\ufeff"), "root = \"/srv/x\"\r\n")
		if diags.HasErrors() == valid {
			t.Errorf("%.40q: %v", src, diags)
		}
	}
}

// used is the processor time of this process so far.
func used(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
