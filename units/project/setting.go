package project

import (
	"fmt"
	"time"
)

// setting is one attribute that a block knows: its name, and how its value gets into a T. The
// tables of settings are the schema: what stands in no table is an unknown attribute.
type setting[T any] struct {
	name string
	read func(v value, into *T)
}

// names is what a kind is told about a table.
func names[T any](table []setting[T]) []string {
	all := make([]string, len(table))
	for i, s := range table {
		all[i] = s.name
	}
	return all
}

// fill reads the attributes of a group into a T, in the order of the table.
func fill[T any](d *decoder, g *group, table []setting[T], into *T) {
	for _, s := range table {
		if attr, ok := g.attrs[s.name]; ok {
			key := g.path(s.name)
			d.source.put(key, attr.Range)
			s.read(value{d: d, key: key, attr: attr}, into)
		}
	}
}

// check cleans one text and says what is wrong with it: why, and the remedy. Both are sentences
// without the value, which may be a secret.
type check func(d *decoder, text string) (clean string, wrong *fault)

// fault is why a value is refused.
type fault struct {
	why    string // continues `"the value" `
	remedy string // a sentence
}

func wrong(why, remedy string) *fault { return &fault{why, remedy} }

func text[T any](field func(*T) *string, c check) func(value, *T) {
	return func(v value, into *T) {
		if it, ok := v.text(); ok {
			if clean, ok := v.checked(it, c); ok {
				*field(into) = clean
			}
		}
	}
}

// restriction says what else holds for each value of a list or map; clean is the checked text.
type restriction func(v value, it item, clean string) bool

// open refuses a secret where the value ends in a file that everyone may read.
func open(v value, it item, _ string) bool {
	if it.secret {
		v.d.refuse(&it.at, fmt.Sprintf("%s would show a secret", v.key),
			"Unit files and routes can be read by everyone, and this value comes from env() or from a file that is not public. Put it into env_file or credentials.")
	}
	return !it.secret
}

// unique refuses a value that is there twice.
func unique(v value, it item, clean string) bool {
	if clean != "" && v.d.source.States(element(v.key, clean)) {
		v.d.refuse(&it.at, fmt.Sprintf("%s has a value twice", v.key), v.shown(it)+" is in the list already. Remove one of them.")
		return false
	}
	return true
}

func list[T any](field func(*T) *[]string, c check, more ...restriction) func(value, *T) {
	return func(v value, into *T) {
		items, ok := v.items()
		if !ok {
			return
		}
		kept := []string{}
		for _, it := range items {
			if clean, ok := v.keep(it, c, more); ok {
				kept = append(kept, clean)
			}
		}
		*field(into) = kept
	}
}

func table[T any](field func(*T) *map[string]string, name, c check, more ...restriction) func(value, *T) {
	return func(v value, into *T) {
		items, ok := v.pairs()
		if !ok {
			return
		}
		kept := map[string]string{}
		for _, it := range items {
			key, okKey := v.checked(item{text: it.name, at: it.nameAt}, name)
			clean, okValue := v.keep(it, c, more)
			if okKey && okValue {
				kept[key] = clean
			}
		}
		*field(into) = kept
	}
}

func number[T any](field func(*T) *int, low, high int) func(value, *T) {
	return func(v value, into *T) {
		if n, ok := v.number(low, high); ok {
			*field(into) = n
		}
	}
}

func boolean[T any](field func(*T) *bool) func(value, *T) {
	return func(v value, into *T) {
		if b, ok := v.flag(); ok {
			*field(into) = b
		}
	}
}

// size is a number of bytes, at least low.
func size[T any](field func(*T) *int64, low int64) func(value, *T) {
	return func(v value, into *T) {
		it, ok := v.text()
		if !ok {
			return
		}
		n, wrong := parseSize(it.text)
		if wrong == nil && n < low {
			wrong = &fault{"is too small", fmt.Sprintf("It must be at least %d.", low)}
		}
		if wrong != nil {
			v.refuse(it, wrong)
			return
		}
		*field(into) = n
	}
}

// duration is a time, at least low.
func duration[T any](field func(*T) *time.Duration, low time.Duration) func(value, *T) {
	return func(v value, into *T) {
		it, ok := v.text()
		if !ok {
			return
		}
		t, wrong := parseDuration(it.text)
		if wrong == nil && t < low {
			wrong = &fault{"is too short", fmt.Sprintf("It must be at least %q.", written(low))}
		}
		if wrong != nil {
			v.refuse(it, wrong)
			return
		}
		*field(into) = t
	}
}
