package project

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Load turns a project file into a Project: what the file and the host's defaults state, and the
// built-in defaults. filename is the absolute path of the file, its base name names the project;
// host may be nil. It reads nothing but its arguments: env(), file() and pathexpand() reach
// through host.Outside. Every mistake is reported, with its place. With mistakes the Project holds
// what could be read, for further checks only; it is nil when nothing could.
func Load(filename string, src []byte, host *Host) (*Project, hcl.Diagnostics) {
	if host == nil {
		host = DefaultHost()
	}
	name := NameOf(filename)
	if err := CheckName(name); err != nil {
		return nil, hcl.Diagnostics{refusal("The file's name is no project name", sentence(err), NewSource(filename, src).At(""))}
	}
	body, diags := parse(filename, src)
	if diags.HasErrors() {
		return nil, tidy(diags)
	}
	source := NewSource(filename, src)
	d := newDecoder(name, source, &scene{outside: host.Outside, name: name, dirs: []string{filepath.Dir(filename)}})
	d.p.TLS = host.TLS
	d.read(gather(&top, *source.At(""), body, host.defaults))
	d.whole()
	return d.p, tidy(append(diags, d.diags...))
}

func newDecoder(name string, source *Source, s *scene) *decoder {
	p := builtIn()
	p.Name, p.File, p.Source = name, source.File, source
	return &decoder{p: p, source: source, scene: s, context: s.context()}
}

// parse reads HCL after refusing what is not safe to read. A file that is not HCL all through
// gives no body: what was understood of it would only lead to mistakes that are none.
func parse(filename string, src []byte) (*hclsyntax.Body, hcl.Diagnostics) {
	if diags := guard(filename, src); diags.HasErrors() {
		return nil, diags
	}
	file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	body := file.Body.(*hclsyntax.Body)
	diags = append(diags, plain(body)...)
	if diags.HasErrors() {
		return nil, diags
	}
	return body, diags
}
