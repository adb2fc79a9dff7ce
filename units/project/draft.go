package project

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// Draft is a project file in its beginnings: what cannot be found by asking the project.
type Draft struct {
	Root        string
	User        string // "" for the owner of Root
	Python      string // this and the next: "" for what is found
	Settings    string
	App         string
	Domains     []string // empty when ALLOWED_HOSTS tells them
	Placeholder bool     // Domains only stand in for the real ones
}

// Bytes is the file, formatted.
func (d Draft) Bytes() []byte {
	f := hclwrite.NewEmptyFile()
	body := f.Body()
	comment(body, "What is not stated here is found by asking the project; see sandwich.hcl(5).")
	body.SetAttributeValue("root", cty.StringVal(d.Root))
	for _, a := range [][2]string{{"user", d.User}, {"python", d.Python}, {"settings", d.Settings}, {"app", d.App}} {
		if a[1] != "" {
			body.SetAttributeValue(a[0], cty.StringVal(a[1]))
		}
	}
	if d.Placeholder {
		body.AppendNewline()
		comment(body, "A placeholder: write the site's real names, and the same into ALLOWED_HOSTS.")
	}
	if len(d.Domains) > 0 {
		body.SetAttributeValue("domains", cty.ListVal(values(d.Domains)))
	}
	return hclwrite.Format(f.Bytes())
}

func comment(body *hclwrite.Body, text string) {
	body.AppendUnstructuredTokens(hclwrite.Tokens{{
		Type: hclsyntax.TokenComment, Bytes: []byte("# " + strings.TrimSpace(text) + "\n"),
	}})
}

func values(list []string) []cty.Value {
	all := make([]cty.Value, 0, len(list))
	for _, s := range list {
		all = append(all, cty.StringVal(s))
	}
	return all
}
