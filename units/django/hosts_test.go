package django

import "testing"

func TestAllowedHostsAreMatchedAsDjangoDoes(t *testing.T) {
	for pattern, want := range map[string]bool{"*": true, "x.example": true, ".example": true, ".x.example": true, "X.Example": true, "y.example": false, "example": false, ".y.example": false} {
		if got := HostAllowed("x.example", []string{pattern}); got != want {
			t.Errorf("%s: %v", pattern, got)
		}
	}
}
