package project

import (
	"cmp"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// value is one attribute that is being read. Its methods report what is wrong and say whether
// there is something to keep; null is as if the attribute were not there.
type value struct {
	d    *decoder
	key  string
	attr *hcl.Attribute
}

// item is one text of an attribute: the value itself, or one value of a list or map.
type item struct {
	name   string // the key in a map
	nameAt hcl.Range
	text   string
	at     hcl.Range
	secret bool
}

// maxText bounds one value; maxValues how many a list or map has.
const (
	maxText   = 64 << 10
	maxValues = 5000
)

// shown is a value as a message may show it.
func (v value) shown(it item) string {
	if it.secret {
		return "The value (not shown: it comes from env() or file())"
	}
	return quote(it.text)
}

func (v value) refuse(it item, f *fault) {
	v.d.refuse(&it.at, "Invalid value for "+v.key, fmt.Sprintf("%s %s. %s", v.shown(it), f.why, f.remedy))
}

// checked is a clean text: without control characters, and as the check wants it.
func (v value) checked(it item, c check) (string, bool) {
	if f := clean(it.text); f != nil {
		v.refuse(it, f)
		return "", false
	}
	text, f := c(v.d, it.text)
	if f != nil {
		v.refuse(it, f)
		return "", false
	}
	return text, true
}

// keep is checked for one value of a list or map, which it also finds a place for.
func (v value) keep(it item, c check, more []restriction) (string, bool) {
	text, ok := v.checked(it, c)
	for _, holds := range more {
		ok = ok && holds(v, it, text)
	}
	v.d.source.put(element(v.key, cmp.Or(it.name, text)), it.at)
	return text, ok
}

// clean refuses what could end a line or a field in whatever is made from the value.
func clean(s string) *fault {
	if len(s) > maxText {
		return wrong("is too long", fmt.Sprintf("At most %d bytes are read.", maxText))
	}
	if strings.ContainsAny(s, "\r\n") {
		return wrong("holds a line end", "Write it on one line; a value of several lines can stand in the file that env_file names, in quotes.")
	}
	for _, c := range s {
		if unicode.IsControl(c) || c == '\u2028' || c == '\u2029' || c == unicode.ReplacementChar {
			return wrong("holds a control character", "Remove it.")
		}
	}
	return nil
}

// eval is the value of an expression, converted to the wanted type, without its marks. It is not
// ok when it is null, not known, or not of that type.
func (v value) eval(expr hcl.Expression, want cty.Type, called string) (result cty.Value, secret, ok bool) {
	raw, diags := expr.Value(v.d.context)
	v.d.diags = append(v.d.diags, diags...)
	if diags.HasErrors() {
		return cty.NilVal, false, false
	}
	raw, marks := raw.UnmarkDeep()
	converted, err := convert.Convert(raw, want)
	if err != nil {
		at := expr.Range()
		v.d.refuse(&at, fmt.Sprintf("%s must be %s", v.key, called), fmt.Sprintf("It is %s.%s", typeName(raw.Type()), form(want)))
		return cty.NilVal, false, false
	}
	if !converted.IsWhollyKnown() || converted.IsNull() {
		return cty.NilVal, false, false
	}
	return converted, len(marks) > 0, true
}

// form is how a value of a type is written.
func form(t cty.Type) string {
	switch {
	case t == cty.Bool:
		return " Write true or false."
	case t == cty.List(cty.String):
		return ` Write it in brackets: ["one", "two"].`
	case t == cty.Map(cty.String):
		return ` Write it in braces: { NAME = "value" }.`
	}
	return ""
}

func typeName(t cty.Type) string {
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "a map"
	}
	return "something else"
}

func (v value) text() (item, bool) {
	return v.textOf(v.attr.Expr, "a string")
}

func (v value) textOf(expr hcl.Expression, called string) (item, bool) {
	result, secret, ok := v.eval(expr, cty.String, called)
	if !ok {
		return item{}, false
	}
	return item{text: result.AsString(), at: expr.Range(), secret: secret}, true
}

func (v value) flag() (bool, bool) {
	result, _, ok := v.eval(v.attr.Expr, cty.Bool, "true or false")
	return ok && result.True(), ok
}

func (v value) number(low, high int) (int, bool) {
	result, _, ok := v.eval(v.attr.Expr, cty.Number, "a number")
	if !ok {
		return 0, false
	}
	n, accuracy := result.AsBigFloat().Int64()
	if accuracy != big.Exact || n < int64(low) || n > int64(high) {
		at := v.attr.Expr.Range()
		v.d.refuse(&at, "Invalid value for "+v.key, fmt.Sprintf("Write a whole number from %d to %d.", low, high))
		return 0, false
	}
	return int(n), true
}

// items is a list of texts, each with its own place.
func (v value) items() ([]item, bool) {
	exprs, diags := hcl.ExprList(v.attr.Expr)
	if diags.HasErrors() {
		return v.computed()
	}
	if v.tooMany(len(exprs)) {
		return nil, false
	}
	items := []item{}
	for _, expr := range exprs {
		if it, ok := v.textOf(expr, "a list of strings"); ok {
			items = append(items, it)
		}
	}
	return items, true
}

// computed is a list that an expression gives: its values share one place.
func (v value) computed() ([]item, bool) {
	result, secret, ok := v.eval(v.attr.Expr, cty.List(cty.String), "a list of strings")
	if !ok || v.tooMany(result.LengthInt()) {
		return nil, false
	}
	items := []item{}
	for _, one := range result.AsValueSlice() {
		if !one.IsNull() {
			items = append(items, item{text: one.AsString(), at: v.attr.Expr.Range(), secret: secret})
		}
	}
	return items, true
}

func (v value) tooMany(n int) bool {
	if n > maxValues {
		at := v.attr.NameRange
		v.d.refuse(&at, v.key+" has too many values", fmt.Sprintf("At most %d are read.", maxValues))
	}
	return n > maxValues
}

// pairs is a map of texts, each with its own place, in the order of the file.
func (v value) pairs() ([]item, bool) {
	pairs, diags := hcl.ExprMap(v.attr.Expr)
	if diags.HasErrors() {
		return v.computedPairs()
	}
	if v.tooMany(len(pairs)) {
		return nil, false
	}
	items, seen := []item{}, map[string]bool{}
	for _, pair := range pairs {
		name, ok := v.textOf(pair.Key, "a map of strings")
		it, okValue := v.textOf(pair.Value, "a map of strings")
		if !ok || !okValue {
			continue
		}
		if name.secret {
			v.d.refuse(&name.at, v.key+" has a secret as a name", "This name comes from env() or from a file that is not public. Write it as it is.")
			continue
		}
		if seen[name.text] {
			v.d.refuse(&name.at, v.key+" has a name twice", v.shown(name)+" is in the map already. Remove one of them.")
			continue
		}
		seen[name.text] = true
		it.name, it.nameAt = name.text, name.at
		items = append(items, it)
	}
	return items, true
}

func (v value) computedPairs() ([]item, bool) {
	result, secret, ok := v.eval(v.attr.Expr, cty.Map(cty.String), "a map of strings")
	if !ok || v.tooMany(result.LengthInt()) {
		return nil, false
	}
	items, at := []item{}, v.attr.Expr.Range()
	values := result.AsValueMap()
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if one := values[name]; !one.IsNull() {
			items = append(items, item{name: name, nameAt: at, text: one.AsString(), at: at, secret: secret})
		}
	}
	return items, true
}
