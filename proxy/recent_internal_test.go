package proxy

import (
	"math"
	"sync"
	"testing"
	"time"
)

func TestWhatCameInTheLastMinuteIsCounted(t *testing.T) {
	var c recent
	begin := time.Unix(1_800_000_000, 0)
	for s := range 120 {
		for range 10 {
			c.add(begin.Add(time.Duration(s) * time.Second))
		}
	}
	for after, want := range map[time.Duration]float64{
		119 * time.Second: 10, 150 * time.Second: 4.6, 174 * time.Second: 0.8, 176 * time.Second: 0, time.Hour: 0, -time.Hour: 0,
	} {
		if got := c.perSecond(begin.Add(after)); math.Abs(got-want) > 0.3 {
			t.Errorf("after %s: %.2f a second, want %.2f", after, got, want)
		}
	}
}

func TestNoneIsLostWhenManyComeAtOnce(t *testing.T) {
	var c recent
	var all sync.WaitGroup
	now := time.Unix(1_800_000_000, 0).Add(time.Second)
	for range 8 {
		all.Go(func() {
			for range 700 {
				c.add(now)
			}
		})
	}
	all.Wait()
	if got := c.perSecond(now); math.Abs(got-100) > 0.01 { // of 56 seconds
		t.Errorf("%.2f a second, want 100", got)
	}
}
