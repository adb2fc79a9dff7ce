package project

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
)

func host(t *testing.T, src string) *Host {
	t.Helper()
	h, diags := LoadHost("/etc/sandwich/sandwich.hcl", []byte(src))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return h
}

func TestAHostWithoutAFileListensOnPort80(t *testing.T) {
	if got := DefaultHost().HTTP; !slices.Equal(got, []string{"0.0.0.0:80", "[::]:80"}) {
		t.Error(got)
	}
	if got := host(t, "").HTTP; !slices.Equal(got, []string{"0.0.0.0:80", "[::]:80"}) {
		t.Error(got)
	}
}

func TestTheHostFileSaysHowTheProxyListens(t *testing.T) {
	h := host(t, "proxy {\n  http = [\"127.0.0.1:8080\"]\n  http3 = false\n  https = []\n  trusted_proxies = [\"10.0.0.0/8\", \"192.0.2.1\"]\n  proxy_protocol = true\n  memory_budget = \"12G\"\n}")
	if !slices.Equal(h.HTTP, []string{"127.0.0.1:8080"}) || !slices.Equal(h.TrustedProxies, []string{"10.0.0.0/8", "192.0.2.1/32"}) || !h.ProxyProtocol || h.MemoryBudget != 12<<30 {
		t.Errorf("%+v", h)
	}
	if h.HTTP3 || !host(t, "proxy {\n  http3 = true\n}").HTTP3 {
		t.Error("http3 is not read")
	}
}

func TestHTTP3NeedsHTTPS(t *testing.T) {
	_, diags := LoadHost("h.hcl", []byte("proxy {\n  http3 = true\n  https = []\n}"))
	if len(diags) != 1 || diags[0].Subject.Start.Line != 2 || !strings.Contains(diags[0].Summary, "without proxy.https") {
		t.Errorf("%v", diags)
	}
}

func TestMetricsAreOfferedOnThisHostOnly(t *testing.T) {
	if h := host(t, "proxy {\n  metrics = \"127.0.0.1:9145\"\n}"); h.Metrics != "127.0.0.1:9145" {
		t.Errorf("metrics are at %q", h.Metrics)
	}
	for _, wrong := range []string{"0.0.0.0:9145", "127.0.0.1:80", "127.0.0.1", "localhost:9145", ":9145"} {
		if _, diags := LoadHost("h.hcl", []byte("proxy {\n  metrics = \""+wrong+"\"\n}")); len(diags) != 1 {
			t.Errorf("%s: %v", wrong, diags)
		}
	}
}

func TestAProjectsOwnStatementWinsAttributeByAttribute(t *testing.T) {
	h := host(t, `
defaults {
  root     = "/srv/${name}"
  user     = "www-data"
  env_file = "${root}/.env"
  gunicorn {
    workers = 2
    threads = 4
  }
  static "/static/" {
    max_age = "1h"
  }
  static "/more/" {
    root = "/srv/more"
  }
}
`)
	src := "user = \"client-x\"\ngunicorn {\n  threads = 8\n}\nstatic \"/static/\" {\n  root = \"/srv/client-x/static\"\n}\n"
	p, diags := Load("/p/client-x.hcl", []byte(src), h)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if p.Root != "/srv/client-x" || p.User != "client-x" || p.EnvFile != "/srv/client-x/.env" || p.Gunicorn.Workers != 2 || p.Gunicorn.Threads != 8 {
		t.Errorf("%+v", p)
	}
	want := []Static{{Prefix: "/static/", Root: "/srv/client-x/static", MaxAge: time.Hour}, {Prefix: "/more/", Root: "/srv/more", MaxAge: time.Minute}}
	if !reflect.DeepEqual(p.Statics, want) {
		t.Errorf("statics %+v", p.Statics)
	}
	if at := p.Source.At("gunicorn.workers"); at.Filename != "/etc/sandwich/sandwich.hcl" || at.Start.Line != 7 {
		t.Errorf("the workers stand at %s", at)
	}
}

