package socketact

import "testing"

func TestAReloadIsDoneWhenEveryNewWorkerHasLoaded(t *testing.T) {
	for _, c := range []struct {
		before, now string
		want        bool
	}{
		{"2 of 2 workers have loaded x.wsgi", "2 of 2 workers have loaded x.wsgi", false},
		{"2 of 2 workers have loaded x.wsgi", "1 of 2 workers have loaded x.wsgi (reload 1)", false},
		{"2 of 2 workers have loaded x.wsgi", "2 of 2 workers have loaded x.wsgi (reload 1)", true},
		{"2 of 2 workers have loaded x.wsgi (reload 1)", "2 of 2 workers have loaded x.wsgi (reload 1)", false},
		{"2 of 2 workers have loaded x.wsgi (reload 1)", "3 of 3 workers have loaded x.wsgi (reload 2)", true},
		{"2 of 2 workers have loaded x.wsgi", "Waiting for the requests in progress", false},
		{"", "2 of 2 workers have loaded x.wsgi (reload 1)", false},
	} {
		if got := Reloaded(c.before, c.now); got != c.want {
			t.Errorf("%q then %q: %t", c.before, c.now, got)
		}
	}
}
