package project

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// maxMistakes is how many mistakes of one file are told; nobody reads more.
const maxMistakes = 100

// refusal is a mistake: what is wrong, why with the remedy, and where.
func refusal(summary, detail string, at *hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: at}
}

// warning is something that works and is probably not meant.
func warning(summary, detail string, at *hcl.Range) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: at}
}

// remedied adds the remedy to what hcl itself says of attributes and blocks, where it has none.
func remedied(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		label, block, _ := strings.Cut(strings.TrimPrefix(d.Summary, "Missing "), " for ")
		switch {
		case strings.HasPrefix(d.Summary, "Unsupported ") && !strings.Contains(d.Detail, "Did you mean"):
			d.Detail += " Remove it, or write what was meant: sandwich.hcl(5) says what there is."
		case strings.HasPrefix(d.Summary, "Missing ") && block != "":
			d.Detail = fmt.Sprintf("A block %s has its %s behind the word: %s \"...\" {", block, label, block)
		case strings.HasPrefix(d.Summary, "Extraneous label"):
			d.Detail += " Remove what stands between the word and the brace."
		}
	}
	return diags
}

// tidy orders diagnostics by place, drops the ones that only follow from another, and takes away
// what could print a value. The evaluated variables of an expression may hold what env() or file()
// gave, so no diagnostic keeps them.
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	for _, d := range diags {
		d.Expression, d.EvalContext, d.Extra = nil, nil, nil
	}
	slices.SortStableFunc(diags, byPlace)
	var kept hcl.Diagnostics
	for _, d := range diags {
		if !follows(d, kept) {
			kept = append(kept, d)
		}
	}
	return cut(kept)
}

func byPlace(a, b *hcl.Diagnostic) int {
	if a.Subject == nil || b.Subject == nil {
		return 0
	}
	return cmp.Or(strings.Compare(a.Subject.Filename, b.Subject.Filename),
		cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte),
		cmp.Compare(b.Subject.End.Byte, a.Subject.End.Byte))
}

// follows says whether a diagnostic is about a place inside the one reported before it.
func follows(d *hcl.Diagnostic, kept hcl.Diagnostics) bool {
	if len(kept) == 0 || d.Subject == nil {
		return false
	}
	last := kept[len(kept)-1]
	if last.Subject == nil || last.Severity != d.Severity || last.Subject.Filename != d.Subject.Filename {
		return false
	}
	if last.Subject.Empty() || *last.Subject == *d.Subject {
		return last.Summary == d.Summary && last.Detail == d.Detail
	}
	return d.Subject.Start.Byte >= last.Subject.Start.Byte && d.Subject.End.Byte <= last.Subject.End.Byte
}

func cut(diags hcl.Diagnostics) hcl.Diagnostics {
	if len(diags) <= maxMistakes {
		return diags
	}
	more := len(diags) - maxMistakes
	return append(diags[:maxMistakes:maxMistakes], refusal("There are more mistakes",
		fmt.Sprintf("%d more mistakes are not shown. Correct these first.", more), diags[maxMistakes].Subject))
}
