package measure

import (
	"cmp"
	"slices"
)

// Middle is the median of one figure of all rounds; zero without any.
func Middle[R any, N cmp.Ordered](rounds []R, figure func(R) N) (middle N) {
	if len(rounds) == 0 {
		return middle
	}
	all := sorted(rounds, figure)
	return all[len(all)/2]
}

// Spread is how far the rounds are from the median, as a part of it.
func Spread[R any, N ~int64 | ~float64](rounds []R, figure func(R) N) float64 {
	if len(rounds) == 0 {
		return 0
	}
	all := sorted(rounds, figure)
	return float64(all[len(all)-1]-all[0]) / 2 / max(float64(all[len(all)/2]), 1e-9)
}

func sorted[R any, N cmp.Ordered](rounds []R, figure func(R) N) []N {
	all := make([]N, len(rounds))
	for i, one := range rounds {
		all[i] = figure(one)
	}
	slices.Sort(all)
	return all
}
