package project

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
)

// kind is a sort of block: which attributes and blocks it may hold, and what becomes of one.
type kind struct {
	name   string
	label  string // what its label is, for messages; "" when it takes none
	attrs  []string
	blocks []kind
	opaque bool // its body is not looked into
	decode func(d *decoder, g *group)
}

// group is the settings of one block (or of the top level of a file): what the project's own file
// states, and below it, attribute by attribute, what the host's defaults state.
type group struct {
	kind  *kind
	key   string // "", "gunicorn", `static["/media/"]`, `proxy.rate_limit["/login/"]`
	label string
	at    hcl.Range // of its header
	attrs map[string]*hcl.Attribute
}

// path is the key of an attribute of the group.
func (g *group) path(attr string) string {
	if g.key == "" {
		return attr
	}
	return g.key + "." + attr
}

// groups collects the groups of several bodies, each adding only what those before it left unset.
type groups struct {
	all   []*group
	byKey map[string]*group
	diags hcl.Diagnostics
}

// gather reads the bodies, the project's own first.
func gather(top *kind, at hcl.Range, bodies ...hcl.Body) *groups {
	gs := &groups{byKey: map[string]*group{}}
	for _, body := range bodies {
		if body != nil {
			gs.add(top, "", "", at, body, map[string]bool{})
		}
	}
	return gs
}

// add merges one body into the group of its key. seen holds the keys of this file so far.
func (gs *groups) add(k *kind, key, label string, at hcl.Range, body hcl.Body, seen map[string]bool) {
	if k.opaque {
		return
	}
	content, diags := body.Content(k.schema())
	gs.diags = append(gs.diags, remedied(diags)...)
	g := gs.group(k, key, label, at)
	for name, attr := range content.Attributes {
		if _, own := g.attrs[name]; !own {
			g.attrs[name] = attr
		}
	}
	for _, block := range content.Blocks {
		gs.addBlock(k, key, block, seen)
	}
}

// group is the group of a key; its first header is its place.
func (gs *groups) group(k *kind, key, label string, at hcl.Range) *group {
	g, ok := gs.byKey[key]
	if !ok {
		g = &group{kind: k, key: key, label: label, at: at, attrs: map[string]*hcl.Attribute{}}
		gs.byKey[key] = g
		gs.all = append(gs.all, g)
	}
	return g
}

func (gs *groups) addBlock(k *kind, outer string, block *hcl.Block, seen map[string]bool) {
	inner := k.block(block.Type)
	key, label := block.Type, ""
	if outer != "" {
		key = outer + "." + key
	}
	if inner.label != "" {
		label = block.Labels[0]
		key = element(key, label)
	}
	if seen[key] {
		gs.diags = append(gs.diags, refusal("The block is there twice",
			fmt.Sprintf("This file has another block %s. Keep one of them.", key), &block.DefRange))
		return
	}
	seen[key] = true
	gs.add(inner, key, label, block.DefRange, block.Body, seen)
}

func (k *kind) schema() *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, name := range k.attrs {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: name})
	}
	for _, b := range k.blocks {
		header := hcl.BlockHeaderSchema{Type: b.name}
		if b.label != "" {
			header.LabelNames = []string{b.label}
		}
		s.Blocks = append(s.Blocks, header)
	}
	return s
}

func (k *kind) block(name string) *kind {
	for i := range k.blocks {
		if k.blocks[i].name == name {
			return &k.blocks[i]
		}
	}
	return nil
}
