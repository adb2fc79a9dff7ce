package measure

import (
	"fmt"
	"slices"
	"strings"
)

// Choose is the works with the wanted names, in the order in which they are wanted; all of them when no
// name is given.
func Choose[W any](works []W, name func(W) string, wanted []string) ([]W, error) {
	if len(wanted) == 0 {
		return works, nil
	}
	var names []string
	for _, w := range works {
		names = append(names, name(w))
	}
	var chosen []W
	for _, one := range wanted {
		i := slices.Index(names, one)
		if i < 0 {
			return nil, fmt.Errorf("there is no work %q: %s", one, strings.Join(names, " "))
		}
		chosen = append(chosen, works[i])
	}
	return chosen, nil
}