func TestMistakesInDefaultsAreToldOnceWithTheHostFile(t *testing.T) {
	for src, summary := range map[string]string{
		"defaults {\n  gunicorn {\n    worker = 2\n  }\n}":    "Unsupported argument",
		"defaults {\n  user = \"root\"\n}":                    "Invalid value for user",
		"defaults {\n  idle {\n    after = \"5ms\"\n  }\n}":   "Invalid value for idle.after",
		"defaults {\n  idle {\n  }\n}":                        "idle.after is not stated",
		"proxy {\n  memory_budget = \"12\"\n}":                "Invalid value for proxy.memory_budget",
		"defaults {\n}\ndefaults {\n}":                        "The block is there twice",
		"defaults {\n  gunicorn {\n  }\n  gunicorn {\n  }\n}": "The block is there twice",
		"default {\n}": "Unsupported block type",
		"defaults {\n  environment = { A = upper(\"x\") }\n}":                       "Call to unknown function",
		"defaults {\n  proxy {\n    max_body = \"x\"\n  }\n}":                       "Invalid value for proxy.max_body",
		"proxy {\n  http = [\"80\"]\n}":                                             "Invalid value for proxy.http",
		"proxy {\n  trusted_proxies = [\"10.0.0.1/8\"]\n}":                          "Invalid value for proxy.trusted_proxies",
		"proxy {\n  http = env(\"X\")\n}":                                           "Function calls not allowed",
		"defaults {\n  proxy {\n    access {\n      allow = [\"x\"]\n    }\n  }\n}": "Invalid value for proxy.access.allow",
		"defaults {\n  writable = [\"a\", \"b\"]\n  user = \"0\"\n}":                "Invalid value for user",
	} {
		_, diags := LoadHost("h.hcl", []byte(src))
		if len(diags) != 1 || diags[0].Summary != summary {
			t.Errorf("%s: %v", src, diags)
		}
	}
}

func TestDefaultsMayUseWhatOnlyAProjectKnows(t *testing.T) {
	h := host(t, "defaults {\n  root = \"/srv/${name}\"\n  environment = { A = file(\"x\"), B = env(\"Y\") }\n  writable = [\"a\", \"b\", \"${root}/c\"]\n}")
	if _, diags := Load("/p/client-x.hcl", nil, h); !diags.HasErrors() {
		t.Error("a file that cannot be read is no mistake")
	} else if !strings.HasSuffix(diags[0].Subject.Filename, "sandwich.hcl") {
		t.Errorf("the mistake stands in %s", diags[0].Subject)
	}
}

func project(t *testing.T, name, src string) *Project {
	t.Helper()
	p, diags := Load("/p/"+name+".hcl", []byte("root = \"/srv/"+name+"\"\n"+src), nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

func TestAHostNameOfTwoProjectsIsReportedToTheLaterOne(t *testing.T) {
	a := project(t, "a", "domains = [\"x.example\", \"y.example\"]")
	b := project(t, "b", "domains = [\"b.example\", \"x.example\"]\nredirect \"y.example\" {\n  to = \"https://b.example\"\n}")
	c := project(t, "c", "domains = [\"c.example\"]\nstatic \"/s/\" {\n  root = \"/srv/s\"\n  domain = \"b.example\"\n}")
	lines := func(diags hcl.Diagnostics) (all []int) {
		for _, d := range diags {
			all = append(all, d.Subject.Start.Line)
		}
		return all
	}
	for _, test := range []struct {
		enabled string
		want    map[string][]int
	}{
		{"", map[string][]int{"b": {2, 3}, "c": {5}}},
		{"b", map[string][]int{"a": {2, 2}, "c": {5}}},
		{"c", map[string][]int{"b": {2, 2, 3}}},
	} {
		found := Duplicates([]*Project{c, a, b}, func(name string) bool { return name == test.enabled })
		for _, name := range []string{"a", "b", "c"} {
			if got := lines(found[name]); !slices.Equal(got, test.want[name]) {
				t.Errorf("%q enabled: %s has mistakes on lines %v, want %v", test.enabled, name, got, test.want[name])
			}
		}
	}
}
